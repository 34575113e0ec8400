using System.Diagnostics;

namespace EfficientConv.Dsl;

/// <summary>
/// Marks a <c>partial class</c> as a network and gives the shape of one input image, [channels, height, width] as PyTorch has it after the batch. It may stand
/// anywhere in the list and makes no layer: no parameters, no MACs, and no index in <c>torch.nn.Sequential</c>.
/// </summary>
/// <param name="channels">Channels, at least 1.</param>
/// <param name="height">Rows, at least 1.</param>
/// <param name="width">Columns, at least 1.</param>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = false, Inherited = false)]
[Conditional("EFFICIENTCONV_KEEP_ATTRIBUTES")]
public sealed class InputShapeAttribute(int channels, int height, int width) : Attribute
{
    /// <summary>Channels.</summary>
    public int Channels { get; } = channels;

    /// <summary>Rows.</summary>
    public int Height { get; } = height;

    /// <summary>Columns.</summary>
    public int Width { get; } = width;

    /// <summary>The order of the values in the user's input and output spans.</summary>
    public TensorLayout Layout { get; set; }

    /// <summary>The names that a checkpoint has for the network's tensors, and the family's eps of batch norm.</summary>
    public KeyStyle Keys { get; set; }

    /// <summary>
    /// Whether the batch norms of the blocks are folded into the convolutions before them, as ONNX exporters and <c>torch.nn.utils.fusion.fuse_conv_bn_eval</c> do: a
    /// block's convolution then has a bias and no batch norm after it. The keys of its weights stay, <c>bias</c> stands beside <c>weight</c>, and those of the batch norm
    /// are gone. Layers outside blocks are what they are written as.
    /// </summary>
    public bool FoldedBatchNorm { get; set; }
}
