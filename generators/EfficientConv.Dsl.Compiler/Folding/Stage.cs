using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Model;
using EfficientConv.Dsl.Compiler.Targets;

namespace EfficientConv.Dsl.Compiler.Folding;

/// <summary>One step of arithmetic after folding: batch norm, activation and residual belong to the convolution before them.</summary>
/// <param name="Id">Position in <see cref="StageGraph.Stages"/>.</param>
/// <param name="Name">Canonical name of the layer that it is named for.</param>
/// <param name="Inputs">Ids of the stages that it reads.</param>
/// <param name="Input">Shape of its first input.</param>
/// <param name="Output">Shape of its output.</param>
public abstract record Stage(int Id, string Name, EquatableArray<int> Inputs, Shape Input, Shape Output)
{
    /// <summary>Ids of the layers that it computes, in their order; those that cost nothing, such as an identity, belong to the stage that they read.</summary>
    public EquatableArray<int> LayerIds { get; init; }
}

/// <summary>The network's input.</summary>
public sealed record InputStage(int Id, string Name, Shape Output) : Stage(Id, Name, [], Output, Output);

/// <summary>
/// A convolution with batch norm folded into its weights, an optional residual as the accumulators' initial value and an activation.
/// </summary>
/// <param name="Id">Position.</param>
/// <param name="Name">Name.</param>
/// <param name="Inputs">What it reads: the convolution's input, then the residual if there is one.</param>
/// <param name="Input">Shape of the convolution's input.</param>
/// <param name="Output">Shape of the output.</param>
/// <param name="Convolution">The convolution.</param>
/// <param name="BatchNorm">Batch norm after it, or null.</param>
/// <param name="HasResidual">Whether the second input, which may have fewer channels, is added before the activation.</param>
/// <param name="Activation">Activation at the end.</param>
public sealed record ConvolutionStage(
    int Id, string Name, EquatableArray<int> Inputs, Shape Input, Shape Output,
    ConvolutionOperator Convolution, BatchNormOperator? BatchNorm, bool HasResidual, ActivationFunction Activation)
    : Stage(Id, Name, Inputs, Input, Output)
{
    /// <summary>Learned factors after convolution and batch norm, folded into the weights, or null.</summary>
    public LayerScaleOperator? LayerScale { get; init; }

    /// <summary>The learned slopes of its activation, or null.</summary>
    public PReLUOperator? PReLU { get; init; }

    /// <summary>What stands after the activation, or between the residual and the activation, and so cannot be folded into the weights; or null.</summary>
    public ScaleShift? ScaleShift { get; init; }

    /// <summary>The form of Winograd's algorithm that computes it; null for the sum as written.</summary>
    public WinogradForm? Winograd { get; init; }

    /// <summary>Which taps of a transposed convolution it has; null for a convolution as the user wrote it.</summary>
    public TransposedPhase? Phase { get; init; }

    /// <summary>Input channels that each output channel reads.</summary>
    public int InPerGroup => Input.Channels / Convolution.Groups;

    /// <summary>Output channels of a group.</summary>
    public int OutPerGroup => Output.Channels / Convolution.Groups;

    /// <summary>Length of each output's sum.</summary>
    public int Taps => InPerGroup * Convolution.Kernel.Height * Convolution.Kernel.Width;

    /// <summary>A dense 1x1 convolution with stride 1: a matrix product over pixels.</summary>
    public bool IsPointwise =>
        Convolution.Groups == 1 && Convolution.Kernel == Extent.Square(1) && Convolution.Stride == Extent.Square(1) && Convolution.Padding.IsZero;

    /// <summary>
    /// Whether it runs with a channel in every lane: groups whose outputs do not fill whole vectors. Vectors of the widest target, because the choice decides the order
    /// of the sum.
    /// </summary>
    public bool IsLanewise => Convolution.Groups > 1 && OutPerGroup % VectorTarget.WidestLanes != 0;

    /// <summary>One filter a channel.</summary>
    public bool IsDepthwise => Convolution.Groups == Input.Channels && Convolution.Groups == Output.Channels && Convolution.Groups > 1;
}

/// <summary>One multiply-add by channel, x * scale + shift, in a convolution's epilogue.</summary>
/// <param name="Operator">Batch norm, or factors by channel, whose summand is 0.</param>
/// <param name="IsBeforeActivation">Whether it goes before the activation, after a residual; else after it.</param>
public sealed record ScaleShift(Operator Operator, bool IsBeforeActivation);

/// <summary>Squeeze-and-excitation of a whole map.</summary>
public sealed record SqueezeStage(
    int Id, string Name, EquatableArray<int> Inputs, Shape Input, Shape Output,
    ConvolutionOperator Reduce, ActivationFunction Activation, ConvolutionOperator Expand, ActivationFunction Gate)
    : Stage(Id, Name, Inputs, Input, Output);

/// <summary>Maximum or mean over windows.</summary>
public sealed record PoolStage(int Id, string Name, EquatableArray<int> Inputs, Shape Input, Shape Output, PoolOperator Pool) : Stage(Id, Name, Inputs, Input, Output);

/// <summary>Mean over the map.</summary>
public sealed record GlobalAveragePoolStage(int Id, string Name, EquatableArray<int> Inputs, Shape Input, Shape Output) : Stage(Id, Name, Inputs, Input, Output);

/// <summary>Channel shuffle.</summary>
public sealed record ShuffleStage(int Id, string Name, EquatableArray<int> Inputs, Shape Input, Shape Output, int Groups) : Stage(Id, Name, Inputs, Input, Output);

/// <summary>An activation that no convolution could take.</summary>
public sealed record ActivationStage(int Id, string Name, EquatableArray<int> Inputs, Shape Input, Shape Output, ActivationFunction Function) : Stage(Id, Name, Inputs, Input, Output);

/// <summary>PReLU.</summary>
public sealed record PReLUStage(int Id, string Name, EquatableArray<int> Inputs, Shape Input, Shape Output, PReLUOperator PReLU) : Stage(Id, Name, Inputs, Input, Output);

/// <summary>Batch norm that no convolution could take: x * scale + shift.</summary>
public sealed record BatchNormStage(int Id, string Name, EquatableArray<int> Inputs, Shape Input, Shape Output, BatchNormOperator BatchNorm) : Stage(Id, Name, Inputs, Input, Output);

/// <summary>A sum that no convolution could take; the second input may have fewer channels.</summary>
public sealed record AddStage(int Id, string Name, EquatableArray<int> Inputs, Shape Input, Shape Output) : Stage(Id, Name, Inputs, Input, Output);

/// <summary>Softmax over channels.</summary>
public sealed record SoftmaxStage(int Id, string Name, EquatableArray<int> Inputs, Shape Input, Shape Output) : Stage(Id, Name, Inputs, Input, Output);

/// <summary>C x H x W read as a vector in PyTorch's order.</summary>
public sealed record FlattenStage(int Id, string Name, EquatableArray<int> Inputs, Shape Input, Shape Output) : Stage(Id, Name, Inputs, Input, Output);

/// <summary>Tensors joined along the channels.</summary>
public sealed record ConcatStage(int Id, string Name, EquatableArray<int> Inputs, Shape Input, Shape Output) : Stage(Id, Name, Inputs, Input, Output);

/// <summary>Some channels of a tensor, from <paramref name="Start"/> on.</summary>
public sealed record SliceStage(int Id, string Name, EquatableArray<int> Inputs, Shape Input, Shape Output, int Start) : Stage(Id, Name, Inputs, Input, Output);

/// <summary>Normalisation over the channels of each pixel.</summary>
public sealed record LayerNormStage(int Id, string Name, EquatableArray<int> Inputs, Shape Input, Shape Output, LayerNormOperator Norm) : Stage(Id, Name, Inputs, Input, Output);

/// <summary>Factors by channel that no convolution could take.</summary>
public sealed record LayerScaleStage(int Id, string Name, EquatableArray<int> Inputs, Shape Input, Shape Output, LayerScaleOperator Scale) : Stage(Id, Name, Inputs, Input, Output);

/// <summary>
/// Two tensors' channels in turn, what a shuffle of two groups makes of their concatenation: channel 2j is channel <paramref name="First"/> + j of the
/// first input, channel 2j + 1 that of the second.
/// </summary>
public sealed record InterleaveStage(int Id, string Name, EquatableArray<int> Inputs, Shape Input, Shape Output, int First) : Stage(Id, Name, Inputs, Input, Output);

/// <summary>A product that no squeeze-and-excitation is: with a tensor of one shape, or of one value a channel.</summary>
public sealed record MultiplyStage(int Id, string Name, EquatableArray<int> Inputs, Shape Input, Shape Output, bool ByChannel) : Stage(Id, Name, Inputs, Input, Output);

/// <summary>An operator that a function of the runtime computes as it is: nothing is folded into it.</summary>
public sealed record FunctionStage(int Id, string Name, EquatableArray<int> Inputs, Shape Input, Shape Output, Operator Operator) : Stage(Id, Name, Inputs, Input, Output);

/// <summary>Upsampling.</summary>
public sealed record UpsampleStage(int Id, string Name, EquatableArray<int> Inputs, Shape Input, Shape Output, UpsampleOperator Upsample) : Stage(Id, Name, Inputs, Input, Output);

/// <summary>Channels to the pixels of squares.</summary>
public sealed record PixelShuffleStage(int Id, string Name, EquatableArray<int> Inputs, Shape Input, Shape Output, int Factor) : Stage(Id, Name, Inputs, Input, Output);

/// <summary>Maximum or mean over windows of several sizes.</summary>
public sealed record AdaptivePoolStage(int Id, string Name, EquatableArray<int> Inputs, Shape Input, Shape Output, bool IsMaximum) : Stage(Id, Name, Inputs, Input, Output);

/// <summary>A transposed convolution with batch norm folded into its weights and an activation.</summary>
public sealed record TransposedStage(
    int Id, string Name, EquatableArray<int> Inputs, Shape Input, Shape Output, TransposedConvolutionOperator Convolution, BatchNormOperator? BatchNorm, ActivationFunction Activation)
    : Stage(Id, Name, Inputs, Input, Output)
{
    /// <summary>The learned slopes of its activation, or null.</summary>
    public PReLUOperator? PReLU { get; init; }

    /// <summary>What stands after the activation and so cannot be folded into the weights, or null.</summary>
    public ScaleShift? ScaleShift { get; init; }
}

/// <summary>
/// The taps of a transposed convolution that reach the output pixels of one phase: rows and columns whose remainders by the stride are the same. Tap i of
/// the phase is kernel row <c>FirstRow - i * RowStep</c>.
/// </summary>
public sealed record TransposedPhase(TransposedConvolutionOperator Convolution, int FirstRow, int RowStep, int FirstColumn, int ColumnStep)
{
    /// <summary>Every tap of the kernel as output channels of its own, phase after phase, where each phase has one: a 1x1 convolution.</summary>
    public static TransposedPhase All(TransposedConvolutionOperator convolution) => new(convolution, 0, -1, 0, -1) { IsAll = true };

    /// <summary>Whether it is all of them.</summary>
    public bool IsAll { get; private init; }
}

/// <summary>The network after folding, in topological order; stage 0 is the input.</summary>
/// <param name="IsChannelsLast">Whether the user's spans are NHWC.</param>
/// <param name="Stages">The stages.</param>
/// <param name="Outputs">Ids of the stages that make the network's outputs, in the order of the user's span.</param>
public sealed record StageGraph(bool IsChannelsLast, EquatableArray<Stage> Stages, EquatableArray<int> Outputs)
{
    /// <summary>How many stages read each stage's output; being an output of the network counts as well.</summary>
    public int[] CountUses()
    {
        int[] uses = new int[Stages.Count];
        foreach (Stage stage in Stages)
        {
            foreach (int input in stage.Inputs)
                uses[input]++;
        }

        foreach (int output in Outputs)
            uses[output]++;
        return uses;
    }
}
