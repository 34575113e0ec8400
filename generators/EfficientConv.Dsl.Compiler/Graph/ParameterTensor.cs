using EfficientConv.Dsl.Compiler.Model;

namespace EfficientConv.Dsl.Compiler.Graph;

/// <summary>What a tensor of a checkpoint is for, numbered as the runtime's enumeration.</summary>
public enum ParameterKind
{
    /// <summary>Weights of a convolution or of a linear layer.</summary>
    Weight,

    /// <summary>Bias of a convolution or linear layer.</summary>
    Bias,

    /// <summary>Batch norm's scale.</summary>
    BatchNormWeight,

    /// <summary>Batch norm's shift.</summary>
    BatchNormBias,

    /// <summary>Batch norm's running mean, a buffer.</summary>
    RunningMean,

    /// <summary>Batch norm's running variance, a buffer.</summary>
    RunningVariance,

    /// <summary>PReLU's slopes.</summary>
    PReLUSlope,

    /// <summary>Scale of a norm whose statistics are the input's: layer, group, instance norm.</summary>
    LayerNormWeight,

    /// <summary>Shift of such a norm.</summary>
    LayerNormBias,

    /// <summary>Factors by channel.</summary>
    LayerScale,
}

/// <summary>A tensor that a checkpoint must hold.</summary>
/// <param name="Key">Both names.</param>
/// <param name="Kind">What it is for.</param>
/// <param name="Shape">Shape as PyTorch has it.</param>
public sealed record ParameterTensor(TensorKey Key, ParameterKind Kind, EquatableArray<int> Shape)
{
    /// <summary>A tensor of a module: its prefix, and its name in the module's state dict.</summary>
    public static ParameterTensor Of(TensorKey module, string suffix, ParameterKind kind, params int[] shape) => new(module.With(suffix), kind, shape.ToEquatableArray());

    /// <summary>Number of elements.</summary>
    public long Count => Shape.Aggregate(1L, (product, dimension) => product * dimension);

    /// <summary>Whether it is one of PyTorch's buffers: neither trained nor counted as a parameter.</summary>
    public bool IsBuffer => Kind is ParameterKind.RunningMean or ParameterKind.RunningVariance;
}

/// <summary>Lists a network's parameters and buffers in the order of its layers.</summary>
public static class ParameterTable
{
    /// <summary>The tensors of <paramref name="graph"/>.</summary>
    public static EquatableArray<ParameterTensor> Of(LayerGraph graph) =>
        graph.Layers.Skip(1).SelectMany(layer => layer.Operator.Tensors(graph.Layers[layer.Inputs[0]].Output)).ToEquatableArray();
}
