using EfficientConv.Dsl.Compiler.Declarations;
using EfficientConv.Dsl.Compiler.Findings;
using EfficientConv.Dsl.Compiler.Model;

namespace EfficientConv.Dsl.Compiler.Graph;

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

    /// <inheritdoc/>
    public override string Name => IsLinear ? "Linear" : "Conv2d";

    /// <inheritdoc/>
    public override OperatorKind Kind => OperatorKind.Convolution;

    /// <inheritdoc/>
    public override bool KeepsGroups(Shape input) => Groups > 1 && Groups == input.Channels;

    /// <inheritdoc/>
    public override OutputMemory Writes(Shape output) => OutputMemory.New;

    /// <inheritdoc/>
    public override SavedForBackward Saves(Shape output) => SavedForBackward.Inputs;

    /// <inheritdoc/>
    public override Shape Output(IReadOnlyList<Shape> inputs) => Window.Output(inputs[0], OutChannels, Kernel, Stride, Padding, Dilation);

    /// <inheritdoc/>
    public override EquatableArray<ParameterTensor> Tensors(Shape input)
    {
        int[] shape = IsLinear ? [OutChannels, checked(input.Channels * Kernel.Height * Kernel.Width)] : [OutChannels, input.Channels / Groups, Kernel.Height, Kernel.Width];
        ParameterTensor weight = ParameterTensor.Of(Key, "weight", ParameterKind.Weight, shape);
        return Bias ? EquatableArray.Of(weight, ParameterTensor.Of(Key, "bias", ParameterKind.Bias, OutChannels)) : EquatableArray.Of(weight);
    }

    /// <summary>Output elements times the length of each one's sum.</summary>
    public override long MultiplyAdds(Shape input, Shape output) => output.Count * (input.Channels / Groups) * Kernel.Height * Kernel.Width;

    /// <inheritdoc/>
    internal override Finding? Check(OperatorSite site) => site.Groups(Groups, OutChannels) ?? site.Window(Kernel, Dilation, Padding)
        ?? site.Size((double)OutChannels * (site.Input.Channels / Groups) * Kernel.Height * Kernel.Width, "weights");

    /// <inheritdoc/>
    public override AttributeDeclaration? Attribute(IReadOnlyList<Shape> inputs)
    {
        bool isPlain = Algorithm == ConvolutionAlgorithm.Auto;
        Extent one = Extent.Square(1);
        if (IsLinear)
            return new WrittenAttribute("Linear").With("outFeatures", OutChannels).With("bias", Bias, true).Done();
        if (isPlain && Groups > 1 && Groups == inputs[0].Channels)
            return new WrittenAttribute("DepthwiseConv2d").Window(Kernel, 3, Stride, one, Padding, Dilation).With("multiplier", OutChannels / Groups, 1).With("bias", Bias, true).Done();
        if (isPlain && Kernel == one && Dilation == one && Padding.IsZero && Stride.Height == Stride.Width)
            return new WrittenAttribute("PointwiseConv2d").With("outChannels", OutChannels).With("stride", Stride.Height, 1).With("groups", Groups, 1).With("bias", Bias, true).Done();
        return new WrittenAttribute("Conv2d").With("outChannels", OutChannels).Window(Kernel, 3, Stride, one, Padding, Dilation).With("groups", Groups, 1).With("bias", Bias, true)
            .With("Algorithm", Algorithm, ConvolutionAlgorithm.Auto).Done();
    }

    /// <inheritdoc/>
    public override OnnxForm Onnx(IReadOnlyList<Shape> inputs)
    {
        OnnxInput[] parameters = [.. Tensors(inputs[0]).Select(tensor => OnnxInput.Parameter(tensor))];
        if (!IsLinear)
        {
            return OnnxForm.Of(OnnxNode.Of(
                "Conv", [OnnxInput.First, .. parameters], [.. Window.Onnx(Kernel, Stride, Padding), OnnxAttribute.Of("dilations", Dilation), OnnxAttribute.Of("group", Groups)]));
        }

        // Gemm works on matrices, and the graph's tensors have four dimensions.
        return OnnxForm.Of(
            OnnxNode.Of("Flatten", [OnnxInput.First]).As("flat"),
            OnnxNode.Of("Gemm", [OnnxInput.Result("flat"), .. parameters], OnnxAttribute.Of("transB", true)).As("matrix"),
            OnnxNode.Reshape(OnnxInput.Result("matrix"), 1, -1, 1, 1));
    }

    internal static ConvolutionOperator ReadConv2d(AttributeReader reader, Shape input, TensorKey key)
    {
        Extent kernel = reader.Kernel(3), stride = reader.Stride(Extent.Square(1)), dilation = reader.Dilation();
        Padding padding = reader.Padding(kernel, stride, dilation, input, default);
        ConvolutionOperator convolution = new(key, reader.OutChannels(input), kernel, stride, padding, dilation, reader.Positive("groups", 1), reader.Bool("bias", true));
        return convolution with { Algorithm = reader.Algorithm(convolution) };
    }

    internal static ConvolutionOperator ReadPointwise(AttributeReader reader, Shape input, TensorKey key) => new(
        key, reader.OutChannels(input), Extent.Square(1), reader.Stride(Extent.Square(1)), default, Extent.Square(1), reader.Positive("groups", 1), reader.Bool("bias", true));

    internal static ConvolutionOperator? ReadDepthwise(AttributeReader reader, Shape input, TensorKey key)
    {
        Extent kernel = reader.Kernel(3), stride = reader.Stride(Extent.Square(1)), dilation = reader.Dilation();
        Padding padding = reader.Padding(kernel, stride, dilation, input, default);
        long outChannels = (long)input.Channels * reader.Positive("multiplier", 1);
        if (outChannels <= int.MaxValue / 8)
            return new ConvolutionOperator(key, (int)outChannels, kernel, stride, padding, dilation, input.Channels, reader.Bool("bias", true));
        reader.Invalid("multiplier", FormattableString.Invariant($"{outChannels / input.Channels}"), "small enough for the channel count to be an integer");
        return null;
    }

    internal static ConvolutionOperator ReadLinear(AttributeReader reader, Shape input, TensorKey key) => new(
        key, reader.Positive("outFeatures", 1), new Extent(input.Height, input.Width), Extent.Square(1), default, Extent.Square(1), 1, reader.Bool("bias", true), IsLinear: true);
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
