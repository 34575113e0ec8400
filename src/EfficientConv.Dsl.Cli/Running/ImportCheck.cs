using System.Diagnostics;
using EfficientConv.Dsl.Cli.Input;
using EfficientConv.Dsl.Cli.Output;
using EfficientConv.Dsl.Cli.Verbs;
using EfficientConv.Dsl.Compiler;
using EfficientConv.Dsl.Import;
using EfficientConv.Dsl.Measuring;
using EfficientConv.Dsl.Measuring.Peers;
using Microsoft.ML.OnnxRuntime;

namespace EfficientConv.Dsl.Cli.Running;

/// <summary>
/// The class that an import wrote, compiled and loaded as any of the user's, against the model as the file has it, on two random images and two with structure. Where outputs end
/// with a sigmoid or softmax, which hides errors, the class without those is compared too.
/// </summary>
internal sealed class ImportCheck
{
    private const double Tolerance = 1e-4;

    /// <summary>Each weight is wrong by up to 2^-11 of itself.</summary>
    private const double HalfTolerance = 1e-2;

    private const int Images = 4;

    /// <summary>Timed calls of each side: at least so many, and so long.</summary>
    private const int FewestCalls = 20, MostCalls = 2000;

    private const double Seconds = 2;

    private readonly ImportRequest _request;
    private readonly ImportedModel _imported;
    private readonly RunnableNetwork _runnable;
    private readonly LoadedNetwork _network;

    public ImportCheck(ImportRequest request, ImportedModel imported)
    {
        (_request, _imported) = (request, imported);
        (_runnable, _network) = ReadBack(imported);
    }

    /// <summary>Every output beside the model's.</summary>
    public IReadOnlyList<OutputCheck> Compare()
    {
        FinalActivations? final = FinalActivations.Of(_imported);
        ImportedModel? cut = final is null ? null : ModelImport.Import(_request, final.Model);
        LoadedNetwork? front = cut is null ? null : ReadBack(cut).Loaded;
        Difference[] found = Differences(), logits = Differences();
        for (int i = 0; i < Images; i++)
        {
            float[] image = Image(i);
            IReadOnlyDictionary<string, Tensor> tensors = _imported.Run(image);
            Add(found, ImportedModel.Outputs(_imported.Source, tensors), Run(_network, _imported, image));
            if (front is not null)
                Add(logits, final!.Reference(Tensor.Of(_imported.Source.InputDims, image), tensors), Run(front, cut!, image));
        }

        double allowed = _request.IsHalf ? HalfTolerance : Tolerance;
        OutputCheck[] checks = [.. _imported.Source.Outputs.Select((name, i) => new OutputCheck(name, _imported.Mapped.Outputs[i], found[i].Largest, found[i].Error, found[i].Relative, allowed)
        {
            LogitRelative = final?.IsFinal[i] == true ? logits[i].Relative : null,
        })];
        if (checks.All(check => check.IsWithin))
            return checks;
        Difference[] rounding = Rounding();
        return [.. checks.Select((check, i) => check with { Rounding = rounding[i].Relative })];
    }

    /// <summary>How far the model's own outputs move where what each of its nodes makes is rounded to single precision, once for each value.</summary>
    private Difference[] Rounding()
    {
        Difference[] moved = Differences();
        for (int i = 0; i < Images; i++)
        {
            Tensor image = Tensor.Of(_imported.Source.InputDims, Image(i));
            Add(moved, Outputs(isRounded: false), Outputs(isRounded: true));

            double[] Outputs(bool isRounded) => ImportedModel.Outputs(_imported.Source, ImportedModel.Run(_imported.Source, image, isRounded));
        }

        return moved;
    }

    /// <summary>The network beside ONNX Runtime with the file itself: the differences of the outputs, and the times of calls in turn on one thread.</summary>
    public PeerCheck ComparePeer(int? core)
    {
        // Threads of the reference that were made before keep their cores.
        if (core is { } first)
            CoreAffinity.Pin(1, first);
        using OnnxRuntimePeer peer = Options.StartPeer(1);
        using PageBuffer input = new(_runnable.InputShape.ElementCount, 0), theirInput = new(_runnable.InputShape.ElementCount, 0);
        using PageBuffer output = new(_runnable.OutputShape.ElementCount, 2048 + 64), expected = new(_runnable.OutputShape.ElementCount, 2048 + 64);
        Model source = _imported.Source;
        try
        {
            IReadOnlyDictionary<string, Tensor> shapes = Executor.Run(source, Tensor.Unknown(source.InputDims), out _);
            IEnumerable<(string, int[])> outputs = source.Outputs.Select(name => (name, shapes[name].Dims));
            using OnnxRuntimeSession session = peer.Load(_request.Path, source.Input, source.InputDims, theirInput, outputs, expected);
            Difference[] found = Differences();
            for (int i = 0; i < Images; i++)
            {
                Image(i).CopyTo(theirInput.Span);
                session.Run(1);
                Add(found, Array.ConvertAll(expected.Span.ToArray(), value => (double)value), Run(_network, _imported, Image(i)));
            }

            _imported.NetworkInput(Image(0)).CopyTo(input.Span);
            Image(0).CopyTo(theirInput.Span);
            void Ours() => _network.ForwardOne(input.Span, output.Span);
            void Theirs() => session.Run(1);
            LatencySamples.WarmUp(Ours, FewestCalls);
            LatencySamples.WarmUp(Theirs, FewestCalls);
            LatencySamples ours = new(), theirs = new();
            long start = Stopwatch.GetTimestamp();
            while (ours.Count < FewestCalls || (ours.Count < MostCalls && Stopwatch.GetElapsedTime(start).TotalSeconds < Seconds))
            {
                // The other side has used the caches: one call brings each side's data back.
                Theirs();
                theirs.Take(Theirs);
                Ours();
                ours.Take(Ours);
            }

            return new PeerCheck(peer.Name, [.. found.Select(difference => difference.Relative)], LatencyResult.Of(ours), LatencyResult.Of(theirs));
        }
        catch (OnnxRuntimeException exception)
        {
            throw new ToolException($"--peer ort: {Path.GetFileName(_request.Path)} cannot be run by ONNX Runtime: {exception.Message}");
        }
    }

    /// <summary>The checkpoint of an import.</summary>
    public static void WriteWeights(string checkpoint, ImportRequest request, ImportedModel imported)
    {
        try
        {
            SafetensorsWriter.Write(checkpoint, imported.Weights, isHalf: request.IsHalf);
        }
        catch (ArgumentException exception) when (request.IsHalf)
        {
            throw new ToolException($"{Path.GetFileName(request.Path)} cannot be written with --weights f16: {exception.Message}");
        }
    }

    /// <summary>Both files, read as any of the user's: what is checked is what is written.</summary>
    private (RunnableNetwork Network, LoadedNetwork Loaded) ReadBack(ImportedModel imported)
    {
        string folder = Directory.CreateTempSubdirectory("efficientconv-import").FullName;
        using Ending ending = new(() => Directory.Delete(folder, recursive: true));
        using StringWriter said = new();
        try
        {
            string source = Path.Combine(folder, _request.Name + ".cs"), checkpoint = Path.Combine(folder, _request.Name + ".safetensors");
            File.WriteAllText(source, imported.Text);
            WriteWeights(checkpoint, _request, imported);
            RunnableNetwork network = NetworkBuild.Runnable(NetworkInputs.Read([source], null, new Terminal(TextWriter.Null, said)).Single(), CompilerOptions.Default);
            return (network, network.Load(checkpoint, new LoadOptions()));
        }
        catch (ToolException exception)
        {
            string mistake = said.ToString().Split('\n').FirstOrDefault(line => line.Contains(": error ", StringComparison.Ordinal)) ?? exception.Message;
            throw new ToolException(
                $"The class that was made of {Path.GetFileName(_request.Path)} has a mistake, which is a fault of the import (--no-check writes it all the same): "
                + mistake.Replace(": error ", ": ", StringComparison.Ordinal), ExitCode.Failed);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private float[] Run(LoadedNetwork network, ImportedModel imported, float[] image)
    {
        float[] output = new float[_runnable.OutputShape.ElementCount];
        network.ForwardOne(imported.NetworkInput(image), output);
        return output;
    }

    private Difference[] Differences() => [.. _imported.Mapped.Outputs.Select(_ => new Difference())];

    private void Add(Difference[] found, double[] expected, float[] output) => Add(found, expected, Array.ConvertAll(output, value => (double)value));

    private void Add(Difference[] found, double[] expected, double[] output)
    {
        for (int i = 0, start = 0; i < found.Length; start += _imported.Mapped.Outputs[i++])
            found[i].Add(expected.AsSpan(start, _imported.Mapped.Outputs[i]), output.AsSpan(start, _imported.Mapped.Outputs[i]));
    }

    /// <summary>Images in the model's own layout: random ones, a ramp, and a bright half.</summary>
    private float[] Image(int kind)
    {
        TensorShape shape = _runnable.InputShape;
        int count = (int)shape.ElementCount;
        return kind switch
        {
            0 or 1 => Random(count, 17 + kind),
            2 => [.. Enumerable.Range(0, count).Select(i => (2f * i / count) - 1)],
            _ => [.. Enumerable.Range(0, count).Select(i => i / shape.Width % shape.Height > shape.Height / 2 ? 1f : 0f)],
        };
    }

    private static float[] Random(int count, int seed)
    {
        Random random = new(seed);
        return [.. Enumerable.Range(0, count).Select(_ => (random.NextSingle() * 2) - 1)];
    }

    /// <summary>How far values are from what they should be.</summary>
    internal sealed class Difference
    {
        /// <summary>The largest value that was expected.</summary>
        public double Largest { get; private set; }

        /// <summary>The largest difference; infinite where one is no number.</summary>
        public double Error { get; private set; }

        /// <summary>The difference as a share of the largest value.</summary>
        public double Relative => Largest > 0 ? Error / Largest : Error;

        public void Add(ReadOnlySpan<double> expected, ReadOnlySpan<double> found)
        {
            for (int i = 0; i < expected.Length; i++)
            {
                Largest = Math.Max(Largest, Math.Abs(expected[i]));
                double error = Math.Abs(expected[i] - found[i]);
                Error = Math.Max(Error, double.IsNaN(error) ? double.PositiveInfinity : error);
            }
        }
    }
}

/// <summary>An output of the network beside the model's.</summary>
/// <param name="Output">Its name.</param>
/// <param name="Values">Number of values.</param>
/// <param name="Largest">The largest value of the model's.</param>
/// <param name="Error">The largest difference.</param>
/// <param name="Relative">The difference as a share of the largest value.</param>
/// <param name="Allowed">What it may be.</param>
internal sealed record OutputCheck(string Output, int Values, double Largest, double Error, double Relative, double Allowed)
{
    /// <summary>What a softmax makes of an error: its inputs are powers of e.</summary>
    private const double BehindActivation = 10;

    /// <summary>A sum in single precision rounds at each of its terms, not only when it is done: networks that agree are 3 to 20 times as far off as their rounded nodes.</summary>
    private const double RoundingOfSums = 32;

    /// <summary>The same before the sigmoid or softmax that the output ends with; null where it ends with none.</summary>
    public double? LogitRelative { get; init; }

    /// <summary>The difference to ONNX Runtime's output; null where that was not asked for.</summary>
    public double? PeerRelative { get; init; }

    /// <summary>How far the model's own output moves, as a share of its largest value, where its nodes round; null where nobody had to ask.</summary>
    public double? Rounding { get; init; }

    /// <summary>Whether it is right: to the tolerance before a last sigmoid or softmax, to ten times as much after it, and where the model makes much of what rounding does, to a multiple of that.</summary>
    public bool IsWithin => Relative <= Bound(LogitRelative is null ? Allowed : BehindActivation * Allowed) && !(LogitRelative > Bound(Allowed)) && !(PeerRelative > Bound(BehindActivation * Allowed));

    /// <summary>Whether it is right only by what rounding does.</summary>
    public bool IsRounding => IsWithin && !(this with { Rounding = null }).IsWithin;

    private double Bound(double tolerance) => Math.Max(tolerance, RoundingOfSums * (Rounding ?? 0));
}

/// <summary>The network beside ONNX Runtime.</summary>
/// <param name="Name">ONNX Runtime's name and version.</param>
/// <param name="Relative">For each output the largest difference as a share of its largest value.</param>
/// <param name="Ours">Times of the network's calls.</param>
/// <param name="Theirs">Times of ONNX Runtime's.</param>
internal sealed record PeerCheck(string Name, IReadOnlyList<double> Relative, LatencyResult Ours, LatencyResult Theirs)
{
    /// <summary>ONNX Runtime's median by ours.</summary>
    public double Ratio => Theirs.P50 / Ours.P50;

    /// <summary>ONNX Runtime's least time by ours.</summary>
    public double RatioOfMinima => Theirs.Minimum / Ours.Minimum;
}
