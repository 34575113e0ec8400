using EfficientConv.Dsl.Compiler.Declarations;
using EfficientConv.Dsl.Compiler.Findings;
using EfficientConv.Dsl.Compiler.Model;

namespace EfficientConv.Dsl.Compiler.Graph;

/// <summary>
/// What a layer computes, and everything that is known of it: passes, rules, reports and the exporter read it here and nowhere else. A new operator says all of it or
/// does not compile; <see cref="OperatorCatalog"/> lists them.
/// </summary>
public abstract record Operator
{
    /// <summary>PyTorch's name: of the module in <c>torch.nn</c>, torchvision or timm, or of what the function does.</summary>
    public abstract string Name { get; }

    /// <summary>What it is to those who count and list layers.</summary>
    public abstract OperatorKind Kind { get; }

    /// <summary>Whether it mixes no channels and keeps their order, so that groups of channels that never met before it have not met after it either.</summary>
    public abstract bool KeepsGroups(Shape input);

    /// <summary>Rule M2 of docs/memory.md: where a framework puts the output.</summary>
    public abstract OutputMemory Writes(Shape output);

    /// <summary>Rule T1 of docs/memory.md: what training keeps of it.</summary>
    public abstract SavedForBackward Saves(Shape output);

    /// <summary>Fewest and most tensors that it reads; one unless it says otherwise.</summary>
    public virtual (int Least, int Most) Arity => (1, 1);

    /// <summary>Shape of what it makes of <paramref name="inputs"/>, by PyTorch's formulas; a size of zero or less says that no output pixel exists.</summary>
    public abstract Shape Output(IReadOnlyList<Shape> inputs);

    /// <summary>Parameters and buffers in the order of PyTorch's state dict.</summary>
    public abstract EquatableArray<ParameterTensor> Tensors(Shape input);

    /// <summary>Multiplications of weights, each with an addition.</summary>
    public abstract long MultiplyAdds(Shape input, Shape output);

    /// <summary>The first rule that it breaks in its place, or null.</summary>
    internal abstract Finding? Check(OperatorSite site);

    /// <summary>
    /// The attribute that becomes it where <paramref name="inputs"/> come in, without names of tensors: the inverse of reading. Null where no attribute says it, which is so only of
    /// operators that no attribute made.
    /// </summary>
    public abstract AttributeDeclaration? Attribute(IReadOnlyList<Shape> inputs);

    /// <summary>How it is written in ONNX.</summary>
    public abstract OnnxForm Onnx(IReadOnlyList<Shape> inputs);

    /// <summary>What computes the same when nothing is trained: itself, or an operator that folds into others.</summary>
    public virtual Operator AtInference(Shape input) => this;

    /// <summary>Shape of what it makes of one tensor.</summary>
    public Shape Output(Shape input) => Output([input]);

    /// <summary>Parameters, as PyTorch counts them.</summary>
    public long ParameterCount(Shape input) => Tensors(input).Where(tensor => !tensor.IsBuffer).Sum(tensor => tensor.Count);
}

/// <summary>An operator without weights: nothing in a checkpoint, no multiply-adds.</summary>
public abstract record WeightlessOperator : Operator
{
    /// <inheritdoc/>
    public sealed override EquatableArray<ParameterTensor> Tensors(Shape input) => [];

    /// <inheritdoc/>
    public sealed override long MultiplyAdds(Shape input, Shape output) => 0;
}

/// <summary>What an operator is to those who count and list layers.</summary>
public enum OperatorKind
{
    /// <summary>The network's input, no layer at all.</summary>
    Input,

    /// <summary>A module with multiply-adds; its output counts as activations (timm's macts).</summary>
    Convolution,

    /// <summary>Pooling, a module.</summary>
    Pooling,

    /// <summary>A module that keeps the shape and belongs to the layer before it: normalisation, activation, factors. Short lists leave it out.</summary>
    NormOrActivation,

    /// <summary>Any other module.</summary>
    Module,

    /// <summary>What is a function or a view in PyTorch and no module: summaries that hook modules do not see it.</summary>
    Function,
}

/// <summary>Where an operation's output lies.</summary>
public enum OutputMemory
{
    /// <summary>In memory of its own.</summary>
    New,

    /// <summary>Over its first input where nothing else needs that any more, else in memory of its own.</summary>
    OverInput,

    /// <summary>In its first input's memory: only the shape is another.</summary>
    View,
}

/// <summary>Which of a layer's tensors its backward pass reads.</summary>
[Flags]
public enum BackwardReads
{
    /// <summary>None.</summary>
    Nothing = 0,

    /// <summary>All that it reads.</summary>
    Inputs = 1,

    /// <summary>What it makes.</summary>
    Output = 2,

    /// <summary>For each input through which a gradient flows the other one: the derivative of a product is the other factor.</summary>
    OtherFactor = 4,
}

/// <summary>What automatic differentiation keeps of a layer.</summary>
/// <param name="Reads">Which of the tensors that the layer reads and makes.</param>
/// <param name="OwnBytes">Bytes of each tensor that it keeps beside them for an image: places of maxima, mean and scale of each pixel.</param>
/// <param name="StatisticsBytes">Bytes of each tensor that it keeps whatever the batch: batch norm's mean and scale.</param>
public sealed record SavedForBackward(BackwardReads Reads, EquatableArray<long> OwnBytes = default, EquatableArray<long> StatisticsBytes = default)
{
    /// <summary>Nothing: the derivative depends on no value.</summary>
    public static SavedForBackward Nothing { get; } = new(BackwardReads.Nothing);

    /// <summary>What the layer reads.</summary>
    public static SavedForBackward Inputs { get; } = new(BackwardReads.Inputs);

    /// <summary>What the layer makes.</summary>
    public static SavedForBackward Output { get; } = new(BackwardReads.Output);

    /// <summary>Both factors, each where the other one's gradient is asked for.</summary>
    public static SavedForBackward Factors { get; } = new(BackwardReads.OtherFactor);

    /// <summary>The input, and of pooling for a maximum the places of the maxima in 64-bit integers.</summary>
    internal static SavedForBackward OfPooling(bool isMaximum, Shape output) => isMaximum ? Inputs with { OwnBytes = EquatableArray.Of(output.Count * sizeof(long)) } : Inputs;
}
