using EfficientConv.Dsl.Compiler.Folding;
using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Model;
using EfficientConv.Dsl.Compiler.Scheduling;
using static EfficientConv.Dsl.Compiler.Emission.SourceText;

namespace EfficientConv.Dsl.Compiler.Emission;

/// <summary>The convolutions of a network with batch norm folded: functions that the packing for every instruction set begins with.</summary>
internal sealed class FoldedConvolutions
{
    private readonly string _className;
    private readonly Dictionary<string, string> _names = [];
    private readonly List<(string Name, string Layer, string Text)> _functions = [];

    public FoldedConvolutions(string className, IEnumerable<NetworkPlan> plans)
    {
        _className = className + "_Weights";
        foreach (StagePacking packing in plans.SelectMany(plan => plan.Packing))
        {
            if (Expression(packing) is not { } text || _names.ContainsKey(text))
                continue;
            string name = Text($"Convolution{_functions.Count}");
            _names.Add(text, name);
            _functions.Add((name, packing.Convolution?.Key.Canonical ?? packing.Source.Name, text));
        }
    }

    /// <summary>The call that makes the convolution of <paramref name="packing"/>; null where it has none.</summary>
    public string? Call(StagePacking packing) => Expression(packing) is { } text ? $"{_className}.{_names[text]}(weights)" : null;

    /// <summary>Prints the class of the functions.</summary>
    public void Emit(SourceWriter writer, string networkName)
    {
        writer.Line();
        writer.Line($"/// <summary>The convolutions of <c>{networkName}</c>, batch norm folded.</summary>");
        writer.Line(FileHeader.GeneratedCode);
        using (writer.Block($"internal static class {_className}"))
        {
            foreach ((string name, string layer, string text) in _functions)
            {
                writer.Line($"/// <summary>{layer}</summary>");
                writer.Line($"public static Runtime.FoldedConvolution {name}(Runtime.WeightReader weights) => {text.Replace("new TransposedTaps", "new Runtime.TransposedTaps")};");
            }
        }
    }

    /// <summary>The expression that folds the convolution of <paramref name="packing"/>; null where it has none.</summary>
    public static string? Expression(StagePacking packing)
    {
        string[] steps = [.. Steps(packing)];
        return steps.Length == 0 ? null : "weights" + string.Concat(steps);
    }

    /// <summary>The calls, each on the result of the one before, that fold the convolution of <paramref name="packing"/>.</summary>
    private static IEnumerable<string> Steps(StagePacking packing)
    {
        if (packing.Source is ConvolutionStage { Phase: { } phase } part)
        {
            TransposedConvolutionOperator t = phase.Convolution;
            string transposedBias = t.Bias ? Quote(t.Key.With("bias").Key) : "null";
            Extent taps = phase.IsAll ? t.Kernel : part.Convolution.Kernel;
            string rows = Text($"FirstRow: {phase.FirstRow}, RowStep: {phase.RowStep}, Rows: {taps.Height}");
            string columns = Text($"FirstColumn: {phase.FirstColumn}, ColumnStep: {phase.ColumnStep}, Columns: {taps.Width}");
            yield return Text(
                $".TransposedConvolution({Quote(t.Key.With("weight").Key)}, {transposedBias}, outChannels: {t.OutChannels}, groups: {t.Groups}, " +
                $"kernelHeight: {t.Kernel.Height}, kernelWidth: {t.Kernel.Width}, new TransposedTaps({rows}, {columns}))");
            if (packing.BatchNorm is { } transposedNorm)
                yield return $".FoldBatchNorm(weights, {BatchNormArguments(transposedNorm)})";
            if (phase.IsAll)
                yield return ".TapsToChannels()";
            yield break;
        }

        if (packing.Convolution is not { } c)
            yield break;
        string bias = c.Bias ? Quote(c.Key.With("bias").Key) : "null";
        yield return Text(
            $".Convolution({Quote(c.Key.With("weight").Key)}, {bias}, outChannels: {c.OutChannels}, inChannelsPerGroup: {packing.InPerGroup}, " +
            $"kernelHeight: {c.Kernel.Height}, kernelWidth: {c.Kernel.Width})");
        if (packing.BatchNorm is { } norm)
            yield return $".FoldBatchNorm(weights, {BatchNormArguments(norm)})";
        if (packing.Source is ConvolutionStage { LayerScale: { } scale })
            yield return $".FoldScale(weights.Tensor({Quote(scale.Key.Key)}))";
    }

    /// <summary>A batch norm's tensors and its epsilon.</summary>
    public static string BatchNormArguments(BatchNormOperator norm)
    {
        string affine = norm.Affine ? $"{Key("weight")}, {Key("bias")}" : "null, null";
        return Text($"{affine}, {Key("running_mean")}, {Key("running_var")}, {norm.Epsilon:R}");

        string Key(string name) => Quote(norm.Key.With(name).Key);
    }

    private static string Quote(string text) => PlainText.Quote(text);
}
