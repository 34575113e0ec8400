using EfficientConv.Dsl.Compiler.Declarations;
using EfficientConv.Dsl.Compiler.Findings;
using EfficientConv.Dsl.Compiler.Model;

namespace EfficientConv.Dsl.Compiler.Graph;

/// <summary>Every group of channels to mean 0 and variance 1 over its channels and all pixels, then weight and bias by channel (Wu and He 2018).</summary>
/// <param name="Key">Prefix of weight and bias.</param>
/// <param name="Groups">Groups of channels that follow each other.</param>
/// <param name="Epsilon">Added to the variance.</param>
/// <param name="Affine">Whether there are weight and bias.</param>
public sealed record GroupNormOperator(TensorKey Key, int Groups, double Epsilon, bool Affine) : Operator
{
    /// <summary>Eps where none is given, as in PyTorch.</summary>
    internal const double DefaultEpsilon = 1e-5;

    /// <inheritdoc/>
    public override string Name => "GroupNorm";

    /// <inheritdoc/>
    public override OperatorKind Kind => OperatorKind.NormOrActivation;

    /// <summary>The channels of a group share their mean.</summary>
    public override bool KeepsGroups(Shape input) => Groups == input.Channels;

    /// <inheritdoc/>
    public override OutputMemory Writes(Shape output) => OutputMemory.New;

    /// <inheritdoc/>
    public override SavedForBackward Saves(Shape output) => SavedForBackward.Inputs with
    {
        OwnBytes = EquatableArray.Of(ElementType.Float32.Bytes(Groups), ElementType.Float32.Bytes(Groups)),
    };

    /// <inheritdoc/>
    public override Shape Output(IReadOnlyList<Shape> inputs) => inputs[0];

    /// <inheritdoc/>
    public override EquatableArray<ParameterTensor> Tensors(Shape input) => Affine
        ? EquatableArray.Of(
            ParameterTensor.Of(Key, "weight", ParameterKind.LayerNormWeight, input.Channels), ParameterTensor.Of(Key, "bias", ParameterKind.LayerNormBias, input.Channels))
        : [];

    /// <inheritdoc/>
    public override long MultiplyAdds(Shape input, Shape output) => 0;

    /// <inheritdoc/>
    internal override Finding? Check(OperatorSite site)
    {
        int channels = site.Input.Channels;
        if (channels % Groups != 0)
        {
            return site.Broken(
                RuleCatalog.GroupsInput, "numGroups", $"has numGroups {Groups}, which do not divide its {channels} channels (channels must be divisible by numGroups)",
                FixProposal.Alternatives("numGroups", FixProposal.Nearest(Groups, channels, groups => channels % groups == 0, 3)));
        }

        return SingleValues(site, Groups);
    }

    /// <summary>A group of one value is its own mean, so that nothing of it is left: PyTorch asks for more than one.</summary>
    internal static Finding? SingleValues(OperatorSite site, int groups) => site.Input.Count > groups ? null
        : site.Broken(
            RuleCatalog.InvalidValue, null, $"normalises each of the values of {site.Input} by itself, which leaves the bias alone (more than one value must share a mean)");

    /// <inheritdoc/>
    public override AttributeDeclaration? Attribute(IReadOnlyList<Shape> inputs) =>
        new WrittenAttribute("GroupNorm").With("numGroups", Groups).With("eps", Epsilon, DefaultEpsilon).With("affine", Affine, true).Done();

    /// <summary>As PyTorch's exporter writes it: groups are the channels of an instance norm over one long row each.</summary>
    public override OnnxForm Onnx(IReadOnlyList<Shape> inputs)
    {
        Shape shape = inputs[0];
        OnnxNode[] nodes =
        [
            OnnxNode.Reshape(OnnxInput.First, 1, Groups, shape.Count / Groups).As("groups"),
            OnnxNode.Of(
                "InstanceNormalization", [OnnxInput.Result("groups"), OnnxInput.Floats("ones", [.. Enumerable.Repeat(1f, Groups)]), OnnxInput.Floats("zeros", new float[Groups])],
                OnnxAttribute.Of("epsilon", (float)Epsilon)).As("normal"),
            OnnxNode.Reshape(OnnxInput.Result("normal"), 1, shape.Channels, shape.Height, shape.Width),
        ];
        if (!Affine)
            return OnnxForm.Of(nodes);
        nodes[2] = nodes[2].As("map");
        EquatableArray<ParameterTensor> tensors = Tensors(shape);
        return OnnxForm.Of(
        [
            .. nodes, OnnxNode.Of("Mul", [OnnxInput.Result("map"), OnnxInput.Parameter(tensors[0], shape.Channels, 1, 1)]).As("scaled"),
            OnnxNode.Of("Add", [OnnxInput.Result("scaled"), OnnxInput.Parameter(tensors[1], shape.Channels, 1, 1)]),
        ]);
    }

    internal static GroupNormOperator Read(AttributeReader reader, Shape input, TensorKey key) =>
        new(key, reader.Positive("numGroups", 1), reader.PositiveNumber("eps", DefaultEpsilon), reader.Bool("affine", true));
}
