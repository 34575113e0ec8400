using EfficientConv.Dsl.Compiler.Model;

namespace EfficientConv.Dsl.Compiler.Graph;

/// <summary>A tensor that a checkpoint must hold.</summary>
/// <param name="Key">Both names.</param>
/// <param name="Kind">Name of the runtime's enumeration member: <c>Weight</c>, <c>Bias</c>, <c>RunningMean</c>, ...</param>
/// <param name="Shape">Shape as PyTorch has it.</param>
public sealed record ParameterTensor(TensorKey Key, string Kind, EquatableArray<int> Shape);

/// <summary>Lists a network's parameters and buffers in the order of its layers.</summary>
public static class ParameterTable
{
    /// <summary>The tensors of <paramref name="graph"/>.</summary>
    public static EquatableArray<ParameterTensor> Of(LayerGraph graph)
    {
        List<ParameterTensor> tensors = [];
        foreach (Layer layer in graph.Layers.Skip(1))
        {
            Shape input = graph.Layers[layer.Inputs[0]].Output;
            switch (layer.Operator)
            {
                case ConvolutionOperator c:
                    Add(c.Key, "weight", "Weight", c.IsLinear
                        ? [c.OutChannels, checked(input.Channels * c.Kernel.Height * c.Kernel.Width)]
                        : [c.OutChannels, input.Channels / c.Groups, c.Kernel.Height, c.Kernel.Width]);
                    if (c.Bias)
                        Add(c.Key, "bias", "Bias", [c.OutChannels]);
                    break;
                case TransposedConvolutionOperator t:
                    Add(t.Key, "weight", "Weight", [input.Channels, t.OutChannels / t.Groups, t.Kernel.Height, t.Kernel.Width]);
                    if (t.Bias)
                        Add(t.Key, "bias", "Bias", [t.OutChannels]);
                    break;
                case BatchNormOperator b:
                    Add(b.Key, "weight", "BatchNormWeight", [input.Channels]);
                    Add(b.Key, "bias", "BatchNormBias", [input.Channels]);
                    Add(b.Key, "running_mean", "RunningMean", [input.Channels]);
                    Add(b.Key, "running_var", "RunningVariance", [input.Channels]);
                    break;
                case LayerNormOperator n:
                    Add(n.Key, "weight", "LayerNormWeight", [input.Channels]);
                    Add(n.Key, "bias", "LayerNormBias", [input.Channels]);
                    break;
                case LayerScaleOperator s:
                    tensors.Add(new ParameterTensor(s.Key, "LayerScale", EquatableArray.Of(input.Channels)));
                    break;
                case PReLUOperator p:
                    Add(p.Key, "weight", "PReLUSlope", [p.Parameters]);
                    break;
            }
        }

        return tensors.ToEquatableArray();

        void Add(TensorKey prefix, string suffix, string kind, int[] shape) => tensors.Add(new ParameterTensor(prefix.With(suffix), kind, shape.ToEquatableArray()));
    }
}
