using EfficientConv.Dsl.Compiler.Folding;
using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Model;

namespace EfficientConv.Dsl.Compiler.Cost;

/// <summary>What one layer costs for one image.</summary>
/// <param name="Name">Canonical name.</param>
/// <param name="Operator">PyTorch's name of the layer.</param>
/// <param name="Input">Shape in.</param>
/// <param name="Output">Shape out.</param>
/// <param name="Parameters">Parameters, as PyTorch counts them.</param>
/// <param name="MultiplyAdds">Multiply-adds of convolutions and linear layers.</param>
/// <param name="LiveBytes">Bytes of activations alive while it runs, layer by layer.</param>
public sealed record LayerCost(string Name, string Operator, Shape Input, Shape Output, long Parameters, long MultiplyAdds, long LiveBytes)
{
    /// <summary>Multiply-adds for each byte of input, output and weights.</summary>
    public double Intensity => MultiplyAdds / (double)((Input.Count + Output.Count + Parameters) * sizeof(float));
}

/// <summary>What a network costs for one image; batch norm's weight and bias are parameters, its running statistics are not.</summary>
/// <param name="Parameters">Parameters.</param>
/// <param name="MultiplyAdds">Multiply-adds; a branch that no output needs has parameters and none of these.</param>
/// <param name="ActivationSum">Elements that convolutions and linear layers write (timm's macts).</param>
/// <param name="OutputSum">Elements that all modules write (torchsummary); sums, gates' products and reshaping are no modules.</param>
/// <param name="PeakBytesLayerwise">Most bytes of activations alive at once when every layer writes a whole tensor; batch norm and activations work in place.</param>
/// <param name="SavedBytes">Bytes of activations that training keeps for the backward pass.</param>
/// <param name="Layers">Layer by layer.</param>
public sealed record NetworkCost(
    long Parameters, long MultiplyAdds, long ActivationSum, long OutputSum, long PeakBytesLayerwise, long SavedBytes, EquatableArray<LayerCost> Layers);

/// <summary>Counts parameters, multiply-adds and memory.</summary>
public static class NetworkCostModel
{
    /// <summary>Counts <paramref name="graph"/>.</summary>
    public static NetworkCost Measure(LayerGraph graph)
    {
        List<LayerCost> layers = [];
        MemoryTimeline live = LayerMemory.Layerwise(graph);
        bool[] needed = graph.FindNeeded();
        long activations = 0, outputs = 0;
        foreach (Layer layer in graph.Layers.Skip(1))
        {
            Shape input = graph.Layers[layer.Inputs[0]].Output;
            LayerCost cost = new(layer.Name, NameOf(layer.Operator), input, layer.Output, Parameters(layer.Operator, input), needed[layer.Id] ? MultiplyAdds(layer.Operator, input, layer.Output) : 0, live.Points[layers.Count].LiveBytes);
            layers.Add(cost);
            if (!needed[layer.Id])
                continue;
            if (layer.Operator is not (AddOperator or MultiplyOperator or ScaleOperator or FlattenOperator or ConcatOperator or SliceOperator))
                outputs += layer.Output.Count;
            if (layer.Operator is ConvolutionOperator or TransposedConvolutionOperator)
                activations += layer.Output.Count;
        }

        return new NetworkCost(
            layers.Sum(l => l.Parameters), layers.Sum(l => l.MultiplyAdds), activations, outputs, live.PeakBytes, TrainingMemory.Saved(graph).MapBytes, layers.ToEquatableArray());
    }

    /// <summary>Convolution: <c>out * in / groups * kh * kw</c>, plus <c>out</c> with bias; batch norm: 2 a channel.</summary>
    private static long Parameters(Operator op, Shape input) => op switch
    {
        ConvolutionOperator c => ((long)c.OutChannels * (input.Channels / c.Groups) * c.Kernel.Height * c.Kernel.Width) + (c.Bias ? c.OutChannels : 0),
        TransposedConvolutionOperator t => ((long)input.Channels * (t.OutChannels / t.Groups) * t.Kernel.Height * t.Kernel.Width) + (t.Bias ? t.OutChannels : 0),
        BatchNormOperator => 2L * input.Channels,
        PReLUOperator p => p.Parameters,
        LayerNormOperator => 2L * input.Channels,
        LayerScaleOperator => input.Channels,
        _ => 0,
    };

    /// <summary>Convolution: output elements times the length of each one's sum; transposed: input elements times what each one adds to.</summary>
    internal static long MultiplyAdds(Operator op, Shape input, Shape output) => op switch
    {
        ConvolutionOperator c => output.Count * (input.Channels / c.Groups) * c.Kernel.Height * c.Kernel.Width,
        TransposedConvolutionOperator t => input.Count * (t.OutChannels / t.Groups) * t.Kernel.Height * t.Kernel.Width,
        _ => 0,
    };

    internal static string NameOf(Stage stage) => stage switch
    {
        ConvolutionStage s => NameOf(s.Convolution),
        SqueezeStage => "SqueezeExcitation",
        PoolStage s => NameOf(s.Pool),
        ActivationStage s => s.Function.ToString(),
        _ => stage.GetType().Name.Replace("Stage", string.Empty),
    };

    internal static string NameOf(Operator op) => op switch
    {
        ConvolutionOperator { IsLinear: true } => "Linear",
        ConvolutionOperator => "Conv2d",
        BatchNormOperator => "BatchNorm2d",
        ActivationOperator a => a.Function.Kind.ToString(),
        PReLUOperator => "PReLU",
        PoolOperator { IsMaximum: true } => "MaxPool2d",
        PoolOperator => "AvgPool2d",
        GlobalAveragePoolOperator => "AdaptiveAvgPool2d",
        FlattenOperator => "Flatten",
        ChannelShuffleOperator => "ChannelShuffle",
        AddOperator => "Add",
        ScaleOperator => "Mul",
        SoftmaxOperator => "Softmax",
        ConcatOperator => "Concat",
        MultiplyOperator => "Mul",
        UpsampleOperator => "Upsample",
        PixelShuffleOperator => "PixelShuffle",
        AdaptivePoolOperator { IsMaximum: true } => "AdaptiveMaxPool2d",
        AdaptivePoolOperator => "AdaptiveAvgPool2d",
        TransposedConvolutionOperator => "ConvTranspose2d",
        SliceOperator => "Slice",
        LayerNormOperator => "LayerNorm2d",
        LayerScaleOperator => "LayerScale",
        _ => op.GetType().Name,
    };
}
