using EfficientConv.Dsl.Compiler.Declarations;
using EfficientConv.Dsl.Compiler.Findings;

namespace EfficientConv.Dsl.Compiler.Graph;

/// <summary>Maximum or mean over windows.</summary>
public sealed record PoolOperator(bool IsMaximum, Extent Kernel, Extent Stride, Padding Padding, Extent Dilation, bool CeilMode, bool CountIncludePad) : WeightlessOperator
{
    /// <inheritdoc/>
    public override string Name => IsMaximum ? "MaxPool2d" : "AvgPool2d";

    /// <inheritdoc/>
    public override OperatorKind Kind => OperatorKind.Pooling;

    /// <inheritdoc/>
    public override bool KeepsGroups(Shape input) => true;

    /// <inheritdoc/>
    public override OutputMemory Writes(Shape output) => OutputMemory.New;

    /// <inheritdoc/>
    public override SavedForBackward Saves(Shape output) => SavedForBackward.OfPooling(IsMaximum, output);

    /// <inheritdoc/>
    public override Shape Output(IReadOnlyList<Shape> inputs) => CeilMode
        ? Window.OutputCeil(inputs[0], inputs[0].Channels, Kernel, Stride, Padding, Dilation)
        : Window.Output(inputs[0], inputs[0].Channels, Kernel, Stride, Padding, Dilation);

    /// <summary>PyTorch's limit of the padding. What AutoPad finds may be more where the windows are dilated.</summary>
    internal override Finding? Check(OperatorSite site) =>
        (site.Attribute?.Int("AutoPad", 0) is null or 0 ? LargePadding(site) : null) ?? site.Window(Kernel, Dilation, Padding, Math.Min(Kernel.Height, Kernel.Width) / 2);

    /// <summary>Padding beyond PyTorch's limit is only <c>AutoPad</c>'s.</summary>
    public override AttributeDeclaration? Attribute(IReadOnlyList<Shape> inputs)
    {
        bool isLarge = Math.Max(Padding.Top, Padding.Bottom) > Kernel.Height / 2 || Math.Max(Padding.Left, Padding.Right) > Kernel.Width / 2;
        if (isLarge && Padding != Window.SameUpper(inputs[0], Kernel, Stride, Dilation))
            return null;
        WrittenAttribute attribute = new WrittenAttribute(Name)
            .Window(Kernel, 2, Stride, Kernel, isLarge ? default : Padding, IsMaximum ? Dilation : Extent.Square(1)).With("ceilMode", CeilMode, false);
        if (!IsMaximum)
            attribute.With("countIncludePad", CountIncludePad, true).With("DilationHeight", Dilation.Height, 1).With("DilationWidth", Dilation.Width, 1);
        return attribute.With("AutoPad", isLarge ? AutoPadMode.SameUpper : AutoPadMode.Explicit, AutoPadMode.Explicit).Done();
    }

    /// <inheritdoc/>
    public override OnnxForm Onnx(IReadOnlyList<Shape> inputs) => OnnxForm.Of(
        IsMaximum ? "MaxPool" : "AveragePool", 1,
        [
            .. Window.Onnx(Kernel, Stride, Padding), OnnxAttribute.Of("ceil_mode", CeilMode),
            .. IsMaximum ? [] : new[] { OnnxAttribute.Of("count_include_pad", CountIncludePad) },
            .. IsMaximum || Dilation != Extent.Square(1) ? new[] { OnnxAttribute.Of("dilations", Dilation) } : [],
        ]);

    internal static PoolOperator Read(AttributeReader reader, Shape input, bool isMaximum)
    {
        Extent kernel = reader.Kernel(2), stride = reader.Stride(kernel), dilation = reader.Dilation();
        Padding padding = reader.Padding(kernel, stride, dilation, input, default);
        return new PoolOperator(isMaximum, kernel, stride, padding, dilation, reader.Bool("ceilMode", false), reader.Bool("countIncludePad", true));
    }

    private Finding? LargePadding(OperatorSite site)
    {
        int limitHeight = Kernel.Height / 2, limitWidth = Kernel.Width / 2;
        bool tall = Math.Max(Padding.Top, Padding.Bottom) > limitHeight, wide = Math.Max(Padding.Left, Padding.Right) > limitWidth;
        if (!tall && !wide)
            return null;
        string[] rows = tall ? PaddingArguments.Sides("Height", "Top", "Bottom", Padding.Top > limitHeight) : [];
        string[] columns = wide ? PaddingArguments.Sides("Width", "Left", "Right", Padding.Left > limitWidth) : [];
        Padding largest = new(Math.Min(Padding.Top, limitHeight), Math.Min(Padding.Bottom, limitHeight), Math.Min(Padding.Left, limitWidth), Math.Min(Padding.Right, limitWidth));
        return site.Broken(
            RuleCatalog.LargePadding, LayerPlace.Written(site.Attribute, [.. rows, .. columns, "padding", "Padding"]),
            $"has padding {Padding} with kernel {Kernel} (pooling's padding must be at most half of the kernel)", site.Paddings(Padding, [largest]));
    }
}
