using EfficientConv.Dsl.Compiler.Model;

namespace EfficientConv.Dsl.Compiler.Graph;

/// <summary>Channels, height and width of an activation tensor of one image; a vector of N features is N x 1 x 1.</summary>
public readonly record struct Shape(int Channels, int Height, int Width)
{
    /// <summary>Number of elements.</summary>
    public long Count => (long)Channels * Height * Width;

    /// <summary>Pixels of the map.</summary>
    public int Pixels => Height * Width;

    /// <inheritdoc/>
    public override string ToString() => FormattableString.Invariant($"{Channels} x {Height} x {Width}");
}

/// <summary>A pair of sizes, vertical first.</summary>
public readonly record struct Extent(int Height, int Width)
{
    /// <summary>Both the same.</summary>
    public static Extent Square(int size) => new(size, size);

    /// <inheritdoc/>
    public override string ToString() => FormattableString.Invariant($"{Height}x{Width}");
}

/// <summary>Zero padding of the four sides in pixels.</summary>
public readonly record struct Padding(int Top, int Bottom, int Left, int Right)
{
    /// <summary>The same number of rows and of columns on both sides.</summary>
    public static Padding Symmetric(int vertical, int horizontal) => new(vertical, vertical, horizontal, horizontal);

    /// <summary>Whether nothing is padded.</summary>
    public bool IsZero => Top == 0 && Bottom == 0 && Left == 0 && Right == 0;

    /// <inheritdoc/>
    public override string ToString() => FormattableString.Invariant($"top {Top}, bottom {Bottom}, left {Left}, right {Right}");
}

/// <summary>Activation functions, numbered as the attribute enumeration of the runtime library.</summary>
public enum ActivationKind
{
    /// <summary>Identity.</summary>
    None,

    /// <summary>max(x, 0).</summary>
    ReLU,

    /// <summary>min(max(x, 0), 6).</summary>
    ReLU6,

    /// <summary>x * relu6(x + 3) / 6.</summary>
    HardSwish,

    /// <summary>x * sigmoid(x).</summary>
    SiLU,

    /// <summary>1 / (1 + exp(-x)).</summary>
    Sigmoid,

    /// <summary>relu6(x + 3) / 6.</summary>
    HardSigmoid,

    /// <summary>x * Phi(x) by erf.</summary>
    GELU,

    /// <summary>x above 0, slope * x below.</summary>
    LeakyReLU,

    /// <summary>x above 0, a learned slope * x below.</summary>
    PReLU,

    /// <summary>Hyperbolic tangent.</summary>
    Tanh,

    /// <summary>x * Phi(x), the tanh approximation.</summary>
    GELUTanh,

    /// <summary>x above 0, exp(x) - 1 below.</summary>
    ELU,

    /// <summary>x * tanh(softplus(x)).</summary>
    Mish,
}

/// <summary>An activation function with its constant, if it has one.</summary>
/// <param name="Kind">Which function.</param>
/// <param name="Slope">LeakyReLU's slope; 0 for the others.</param>
public readonly record struct ActivationFunction(ActivationKind Kind, float Slope = 0)
{
    /// <summary>Identity.</summary>
    public static ActivationFunction None => default;

    /// <summary>Whether there is nothing to compute.</summary>
    public bool IsNone => Kind == ActivationKind.None;

    /// <summary>Whether a few instructions in the kernel's epilogue do it; the others are a pass over rows in the first-level cache.</summary>
    public bool IsInline => Kind is ActivationKind.None or ActivationKind.ReLU or ActivationKind.ReLU6 or ActivationKind.HardSwish or ActivationKind.HardSigmoid or ActivationKind.LeakyReLU;

    /// <inheritdoc/>
    public override string ToString() => Kind.ToString();
}

/// <summary>The name of a checkpoint tensor in the two styles that are understood.</summary>
/// <param name="Key">As the tutorial's PyTorch module saves it, for example <c>block.0.weight</c>.</param>
/// <param name="Canonical">Our own, for example <c>0.expand.weight</c>.</param>
public readonly record struct TensorKey(string Key, string Canonical)
{
    /// <summary>Both names with <paramref name="suffix"/> behind a dot.</summary>
    public TensorKey With(string suffix) => new(Join(Key, suffix), Join(Canonical, suffix));

    /// <summary>Both parts with a dot between them; an empty one leaves no dot.</summary>
    public static string Join(string prefix, string suffix) => prefix.Length == 0 ? suffix : suffix.Length == 0 ? prefix : prefix + "." + suffix;
}

/// <summary>The branches whose sum a convolution with bias stands for.</summary>
/// <param name="Branches">The branches.</param>
/// <param name="Epsilon">The eps of their batch norms.</param>
public sealed record Reparameterization(EquatableArray<ReparameterizedBranch> Branches, double Epsilon);

/// <summary>One branch: a convolution and its batch norm, or the batch norm of the input itself.</summary>
/// <param name="Convolution">State-dict prefix of the bias-free convolution; null for the input itself.</param>
/// <param name="Norm">State-dict prefix of the batch norm.</param>
/// <param name="KernelSize">Rows and columns of its kernel, which stands in the middle of the sum's.</param>
public sealed record ReparameterizedBranch(string? Convolution, string Norm, int KernelSize);

/// <summary>How a convolution is computed, numbered as the attribute enumeration of the runtime library.</summary>
public enum ConvolutionAlgorithm
{
    /// <summary>Winograd's where it is faster and its error small, else the sum as written.</summary>
    Auto,

    /// <summary>The sum as written.</summary>
    Direct,

    /// <summary>Winograd's, in the form that is fastest.</summary>
    Winograd,
}

/// <summary>What a layer computes.</summary>
public abstract record Operator;

/// <summary>The network's input.</summary>
public sealed record InputOperator : Operator;

/// <summary>Convolution, as <c>torch.nn.Conv2d</c>. A linear layer is the convolution whose kernel covers the whole map.</summary>
/// <param name="Key">Prefix of weight and bias.</param>
/// <param name="OutChannels">Output channels.</param>
/// <param name="Kernel">Kernel size.</param>
/// <param name="Stride">Stride.</param>
/// <param name="Padding">Zero padding.</param>
/// <param name="Dilation">Dilation.</param>
/// <param name="Groups">Groups.</param>
/// <param name="Bias">Whether there is a bias.</param>
/// <param name="IsLinear">Whether the user wrote <c>Linear</c>: the checkpoint's weight is [out, in].</param>
/// <param name="Algorithm">How it is computed.</param>
public sealed record ConvolutionOperator(
    TensorKey Key, int OutChannels, Extent Kernel, Extent Stride, Padding Padding, Extent Dilation, int Groups, bool Bias, bool IsLinear = false,
    ConvolutionAlgorithm Algorithm = ConvolutionAlgorithm.Auto) : Operator
{
    /// <summary>The branches that a checkpoint may hold in its place, or null.</summary>
    public Reparameterization? Branches { get; init; }

    /// <summary>Whether it is a dense 3x3 convolution with stride 1 or 2, which Winograd's algorithm can compute.</summary>
    public bool IsDense3x3 => Kernel == Extent.Square(3) && Stride.Height is 1 or 2 && Stride.Width == Stride.Height && Dilation == Extent.Square(1) && Groups == 1 && !IsLinear;
}

/// <summary>Batch normalisation with running statistics.</summary>
public sealed record BatchNormOperator(TensorKey Key, double Epsilon) : Operator;

/// <summary>An element by element activation.</summary>
public sealed record ActivationOperator(ActivationFunction Function) : Operator;

/// <summary>PReLU with one slope or one a channel.</summary>
public sealed record PReLUOperator(TensorKey Key, int Parameters) : Operator;

/// <summary>Maximum or mean over windows.</summary>
public sealed record PoolOperator(bool IsMaximum, Extent Kernel, Extent Stride, Padding Padding, Extent Dilation, bool CeilMode, bool CountIncludePad) : Operator;

/// <summary>Mean over the whole map.</summary>
public sealed record GlobalAveragePoolOperator : Operator;

/// <summary>C x H x W to (C*H*W) x 1 x 1 in PyTorch's order.</summary>
public sealed record FlattenOperator : Operator;

/// <summary>Channel j*groups+i of the output is channel i*(C/groups)+j of the input.</summary>
public sealed record ChannelShuffleOperator(int Groups) : Operator;

/// <summary>Sum of two tensors of one shape.</summary>
public sealed record AddOperator : Operator;

/// <summary>The first input times the second, which has one value a channel.</summary>
public sealed record ScaleOperator : Operator;

/// <summary>Softmax over channels.</summary>
public sealed record SoftmaxOperator : Operator;

/// <summary>Tensors of one height and width joined along the channels, <c>torch.cat(inputs, dim=1)</c>.</summary>
public sealed record ConcatOperator : Operator;

/// <summary>Some channels of a tensor, <c>x[:, start:start + count]</c>.</summary>
public sealed record SliceOperator(int Start, int Count) : Operator;

/// <summary>Every pixel's channels to mean 0 and variance 1, then weight and bias by channel: torchvision's and timm's <c>LayerNorm2d</c>.</summary>
/// <param name="Key">Prefix of weight and bias.</param>
/// <param name="Epsilon">Added to the variance.</param>
public sealed record LayerNormOperator(TensorKey Key, double Epsilon) : Operator;

/// <summary>x times a learned factor by channel (Touvron et al. 2021).</summary>
/// <param name="Key">The factors themselves: <c>gamma</c> of timm's modules, <c>layer_scale</c> of torchvision's.</param>
public sealed record LayerScaleOperator(TensorKey Key) : Operator;

/// <summary>The product of two tensors of one shape.</summary>
public sealed record MultiplyOperator : Operator;

/// <summary>How values between pixels are made, numbered as the attribute enumeration of the runtime library.</summary>
public enum InterpolationMode
{
    /// <summary>The nearest pixel above and to the left.</summary>
    Nearest,

    /// <summary>Linear between the two rows and the two columns around.</summary>
    Bilinear,
}

/// <summary>A larger (or smaller) map, as <c>torch.nn.Upsample</c>.</summary>
/// <param name="Size">Rows and columns out.</param>
/// <param name="Mode">How values between pixels are made.</param>
/// <param name="AlignCorners">Whether the corner pixels' centres fall onto each other.</param>
/// <param name="ScaleHeight">Rows out for each one in, as given; 0 where the size was given.</param>
/// <param name="ScaleWidth">Columns out for each one in, as given; 0 where the size was given.</param>
public sealed record UpsampleOperator(Extent Size, InterpolationMode Mode, bool AlignCorners, double ScaleHeight, double ScaleWidth) : Operator
{
    /// <summary>Rows in from one row out to the next, in single precision as PyTorch computes it.</summary>
    public float RowStep(Shape input) => Step(input.Height, Size.Height, ScaleHeight, input.Channels);

    /// <summary>Columns in from one column out to the next.</summary>
    public float ColumnStep(Shape input) => Step(input.Width, Size.Width, ScaleWidth, input.Channels);

    private float Step(int input, int output, double scale, int channels)
    {
        // Bilinear copies an axis that keeps its size, whatever the scale. PyTorch's nearest does so, and takes i >> 1 where the size doubles (a scale
        // up to 2 + 1 / n), only in its kernel for channels last; a map of one channel counts as such, several channels go by the scale.
        if (Mode == InterpolationMode.Bilinear || channels == 1)
        {
            if (input == output)
                return 1;
            if (Mode == InterpolationMode.Nearest && output == 2 * input)
                return 0.5f;
        }

        if (AlignCorners)
            return output > 1 ? (input - 1) / (float)(output - 1) : 0;
        return scale > 0 ? (float)(1.0 / scale) : input / (float)output;
    }
}

/// <summary>Channel c * factor^2 + i * factor + j becomes row i, column j of each pixel's square.</summary>
public sealed record PixelShuffleOperator(int Factor) : Operator;

/// <summary>Maximum or mean over windows that share the map out evenly: row i reads floor(i * H / h) to ceil((i + 1) * H / h).</summary>
public sealed record AdaptivePoolOperator(bool IsMaximum, Extent Size) : Operator;

/// <summary>Transposed convolution, as <c>torch.nn.ConvTranspose2d</c>: input pixel i adds to output pixels i * stride - padding + k * dilation.</summary>
/// <param name="Key">Prefix of weight [in, out / groups, kh, kw] and bias.</param>
/// <param name="OutChannels">Output channels.</param>
/// <param name="Kernel">Kernel size.</param>
/// <param name="Stride">Output pixels from one input pixel to the next.</param>
/// <param name="Padding">Pixels taken away on the four sides.</param>
/// <param name="OutputPadding">Rows and columns added at the bottom and at the right.</param>
/// <param name="Dilation">Dilation.</param>
/// <param name="Groups">Groups.</param>
/// <param name="Bias">Whether there is a bias.</param>
public sealed record TransposedConvolutionOperator(
    TensorKey Key, int OutChannels, Extent Kernel, Extent Stride, Padding Padding, Extent OutputPadding, Extent Dilation, int Groups, bool Bias) : Operator;
