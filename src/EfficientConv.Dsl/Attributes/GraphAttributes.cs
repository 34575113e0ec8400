using System.Diagnostics;

namespace EfficientConv.Dsl;

/// <summary>
/// The next attribute reads a named tensor instead of what the one before made: the start of a branch. No parameters, no MACs, and no index in
/// <c>torch.nn.Sequential</c>.
/// </summary>
/// <param name="tensor">What <see cref="LayerAttribute.Name"/> of an attribute further up gave a name, or "input": what comes in.</param>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true, Inherited = false)]
[Conditional("EFFICIENTCONV_KEEP_ATTRIBUTES")]
public sealed class FromAttribute(string tensor) : LayerAttribute
{
    /// <summary>What <see cref="LayerAttribute.Name"/> of an attribute further up gave a name, or "input": what comes in.</summary>
    public string Tensor { get; } = tensor;
}

/// <summary>
/// <c>x + y</c> with the current tensor and a named one of the same shape: the end of a shortcut. Shape kept. No parameters, no MACs,
/// and no index in <c>torch.nn.Sequential</c>.
/// </summary>
/// <param name="tensor">The other tensor's name, or "input".</param>
/// <param name="padChannels">Whether one of them may have fewer channels, whose missing ones are zeros, as in BlazeFace's blocks: <c>x + F.pad(y, (0, 0, 0, 0, 0, n))</c>.</param>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true, Inherited = false)]
[Conditional("EFFICIENTCONV_KEEP_ATTRIBUTES")]
public sealed class AddAttribute(string tensor, bool padChannels = false) : LayerAttribute
{
    /// <summary>The other tensor's name, or "input".</summary>
    public string Tensor { get; } = tensor;

    /// <summary>Whether one of them may have fewer channels, whose missing ones are zeros.</summary>
    public bool PadChannels { get; } = padChannels;
}

/// <summary>
/// <c>torch.cat([x, ...], dim=1)</c>: the current tensor's channels, then those of the named ones in their order. Heights and widths
/// must be equal; channels add up: [C, H, W], [D, H, W], ... to [C + D + ..., H, W]. No parameters, no MACs, and no index in
/// <c>torch.nn.Sequential</c>.
/// </summary>
/// <param name="tensors">The other tensors' names, at least one; "input" is what comes in.</param>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true, Inherited = false)]
[Conditional("EFFICIENTCONV_KEEP_ATTRIBUTES")]
public sealed class ConcatAttribute(params string[] tensors) : LayerAttribute
{
    /// <summary>The other tensors' names, at least one; "input" is what comes in.</summary>
    public string[] Tensors { get; } = tensors;
}

/// <summary>
/// <c>x[:, start:start + count]</c>: some of the channels. [C, H, W] to [count, H, W]. No parameters, no MACs, and no index in
/// <c>torch.nn.Sequential</c>.
/// </summary>
/// <param name="start">First channel.</param>
/// <param name="count">Channels, at least 1; <c>start + count</c> at most as many as come in.</param>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true, Inherited = false)]
[Conditional("EFFICIENTCONV_KEEP_ATTRIBUTES")]
public sealed class SliceChannelsAttribute(int start, int count) : LayerAttribute
{
    /// <summary>First channel.</summary>
    public int Start { get; } = start;

    /// <summary>Channels, at least 1.</summary>
    public int Count { get; } = count;
}

/// <summary>
/// <c>x * y</c>, the product with a named tensor of the same shape, element by element; a tensor of C x 1 x 1 multiplies every pixel of one
/// of C x H x W, whichever of the two is the current one: [C, H, W] to [C, H, W]. No parameters, no MACs, and no index in
/// <c>torch.nn.Sequential</c>.
/// </summary>
/// <param name="tensor">The other tensor's name, or "input".</param>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true, Inherited = false)]
[Conditional("EFFICIENTCONV_KEEP_ATTRIBUTES")]
public sealed class MultiplyAttribute(string tensor) : LayerAttribute
{
    /// <summary>The other tensor's name, or "input".</summary>
    public string Tensor { get; } = tensor;
}

/// <summary>
/// The current tensor is an output of the network. Several outputs lie one after the other in the output span, in the order of their attributes;
/// what the last attribute makes is always the last one. No parameters, no MACs, and no index in <c>torch.nn.Sequential</c>.
/// </summary>
/// <param name="output">What the output is called; the generated property <c>...Output</c> tells its shape and range.</param>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true, Inherited = false)]
[Conditional("EFFICIENTCONV_KEEP_ATTRIBUTES")]
public sealed class OutputAttribute(string output) : LayerAttribute
{
    /// <summary>What the output is called.</summary>
    public string Output { get; } = output;
}

/// <summary>
/// Places the attributes of another class, a template, as one module: <c>torch.nn.Sequential</c> of its modules, or of <paramref name="repeat"/> such.
/// The template needs no <see cref="InputShapeAttribute"/>. Its names are its own in every copy, and "input" is what comes into the copy.
/// </summary>
/// <typeparam name="TBlock">The template, a class of the same project.</typeparam>
/// <param name="repeat">Copies in a row, at least 1; each has weights of its own.</param>
/// <param name="outChannels">What <see cref="Template.OutChannels"/> is in this place.</param>
/// <param name="hiddenChannels">What <see cref="Template.HiddenChannels"/> is.</param>
/// <param name="kernelSize">What <see cref="Template.KernelSize"/> is.</param>
/// <param name="stride">What <see cref="Template.Stride"/> is.</param>
/// <param name="padding">What <see cref="Template.Padding"/> is.</param>
/// <param name="dilation">What <see cref="Template.Dilation"/> is.</param>
/// <param name="groups">What <see cref="Template.Groups"/> is.</param>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true, Inherited = false)]
[Conditional("EFFICIENTCONV_KEEP_ATTRIBUTES")]
public sealed class UseAttribute<TBlock>(
    int repeat = 1, int outChannels = Channels.Unset, int hiddenChannels = Channels.Unset, int kernelSize = Channels.Unset, int stride = Channels.Unset,
    int padding = Channels.Unset, int dilation = Channels.Unset, int groups = Channels.Unset)
    : LayerAttribute
{
    /// <summary>Copies in a row, at least 1.</summary>
    public int Repeat { get; } = repeat;

    /// <summary>What <see cref="Template.OutChannels"/> is in this place.</summary>
    public int OutChannels { get; } = outChannels;

    /// <summary>What <see cref="Template.HiddenChannels"/> is.</summary>
    public int HiddenChannels { get; } = hiddenChannels;

    /// <summary>What <see cref="Template.KernelSize"/> is.</summary>
    public int KernelSize { get; } = kernelSize;

    /// <summary>What <see cref="Template.Stride"/> is.</summary>
    public int Stride { get; } = stride;

    /// <summary>What <see cref="Template.Padding"/> is.</summary>
    public int Padding { get; } = padding;

    /// <summary>What <see cref="Template.Dilation"/> is.</summary>
    public int Dilation { get; } = dilation;

    /// <summary>What <see cref="Template.Groups"/> is.</summary>
    public int Groups { get; } = groups;
}
