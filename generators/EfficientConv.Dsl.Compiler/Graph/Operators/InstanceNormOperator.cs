using EfficientConv.Dsl.Compiler.Declarations;
using EfficientConv.Dsl.Compiler.Findings;
using EfficientConv.Dsl.Compiler.Model;

namespace EfficientConv.Dsl.Compiler.Graph;

/// <summary>Every channel of an image to mean 0 and variance 1 over its pixels, then weight and bias (Ulyanov et al. 2016).</summary>
/// <param name="Key">Prefix of its tensors.</param>
/// <param name="Epsilon">Added to the variance.</param>
/// <param name="Affine">Whether there are weight and bias.</param>
/// <param name="TracksRunningStatistics">Whether training keeps running statistics, which inference uses in place of the image's.</param>
public sealed record InstanceNormOperator(TensorKey Key, double Epsilon, bool Affine, bool TracksRunningStatistics) : Operator
{
    /// <inheritdoc/>
    public override string Name => "InstanceNorm2d";

    /// <inheritdoc/>
    public override OperatorKind Kind => OperatorKind.NormOrActivation;

    /// <inheritdoc/>
    public override bool KeepsGroups(Shape input) => true;

    /// <inheritdoc/>
    public override OutputMemory Writes(Shape output) => TracksRunningStatistics ? OutputMemory.OverInput : OutputMemory.New;

    /// <summary>PyTorch normalises channels of images as those of one, with the weights and the running statistics repeated for each image, and keeps what it repeats.</summary>
    public override SavedForBackward Saves(Shape output) => SavedForBackward.Inputs with
    {
        OwnBytes = Enumerable.Repeat(ElementType.Float32.Bytes(output.Channels), 2 + (Affine ? 1 : 0) + (TracksRunningStatistics ? 2 : 0)).ToEquatableArray(),
    };

    /// <inheritdoc/>
    public override Shape Output(IReadOnlyList<Shape> inputs) => inputs[0];

    /// <inheritdoc/>
    public override EquatableArray<ParameterTensor> Tensors(Shape input) => AtInference(input).Tensors(input);

    /// <inheritdoc/>
    public override long MultiplyAdds(Shape input, Shape output) => 0;

    /// <summary>With running statistics it is a batch norm, without a norm of groups of one channel.</summary>
    public override Operator AtInference(Shape input) =>
        TracksRunningStatistics ? new BatchNormOperator(Key, Epsilon, Affine) : new GroupNormOperator(Key, input.Channels, Epsilon, Affine);

    /// <inheritdoc/>
    internal override Finding? Check(OperatorSite site) => TracksRunningStatistics ? null : GroupNormOperator.SingleValues(site, site.Input.Channels);

    /// <inheritdoc/>
    public override AttributeDeclaration? Attribute(IReadOnlyList<Shape> inputs) => new WrittenAttribute("InstanceNorm2d")
        .With("eps", Epsilon, GroupNormOperator.DefaultEpsilon).With("affine", Affine, false).With("trackRunningStats", TracksRunningStatistics, false).Done();

    /// <inheritdoc/>
    public override OnnxForm Onnx(IReadOnlyList<Shape> inputs)
    {
        if (TracksRunningStatistics)
            return AtInference(inputs[0]).Onnx(inputs);
        int channels = inputs[0].Channels;
        OnnxInput[] affine = Affine
            ? [.. Tensors(inputs[0]).Select(tensor => OnnxInput.Parameter(tensor))]
            : [OnnxInput.Floats("ones", [.. Enumerable.Repeat(1f, channels)]), OnnxInput.Floats("zeros", new float[channels])];
        return OnnxForm.Of(OnnxNode.Of("InstanceNormalization", [OnnxInput.First, .. affine], OnnxAttribute.Of("epsilon", (float)Epsilon)));
    }

    internal static InstanceNormOperator Read(AttributeReader reader, Shape input, TensorKey key) =>
        new(key, reader.PositiveNumber("eps", GroupNormOperator.DefaultEpsilon), reader.Bool("affine", false), reader.Bool("trackRunningStats", false));
}
