using EfficientConv.Dsl.Compiler.Declarations;
using EfficientConv.Dsl.Compiler.Findings;
using EfficientConv.Dsl.Compiler.Model;
using EfficientConv.Dsl.Compiler.Shapes;

namespace EfficientConv.Dsl.Compiler.Graph;

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
    TensorKey Key, int OutChannels, Extent Kernel, Extent Stride, Padding Padding, Extent OutputPadding, Extent Dilation, int Groups, bool Bias) : Operator
{
    /// <summary>Convolutions that one may become: 32 x 32, the largest stride of published networks (FCN-32s).</summary>
    private const int MostPhases = 1024;

    /// <inheritdoc/>
    public override string Name => "ConvTranspose2d";

    /// <inheritdoc/>
    public override OperatorKind Kind => OperatorKind.Convolution;

    /// <inheritdoc/>
    public override bool KeepsGroups(Shape input) => Groups > 1 && Groups == input.Channels;

    /// <inheritdoc/>
    public override OutputMemory Writes(Shape output) => OutputMemory.New;

    /// <inheritdoc/>
    public override SavedForBackward Saves(Shape output) => SavedForBackward.Inputs;

    /// <inheritdoc/>
    public override Shape Output(IReadOnlyList<Shape> inputs) => new(
        OutChannels,
        ShapeInference.TransposedOutput(inputs[0].Height, Padding.Top + Padding.Bottom, Kernel.Height, Stride.Height, Dilation.Height, OutputPadding.Height),
        ShapeInference.TransposedOutput(inputs[0].Width, Padding.Left + Padding.Right, Kernel.Width, Stride.Width, Dilation.Width, OutputPadding.Width));

    /// <inheritdoc/>
    public override EquatableArray<ParameterTensor> Tensors(Shape input)
    {
        ParameterTensor weight = ParameterTensor.Of(Key, "weight", ParameterKind.Weight, input.Channels, OutChannels / Groups, Kernel.Height, Kernel.Width);
        return Bias ? EquatableArray.Of(weight, ParameterTensor.Of(Key, "bias", ParameterKind.Bias, OutChannels)) : EquatableArray.Of(weight);
    }

    /// <summary>Input elements times what each one adds to.</summary>
    public override long MultiplyAdds(Shape input, Shape output) => input.Count * (OutChannels / Groups) * Kernel.Height * Kernel.Width;

    /// <inheritdoc/>
    internal override Finding? Check(OperatorSite site)
    {
        if (site.Groups(Groups, OutChannels) is { } groups)
            return groups;
        if (OutputPadding.Height >= Math.Max(Stride.Height, Dilation.Height) || OutputPadding.Width >= Math.Max(Stride.Width, Dilation.Width))
            return site.Broken(RuleCatalog.InvalidValue, "outputPadding", $"has output padding {OutputPadding} with stride {Stride} and dilation {Dilation} (it must be less than one of them)");
        long phases = (long)Stride.Height * Stride.Width;
        if (phases > MostPhases)
        {
            return site.Broken(
                RuleCatalog.InvalidValue, LayerPlace.Written(site.Attribute, "StrideHeight", "StrideWidth", "stride"),
                $"has stride {Stride}, which makes {phases:N0} convolutions of it (rows times columns of the stride must be at most {MostPhases:N0})");
        }

        Shape output = Output(site.Inputs);
        return output.Height <= 0 || output.Width <= 0
            ? TakenAway(site, output)
            : site.Size((double)site.Input.Channels * (OutChannels / Groups) * Kernel.Height * Kernel.Width, "weights") ?? site.OutputSize();
    }

    /// <inheritdoc/>
    public override AttributeDeclaration? Attribute(IReadOnlyList<Shape> inputs) => OutputPadding.Height != OutputPadding.Width ? null :
        new WrittenAttribute("ConvTranspose2d").With("outChannels", OutChannels).Window(Kernel, 3, Stride, Extent.Square(1), Padding, Dilation)
            .With("outputPadding", OutputPadding.Height, 0).With("groups", Groups, 1).With("bias", Bias, true).Done();

    /// <inheritdoc/>
    public override OnnxForm Onnx(IReadOnlyList<Shape> inputs) => OnnxForm.Of(OnnxNode.Of(
        "ConvTranspose", [OnnxInput.First, .. Tensors(inputs[0]).Select(tensor => OnnxInput.Parameter(tensor))],
        [.. Window.Onnx(Kernel, Stride, Padding), OnnxAttribute.Of("output_padding", OutputPadding), OnnxAttribute.Of("dilations", Dilation), OnnxAttribute.Of("group", Groups)]));

    internal static TransposedConvolutionOperator Read(AttributeReader reader, Shape input, TensorKey key)
    {
        if (reader.Enumeration("AutoPad", AutoPadMode.Explicit) is not AutoPadMode.Explicit and var mode)
            reader.Invalid("AutoPad", $"{mode}", "Explicit: the output's size says nothing of the input's");
        Extent kernel = reader.Kernel(3), stride = reader.Stride(Extent.Square(1)), dilation = reader.Dilation();
        return new TransposedConvolutionOperator(
            key, reader.OutChannels(input), kernel, stride, reader.Padding(kernel, stride, dilation, input, default),
            Extent.Square(reader.NotNegative("outputPadding", 0)), dilation, reader.Positive("groups", 1), reader.Bool("bias", true));
    }

    /// <summary>Padding takes pixels away, here all of them.</summary>
    private Finding TakenAway(OperatorSite site, Shape output)
    {
        int rows = output.Height + Padding.Top + Padding.Bottom, columns = output.Width + Padding.Left + Padding.Right;
        string[] tall = output.Height <= 0 ? PaddingArguments.Sides("Height", "Top", "Bottom", Padding.Top > 0) : [];
        string[] wide = output.Width <= 0 ? PaddingArguments.Sides("Width", "Left", "Right", Padding.Left > 0) : [];
        return site.Broken(
            RuleCatalog.EmptyOutput, LayerPlace.Written(site.Attribute, [.. tall, .. wide, "padding"]),
            $"has an empty output: its padding {Padding} takes away all of {rows} x {columns} pixels (at least one must remain)", site.Paddings(Padding, Paddings()));

        // The largest that leaves a pixel, then the one with which the stride alone decides the size.
        IEnumerable<Padding> Paddings()
        {
            (int top, int bottom) = Leaving(rows, Padding.Top, Padding.Bottom);
            (int left, int right) = Leaving(columns, Padding.Left, Padding.Right);
            yield return new Padding(top, bottom, left, right);
            int height = rows - (site.Input.Height * Stride.Height), width = columns - (site.Input.Width * Stride.Width);
            if (height >= 0 && width >= 0 && height % 2 == 0 && width % 2 == 0)
                yield return Padding.Symmetric(height / 2, width / 2);
        }

        static (int Before, int After) Leaving(int pixels, int before, int after)
        {
            int most = pixels - 1;
            if (before + after <= most)
                return (before, after);
            int less = Math.Min(Math.Min(before, after), most / 2);
            return before < after ? (less, most - less) : before > after ? (most - less, less) : (less, less);
        }
    }
}
