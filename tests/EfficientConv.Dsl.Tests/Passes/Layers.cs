using EfficientConv.Dsl.Compiler.Folding;
using EfficientConv.Dsl.Compiler.Fusion;
using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Model;
using EfficientConv.Dsl.Tests.Harness;

namespace EfficientConv.Dsl.Tests.Passes;

/// <summary>Graphs for tests: from attributes, or layer by layer where attributes cannot say it.</summary>
internal sealed class Layers
{
    private readonly List<Layer> _layers = [];

    private Layers(Shape input) => _layers.Add(new Layer(0, "input", new InputOperator(), [], input, default));

    public static Layers From(int channels, int height, int width) => new(new Shape(channels, height, width));

    /// <summary>Adds an operator that reads <paramref name="inputs"/>; the id is returned.</summary>
    public int Add(Operator op, params int[] inputs)
    {
        _layers.Add(new Layer(_layers.Count, FormattableString.Invariant($"layer{_layers.Count}"), op, inputs.ToEquatableArray(), op.Output([.. inputs.Select(id => _layers[id].Output)]), default));
        return _layers.Count - 1;
    }

    public LayerGraph Build() => new(false, _layers.ToEquatableArray());

    public static ConvolutionOperator Pointwise(int outChannels, int groups = 1) => Convolution(outChannels, 1, 0, groups);

    public static ConvolutionOperator Convolution(int outChannels, int kernel, int padding, int groups = 1) =>
        new(new TensorKey("c", "c"), outChannels, Extent.Square(kernel), Extent.Square(1), Padding.Symmetric(padding, padding), Extent.Square(1), groups, Bias: true);

    public static BatchNormOperator BatchNorm { get; } = new(new TensorKey("b", "b"), 1e-5);

    public static ActivationOperator ReLU { get; } = new(new ActivationFunction(ActivationKind.ReLU));

    /// <summary>The stages of <paramref name="attributes"/> after the input.</summary>
    public static Stage[] Fold(string attributes) => Fold(DeclarationText.Graph(attributes));

    public static Stage[] Fold(LayerGraph graph) => [.. OperatorFolding.Fold(graph).Stages.Skip(1)];

    public static StageGroup[] Fuse(string attributes) => Fuse(DeclarationText.Graph(attributes));

    public static StageGroup[] Fuse(LayerGraph graph) => [.. StageFusion.Fuse(OperatorFolding.Fold(graph))];
}
