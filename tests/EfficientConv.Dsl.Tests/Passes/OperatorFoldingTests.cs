using EfficientConv.Dsl.Compiler.Folding;
using EfficientConv.Dsl.Compiler.Graph;

namespace EfficientConv.Dsl.Tests.Passes;

/// <summary>What a convolution takes in of what follows it, and what it must not.</summary>
public sealed class OperatorFoldingTests
{
    private const string Input = "[InputShape(12, 9, 9)] ";

    [Theory]
    [InlineData("[Conv2d(8), BatchNorm, ReLU]", true, ActivationKind.ReLU)]
    [InlineData("[Conv2d(8), BatchNorm]", true, ActivationKind.None)]
    [InlineData("[Conv2d(8), SiLU]", false, ActivationKind.SiLU)]
    [InlineData("[Conv2d(8)]", false, ActivationKind.None)]
    [InlineData("[Linear(8), BatchNorm, Tanh]", true, ActivationKind.Tanh)]
    [InlineData("[Conv2d(8), BatchNorm, Activation(Activation.None)]", true, ActivationKind.None)]
    public void BatchNormAndActivation_FoldIntoTheConvolution(string attributes, bool norm, ActivationKind activation)
    {
        ConvolutionStage stage = Assert.IsType<ConvolutionStage>(Assert.Single(Layers.Fold(Input + attributes)));
        Assert.Equal((norm, activation, false), (stage.BatchNorm is not null, stage.Activation.Kind, stage.HasResidual));
    }

    [Theory]
    [InlineData("[BatchNorm, Conv2d(8)]", "BatchNorm Convolution")]
    [InlineData("[Conv2d(8), ReLU, BatchNorm]", "Convolution")]
    [InlineData("[Conv2d(8), ReLU, BatchNorm, ReLU]", "Convolution Activation")]
    [InlineData("[Conv2d(8), SiLU, BatchNorm]", "Convolution BatchNorm")]
    [InlineData("[Conv2d(8), BatchNorm, BatchNorm, BatchNorm]", "Convolution BatchNorm")]
    [InlineData("[Conv2d(8), ReLU, Tanh]", "Convolution Activation")]
    [InlineData("[Conv2d(8), PReLU]", "Convolution")]
    [InlineData("[Conv2d(8), BatchNorm, PReLU, BatchNorm, BatchNorm]", "Convolution BatchNorm")]
    [InlineData("[MaxPool2d, BatchNorm, ReLU]", "Pool BatchNorm Activation")]
    [InlineData("[Conv2d(8), MaxPool2d, ReLU]", "Convolution Pool Activation")]
    [InlineData("[Conv2d(8), Softmax, ReLU]", "Convolution Softmax Activation")]
    [InlineData("[Conv2d(8), ChannelShuffle(2), BatchNorm]", "Convolution Shuffle BatchNorm")]
    [InlineData("[ReLU, BatchNorm]", "Activation BatchNorm")]
    [InlineData("[Activation(Activation.None), Conv2d(8)]", "Convolution")]
    [InlineData("[GlobalAvgPool, Flatten, Linear(4)]", "GlobalAveragePool Convolution")]
    [InlineData("[Conv2d(8), Flatten]", "Convolution Flatten")]
    [InlineData("[Flatten, ReLU]", "Flatten Activation")]
    [InlineData("[Flatten, Linear(4), ReLU]", "Convolution")]
    [InlineData("[Linear(4)]", "Convolution")]
    [InlineData("[SqueezeExcitation, ReLU]", "Squeeze Activation")]
    [InlineData("[GlobalAvgPool, PointwiseConv2d(3), ReLU, PointwiseConv2d(12), Sigmoid]", "GlobalAveragePool Convolution Convolution")]
    [InlineData("[EfficientConvBlock(8)]", "Convolution Convolution Squeeze Convolution")]
    public void Order_DecidesWhatStaysOnItsOwn(string attributes, string expected) => Assert.Equal(expected, Kinds(Layers.Fold(Input + attributes)));

    [Fact]
    public void FlattenBeforeLinear_BecomesAKernelOverTheWholeMap()
    {
        ConvolutionStage stage = Assert.IsType<ConvolutionStage>(Assert.Single(Layers.Fold("[InputShape(12, 5, 7)] [Flatten, Linear(4)]")));
        Assert.Equal(new Extent(5, 7), stage.Convolution.Kernel);
        Assert.Equal((new Shape(12, 5, 7), new Shape(4, 1, 1)), (stage.Input, stage.Output));
    }

    [Fact]
    public void Shortcut_IsTheProjectionsResidualAndTheActivationBehindComesAfterTheSum()
    {
        Stage[] stages = Layers.Fold(Input + "[InvertedResidual] [ReLU6]");
        ConvolutionStage project = Assert.IsType<ConvolutionStage>(stages[^1]);
        Assert.Equal(3, stages.Length);
        Assert.True(project.HasResidual);
        Assert.Equal([2, 0], project.Inputs);
        Assert.Equal(ActivationKind.ReLU6, project.Activation.Kind);
        Assert.NotNull(project.BatchNorm);
    }

    [Fact]
    public void ActivationBeforeTheSum_KeepsTheSumOnItsOwn()
    {
        Layers layers = Layers.From(8, 5, 5);
        int convolution = layers.Add(Layers.Pointwise(8), 0);
        layers.Add(new AddOperator(), layers.Add(Layers.ReLU, convolution), 0);
        Stage[] stages = Layers.Fold(layers.Build());
        Assert.Equal("Convolution Add", Kinds(stages));
        Assert.Equal((false, ActivationKind.ReLU), (((ConvolutionStage)stages[0]).HasResidual, ((ConvolutionStage)stages[0]).Activation.Kind));
    }

    [Fact]
    public void SumOfTwoConvolutions_GoesToTheLaterOne()
    {
        Layers layers = Layers.From(8, 5, 5);
        int first = layers.Add(Layers.Pointwise(8), 0), second = layers.Add(Layers.Pointwise(8), 0);
        layers.Add(Layers.ReLU, layers.Add(new AddOperator(), first, second));
        Stage[] stages = Layers.Fold(layers.Build());
        Assert.Equal("Convolution Convolution", Kinds(stages));
        Assert.Equal([0], stages[0].Inputs);
        Assert.Equal([0, 1], stages[1].Inputs);
        Assert.Equal((true, ActivationKind.ReLU), (((ConvolutionStage)stages[1]).HasResidual, ((ConvolutionStage)stages[1]).Activation.Kind));
    }

    [Fact]
    public void SharedTensor_IsNotFoldedInto()
    {
        Layers layers = Layers.From(8, 5, 5);
        int convolution = layers.Add(Layers.Pointwise(8), 0);
        int norm = layers.Add(Layers.BatchNorm, convolution);
        layers.Add(new AddOperator(), norm, convolution);
        Stage[] stages = Layers.Fold(layers.Build());
        Assert.Equal("Convolution BatchNorm Add", Kinds(stages));
        Assert.Null(((ConvolutionStage)stages[0]).BatchNorm);
    }

    [Fact]
    public void TensorAddedToItself_IsNoResidual()
    {
        Layers layers = Layers.From(8, 5, 5);
        int convolution = layers.Add(Layers.Pointwise(8), 0);
        layers.Add(new AddOperator(), convolution, convolution);
        Assert.Equal("Convolution Add", Kinds(Layers.Fold(layers.Build())));
    }

    [Fact]
    public void SumWithBatchNormBehind_ScalesTheSum()
    {
        // Folded into the weights it would not scale the residual.
        Layers layers = Layers.From(8, 5, 5);
        int sum = layers.Add(new AddOperator(), layers.Add(Layers.Pointwise(8), 0), 0);
        layers.Add(Layers.ReLU, layers.Add(Layers.BatchNorm, sum));
        ConvolutionStage stage = Assert.IsType<ConvolutionStage>(Assert.Single(Layers.Fold(layers.Build())));
        Assert.Equal((true, ActivationKind.ReLU), (stage.HasResidual, stage.Activation.Kind));
        Assert.True(stage.ScaleShift is { Operator: BatchNormOperator, IsBeforeActivation: true });
        Assert.Null(stage.BatchNorm);
    }

    [Fact]
    public void GateOfAnotherTensor_IsNoSqueezeAndExcitation()
    {
        Layers layers = Layers.From(8, 5, 5);
        int other = layers.Add(Layers.Convolution(8, 3, 1), 0);
        int mean = layers.Add(new GlobalAveragePoolOperator(), 0);
        int reduce = layers.Add(Layers.ReLU, layers.Add(Layers.Pointwise(2), mean));
        int gate = layers.Add(Layers.ReLU, layers.Add(Layers.Pointwise(8), reduce));
        layers.Add(new ScaleOperator(), other, gate);
        Assert.DoesNotContain(TryFold(layers.Build()), s => s is SqueezeStage);
    }

    /// <summary>A scale outside of squeeze-and-excitation has no stage yet: it must be refused, not folded wrongly.</summary>
    private static Stage[] TryFold(LayerGraph graph)
    {
        try
        {
            return Layers.Fold(graph);
        }
        catch (InvalidOperationException)
        {
            return [];
        }
    }

    private static string Kinds(IEnumerable<Stage> stages) => string.Join(' ', stages.Select(s => s.GetType().Name.Replace("Stage", string.Empty, StringComparison.Ordinal)));
}
