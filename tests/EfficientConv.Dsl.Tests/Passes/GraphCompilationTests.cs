using EfficientConv.Dsl.Compiler;
using EfficientConv.Dsl.Compiler.Declarations;
using EfficientConv.Dsl.Compiler.Findings;
using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Model;
using EfficientConv.Dsl.Tests.Harness;

namespace EfficientConv.Dsl.Tests.Passes;

/// <summary>Graphs that do not come from attributes.</summary>
public sealed class GraphCompilationTests
{
    private static readonly Extent s_one = Extent.Square(1);

    private static readonly GeneratedType s_type = new("Batch", [], "Net", "class", IsPublic: true);

    /// <summary>The same graph gives the same text, whether attributes made it or not.</summary>
    [Theory]
    [InlineData("[InputShape(3, 32, 32), Conv2d(16, stride: 2, padding: 1, bias: false), BatchNorm, ReLU6, InvertedResidual(16, expansion: 2), GlobalAvgPool, Flatten, Linear(10)]")]
    [InlineData("[InputShape(3, 8, 8), ImageInput, Conv2d(8, Name = \"stem\"), Output(\"a\"), ReLU, Output(\"b\"), From(\"stem\"), Conv2d(4), Output(\"c\")]")]
    public void Graph_GivesTheTextOfItsAttributes(string attributes)
    {
        CompilationResult ofAttributes = NetworkCompiler.Compile(DeclarationText.Parse(attributes), CompilerOptions.Default);
        CompilationResult ofGraph = NetworkCompiler.Compile(s_type, DeclarationText.Graph(attributes), CompilerOptions.Default);
        Assert.Empty(ofGraph.Findings);
        Assert.Equal(ofAttributes.Sources.Select(source => (source.HintName, source.Text)), ofGraph.Sources.Select(source => (source.HintName, source.Text)));
    }

    /// <summary>A graph as an importer builds it: own origins, own names.</summary>
    [Fact]
    public void BuiltGraph_Compiles()
    {
        GraphBuilder builder = Input();
        builder.Add("backbone.conv", Convolution("backbone.conv", 8), LayerOrigin.Of("node \"Conv_0\" of a.onnx"));
        int first = builder.Current;
        builder.Add("backbone.act", new ActivationOperator(new ActivationFunction(ActivationKind.ReLU)), LayerOrigin.Of("node \"Relu_1\" of a.onnx"));
        builder.Add("sum", new AddOperator(), LayerOrigin.Of("node \"Add_2\" of a.onnx"), builder.Current, first);
        Assert.True(builder.AddOutput("boxes"));
        CompilationResult result = NetworkCompiler.Compile(s_type, builder.Build(isChannelsLast: false), CompilerOptions.Default);
        Assert.Empty(result.Findings);
        Assert.Contains("backbone.conv.weight", result.Sources[0].Text, StringComparison.Ordinal);
        Assert.Contains("BoxesOutput", result.Sources[0].Text, StringComparison.Ordinal);
    }

    /// <summary>A mistake that an operator sees names the layer and where it comes from.</summary>
    [Fact]
    public void Mistake_NamesTheOrigin()
    {
        GraphBuilder builder = Input();
        builder.Add("conv", Convolution("conv", 8) with { Groups = 3 }, LayerOrigin.Of("node \"Conv_7\" of a.onnx"));
        Finding finding = Assert.Single(builder.Findings);
        Assert.StartsWith("Conv2d \"conv\" (node \"Conv_7\" of a.onnx) has groups 3", finding.Message, StringComparison.Ordinal);
        Assert.Equal(-1, finding.AttributeIndex);
    }

    /// <summary>Graphs that no builder made: every rule, and nothing said of layers after a wrong one.</summary>
    [Fact]
    public void WrongGraphs_AreRefused()
    {
        Layer input = new(0, "input", new InputOperator(), [], new Shape(4, 6, 6), default);
        Layer conv = new(1, "conv", Convolution("conv", 8), EquatableArray.Of(0), new Shape(8, 6, 6), LayerOrigin.Of("node 1"));
        Layer relu = new(2, "act", new ActivationOperator(new ActivationFunction(ActivationKind.ReLU)), EquatableArray.Of(1), new Shape(8, 6, 6), LayerOrigin.Of("node 2"));
        Assert.Equal([], Messages(input, conv, relu));
        Assert.Equal(["The graph has no layer behind its input (layer 0 is the input, and at least one layer reads it)"], Messages(input));
        Assert.Equal(["The graph has no layer behind its input (layer 0 is the input, and at least one layer reads it)"], Messages(conv, relu));
        Assert.Equal(["Conv2d \"conv\" (node 1) has an output of 8 x 5 x 6 (it makes 8 x 6 x 6 of 4 x 6 x 6)"], Messages(input, conv with { Output = new Shape(8, 5, 6) }, relu));
        Assert.Equal(["Conv2d \"conv\" (node 1) is layer 1 and reads the layers 2 (layers stand in topological order)"], Messages(input, conv with { Inputs = EquatableArray.Of(2) }, relu));
        Assert.Equal(["Conv2d \"conv\" (node 1) has id 5 and is layer 1 (a layer's id is its place)"], Messages(input, conv with { Id = 5 }, relu));
        Assert.Equal(["ReLU \"conv\" (node 2) has the name of a layer before it (a name may be given once)"], Messages(input, conv, relu with { Name = "conv" }));
        Assert.Equal(["ReLU \"act\" (node 2) reads 2 tensors (it must be 1)"], Messages(input, conv, relu with { Inputs = EquatableArray.Of(1, 1) }));
        Assert.Equal(["ReLU \"act\" (node 2) reads 0 tensors (it must be 1)"], Messages(input, conv, relu with { Inputs = [] }));
        Assert.Equal(["Add \"act\" (node 2) reads 8 x 6 x 6 and 4 x 6 x 6 (both shapes must be equal)"], Messages(input, conv, relu with { Operator = new AddOperator(), Inputs = EquatableArray.Of(1, 0) }));
        Assert.Equal(["Input \"act\" (node 2) is a second input (a network has one)"], Messages(input, conv, relu with { Operator = new InputOperator() }));

        LayerGraph graph = new(false, EquatableArray.Of(input, conv, relu), EquatableArray.Of(new NetworkOutput("a", 3), new NetworkOutput("b", 2), new NetworkOutput("b", 1), new NetworkOutput("c d", 1)));
        CompilationResult result = NetworkCompiler.Compile(s_type, graph, CompilerOptions.Default);
        Assert.Empty(result.Sources);
        Assert.Equal(
            [
                "Output \"a\" is made by layer 3 (there are layers 0 to 2)", "Output \"c d\" has no name that can be written (letters, digits, '_', '-' and '.')",
                "Output \"b\" is there more than once (a name may be given once)",
            ],
            result.Findings.Select(finding => finding.Message));
    }

    private static string[] Messages(params Layer[] layers)
    {
        CompilationResult result = NetworkCompiler.Compile(s_type, new LayerGraph(false, layers.ToEquatableArray()), CompilerOptions.Default);
        Assert.Equal(result.Findings.Count == 0, result.Sources.Count > 0);
        return [.. result.Findings.Select(finding => finding.Message)];
    }

    private static GraphBuilder Input()
    {
        GraphBuilder builder = new();
        builder.AddInput(new Shape(4, 6, 6), LayerOrigin.Of("input \"x\" of a.onnx"));
        return builder;
    }

    private static ConvolutionOperator Convolution(string name, int outChannels) => new(new TensorKey(name, name), outChannels, s_one, s_one, default, s_one, 1, Bias: true);
}
