using EfficientConv.Dsl.Compiler.Folding;
using EfficientConv.Dsl.Compiler.Fusion;
using EfficientConv.Dsl.Compiler.Graph;

namespace EfficientConv.Dsl.Compiler.Scheduling;

/// <summary>
/// Names a fused group by everything that its schedule depends on and nothing else: shapes, windows, activations, what is added, and where planes come in or go out.
/// Equal blocks of any network have one name, for example <c>24x56x56 &gt; 144 k3x3 s1x1 p1,1,1,1 ReLU6 ReLU6 &gt; 24x56x56 +x nchw nhwc</c>.
/// </summary>
public static class LayerKey
{
    /// <summary>The name of <paramref name="group"/>; null for what has no schedule to choose.</summary>
    /// <param name="group">The group.</param>
    /// <param name="planarInput">Whether it reads planes.</param>
    /// <param name="planarOutput">Whether it writes planes.</param>
    public static string? Of(StageGroup group, bool planarInput, bool planarOutput)
    {
        string layouts = $"{(planarInput ? "nchw" : "nhwc")} {(planarOutput ? "nchw" : "nhwc")}";
        switch (group)
        {
            case DepthwiseGroup g:
            {
                string expand = g.Expand is null ? string.Empty : $" > {g.Depthwise.Input.Channels}", act = g.Expand is null ? string.Empty : Name(g.Expand.Activation) + " ";
                string squeeze = g.Squeeze is null ? string.Empty : FormattableString.Invariant($" se{g.Squeeze.Reduce.OutChannels}");
                string stem = g.Stem is null ? string.Empty : " " + Window(g.Stem.Convolution);
                return $"{Size((g.Expand ?? g.Depthwise).Input)}{stem}{expand} {Window(g.Depthwise.Convolution)} {act}{Name(g.Depthwise.Activation)}{squeeze} > {Size(g.Project.Output)}{Tail(g.Project)} {layouts}";
            }

            case SingleGroup { Stage: ConvolutionStage s }:
                return $"{Convolution(s)} {layouts}";
            case PoolGroup g:
                return FormattableString.Invariant($"{Convolution(g.Stem)} > {(g.Pool.Pool.IsMaximum ? "max" : "mean")} k{g.Pool.Pool.Kernel} s{g.Pool.Pool.Stride} > {Size(g.Pool.Output)} {layouts}");

            default:
                return null;
        }
    }

    private static string Convolution(ConvolutionStage s)
    {
        string groups = s.Convolution.Groups == 1 ? string.Empty : FormattableString.Invariant($" g{s.Convolution.Groups}");
        return $"{Size(s.Input)} {Window(s.Convolution)}{groups} > {Size(s.Output)}{Tail(s)}";
    }

    private static string Tail(ConvolutionStage stage) => (stage.HasResidual ? " +x" : string.Empty) + (stage.Activation.IsNone ? string.Empty : " " + Name(stage.Activation));

    private static string Name(ActivationFunction function) => function.IsNone ? "-" : function.ToString();

    private static string Size(Shape shape) => FormattableString.Invariant($"{shape.Channels}x{shape.Height}x{shape.Width}");

    private static string Window(ConvolutionOperator c)
    {
        string dilation = c.Dilation == Extent.Square(1) ? string.Empty : $" d{c.Dilation}";
        string padding = FormattableString.Invariant($" p{c.Padding.Top},{c.Padding.Bottom},{c.Padding.Left},{c.Padding.Right}");
        return $"k{c.Kernel} s{c.Stride}{dilation}{padding}";
    }
}
