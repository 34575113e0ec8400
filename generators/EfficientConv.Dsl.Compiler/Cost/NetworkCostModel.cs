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
public sealed record LayerCost(string Name, string Operator, Shape Input, Shape Output, long Parameters, long MultiplyAdds);

/// <summary>What a network costs for one image; batch norm's weight and bias are parameters, its running statistics are not.</summary>
/// <param name="Parameters">Parameters.</param>
/// <param name="MultiplyAdds">Multiply-adds.</param>
/// <param name="ActivationSum">Elements that convolutions and linear layers write.</param>
/// <param name="PeakBytesLayerwise">Most bytes of activations alive at once when every layer writes a whole tensor; batch norm and activations work in place.</param>
/// <param name="Layers">Layer by layer.</param>
public sealed record NetworkCost(long Parameters, long MultiplyAdds, long ActivationSum, long PeakBytesLayerwise, EquatableArray<LayerCost> Layers);

/// <summary>Counts parameters, multiply-adds and memory.</summary>
public static class NetworkCostModel
{
    /// <summary>Counts <paramref name="graph"/>; <paramref name="stages"/> is the same network folded.</summary>
    public static NetworkCost Measure(LayerGraph graph, StageGraph stages)
    {
        List<LayerCost> layers = [];
        long activations = 0;
        foreach (Layer layer in graph.Layers.Skip(1))
        {
            Shape input = graph.Layers[layer.Inputs[0]].Output;
            LayerCost cost = new(layer.Name, NameOf(layer.Operator), input, layer.Output, Parameters(layer.Operator, input), MultiplyAdds(layer.Operator, input, layer.Output));
            layers.Add(cost);
            if (layer.Operator is ConvolutionOperator or TransposedConvolutionOperator)
                activations += layer.Output.Count;
        }

        return new NetworkCost(layers.Sum(l => l.Parameters), layers.Sum(l => l.MultiplyAdds), activations, PeakLayerwise(stages), layers.ToEquatableArray());
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
    private static long MultiplyAdds(Operator op, Shape input, Shape output) => op switch
    {
        ConvolutionOperator c => output.Count * (input.Channels / c.Groups) * c.Kernel.Height * c.Kernel.Width,
        TransposedConvolutionOperator t => input.Count * (t.OutChannels / t.Groups) * t.Kernel.Height * t.Kernel.Width,
        _ => 0,
    };

    private static long PeakLayerwise(StageGraph graph)
    {
        int count = graph.Stages.Count;
        int[] lastUse = new int[count], tensorOf = new int[count];
        foreach (Stage stage in graph.Stages)
        {
            // In place: the output is the input's memory.
            tensorOf[stage.Id] = stage is ActivationStage or PReLUStage or BatchNormStage or FlattenStage or SliceStage ? tensorOf[stage.Inputs[0]] : stage.Id;
            foreach (int input in stage.Inputs)
                lastUse[tensorOf[input]] = Math.Max(lastUse[tensorOf[input]], stage.Id);
            lastUse[tensorOf[stage.Id]] = Math.Max(lastUse[tensorOf[stage.Id]], stage.Id);
        }

        foreach (int output in graph.Outputs)
            lastUse[tensorOf[output]] = count - 1;
        long peak = 0;
        for (int step = 0; step < count; step++)
        {
            long live = 0;
            for (int tensor = 0; tensor <= step; tensor++)
            {
                if (tensorOf[tensor] == tensor && lastUse[tensor] >= step)
                    live += graph.Stages[tensor].Output.Count;
            }

            peak = Math.Max(peak, live);
        }

        return peak * sizeof(float);
    }

    private static string NameOf(Operator op) => op switch
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
