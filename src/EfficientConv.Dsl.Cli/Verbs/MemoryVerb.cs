using System.CommandLine;
using EfficientConv.Dsl.Cli.Input;
using EfficientConv.Dsl.Cli.Output;
using EfficientConv.Dsl.Compiler.Cost;
using EfficientConv.Dsl.Compiler.Graph;

namespace EfficientConv.Dsl.Cli.Verbs;

/// <summary><c>memory</c>: does a depthwise separable convolution need more memory?</summary>
internal static class MemoryVerb
{
    private const string Description =
        "Does a depthwise separable convolution need more memory? For a layer (--in, --out, --size) every method side by side; for networks each as written, " +
        "with standard and with separable convolutions. Every figure's rule is in docs/memory.md.";

    public static Command Create(Terminal terminal)
    {
        InputOptions inputs = new(required: false);
        Option<bool> json = Options.Json();
        QuestionOptions question = new();
        Option<int> batch = Options.Number("--batch", "Images at once.", 1);
        Command command = new("memory", Description) { json, batch };
        inputs.AddTo(command);
        question.AddTo(command, required: false);
        command.SetAction(parsed =>
        {
            int images = parsed.GetValue(batch);
            LayerQuestion? asked = question.Read(parsed);
            if (asked is null == (inputs.Paths(parsed).Length == 0))
                throw new ToolException("Give either networks (files, folders, a project) or a layer (--in, --out, --size).");
            List<MemoryComparison> comparisons = asked is not null
                ? [OfLayer(asked, images)]
                : [.. inputs.Read(parsed, terminal).Select(n => OfNetwork(n, images))];
            if (parsed.GetValue(json))
                terminal.Writer.WriteLine(Figures.Json(new { Batch = images, Comparisons = comparisons }));
            else
                comparisons.ForEach(c => Print(c, images, terminal));
            return ExitCode.Success;
        });
        return command;
    }

    /// <summary>Every method for one layer.</summary>
    internal static MemoryComparison OfLayer(LayerQuestion question, int batch)
    {
        MemoryFigures[] figures = [.. ConvolutionMethod.All(question).Select(m => MemoryFigures.Of(m.Name, m.Text, Graph(m), batch))];
        string sentence = MemoryAnswer.Sentence($"a depthwise separable {question}", "a standard convolution", figures[1], figures[0], batch);
        return new MemoryComparison($"{question}, batch norm and ReLU behind every convolution that the tutorial has them behind", figures, sentence);
    }

    private static LayerGraph Graph(ConvolutionMethod method) => new NetworkInput(method.Name, "--in, --out, --size", method.Declaration, null).Graph();

    private static MemoryComparison OfNetwork(NetworkInput network, int batch)
    {
        LayerGraph graph = network.Graph();
        List<MemoryFigures> figures = [MemoryFigures.Of("as written", null, graph, batch)];
        MemoryFigures? standard = Add("standard convolutions", ConvolutionSwap.WithStandardConvolutions(graph));
        MemoryFigures? separable = Add("separable convolutions", ConvolutionSwap.WithSeparableConvolutions(graph));
        string name = network.ShortName, sentence;
        if (standard is not null)
            sentence = MemoryAnswer.Sentence($"{name} with its depthwise separable convolutions", $"with standard ones in their place", figures[0], standard, batch);
        else if (separable is not null)
            sentence = MemoryAnswer.Sentence($"{name} with depthwise separable convolutions in place of its standard ones", "as it is written", separable, figures[0], batch);
        else
            sentence = $"{name} has no convolution with a window that could be of the other kind.";
        return new MemoryComparison($"{network.Name}   {graph.Input} -> {graph.Output}", [.. figures], sentence);

        MemoryFigures? Add(string what, LayerGraph? other)
        {
            if (other is null)
                return null;
            MemoryFigures made = MemoryFigures.Of(what, null, other, batch);
            figures.Add(made);
            return made;
        }
    }

    private static void Print(MemoryComparison comparison, int batch, Terminal terminal)
    {
        string images = batch == 1 ? "one image" : FormattableString.Invariant($"{batch} images");
        terminal.Heading(comparison.Title.Length <= Terminal.Columns ? comparison.Title : comparison.Title.Split(',')[0]);
        terminal.Line();
        Table(comparison, terminal, $"Inference, {images}, MiB",
            ["weights", "x freed", "x kept", "im2col", "in rows"],
            f => [f.WeightBytes, f.PeakInputFreed, f.PeakInputHeld, f.PeakIm2col, f.PeakFusedRows]);
        Table(comparison, terminal, "As compiled, inference, one image, MiB: input, output and workspace",
            ["avx512", "avx2", "vector128"],
            f => [f.AsCompiledAvx512, f.AsCompiledAvx2, f.AsCompiledVector128]);
        Table(comparison, terminal, $"Training, {images}, Adam, MiB",
            ["weights x4", "saved by conv", "saved", "total"],
            f => [f.WeightsGradientsAdam, f.SavedByConvolutions, f.Saved, f.Training]);
        Table(comparison, terminal, $"GPU caching allocator, inference, {images}, MiB",
            ["NCHW", "reserved", "NHWC", "reserved"],
            f => [f.GpuInferenceNchw.Allocated, f.GpuInferenceNchw.Reserved, f.GpuInferenceNhwc.Allocated, f.GpuInferenceNhwc.Reserved]);
        Table(comparison, terminal, $"GPU caching allocator, training, {images}, MiB",
            ["NCHW", "reserved", "NHWC", "reserved"],
            f => [f.GpuTrainingNchw.Allocated, f.GpuTrainingNchw.Reserved, f.GpuTrainingNhwc.Allocated, f.GpuTrainingNhwc.Reserved]);
        terminal.Paragraph(comparison.Answer);
        terminal.Line();
    }

    private static void Table(MemoryComparison comparison, Terminal terminal, string title, string[] columns, Func<MemoryFigures, long[]> values)
    {
        terminal.Heading(title);
        terminal.Table(
            [Column.Text(string.Empty), .. columns.Select(c => new Column(c))],
            comparison.Methods.Select(f => (IReadOnlyList<string>)[Figures.Short(f.Name, 24), .. values(f).Select(v => Figures.Mebibytes(v))]));
    }
}

/// <summary>Ways to write the same thing, side by side.</summary>
/// <param name="Title">What is compared.</param>
/// <param name="Methods">The ways.</param>
/// <param name="Answer">The sentence.</param>
internal sealed record MemoryComparison(string Title, IReadOnlyList<MemoryFigures> Methods, string Answer);
