using EfficientConv.Dsl.Compiler.Declarations;
using EfficientConv.Dsl.Compiler.Findings;

namespace EfficientConv.Dsl.Compiler.Graph;

/// <summary>What stands in added rows and columns, numbered as the attribute enumeration of the runtime library.</summary>
public enum PadMode
{
    /// <summary>One value.</summary>
    Constant,

    /// <summary>The map mirrored at its edge pixels, which are not repeated.</summary>
    Reflect,

    /// <summary>The edge pixels again.</summary>
    Replicate,
}

/// <summary>Rows and columns around the map.</summary>
/// <param name="Padding">How many at each side.</param>
/// <param name="Mode">What stands there.</param>
/// <param name="Value">The constant; 0 in other modes.</param>
public sealed record PadOperator(Padding Padding, PadMode Mode, float Value) : WeightlessOperator
{
    /// <inheritdoc/>
    public override string Name => Mode switch
    {
        PadMode.Constant => "ConstantPad2d",
        PadMode.Reflect => "ReflectionPad2d",
        PadMode.Replicate => "ReplicationPad2d",
        _ => throw new InvalidOperationException($"{Mode} has no name."),
    };

    /// <inheritdoc/>
    public override OperatorKind Kind => OperatorKind.Module;

    /// <inheritdoc/>
    public override bool KeepsGroups(Shape input) => true;

    /// <inheritdoc/>
    public override OutputMemory Writes(Shape output) => OutputMemory.New;

    /// <summary>PyTorch's backward passes of reflection and replication ask the input for its size.</summary>
    public override SavedForBackward Saves(Shape output) => Mode == PadMode.Constant ? SavedForBackward.Nothing : SavedForBackward.Inputs;

    /// <inheritdoc/>
    public override Shape Output(IReadOnlyList<Shape> inputs) => inputs[0] with
    {
        Height = checked(Padding.Top + inputs[0].Height + Padding.Bottom), Width = checked(Padding.Left + inputs[0].Width + Padding.Right),
    };

    /// <inheritdoc/>
    internal override Finding? Check(OperatorSite site)
    {
        if (Mode == PadMode.Reflect)
        {
            int height = site.Input.Height, width = site.Input.Width;
            bool tall = Padding.Top >= height || Padding.Bottom >= height;
            if (tall || Padding.Left >= width || Padding.Right >= width)
            {
                string[] sides = tall
                    ? PaddingArguments.Sides("Height", "Top", "Bottom", Padding.Top >= height)
                    : PaddingArguments.Sides("Width", "Left", "Right", Padding.Left >= width);
                return site.Broken(
                    RuleCatalog.InvalidValue, LayerPlace.Written(site.Attribute, [.. sides, "padding"]),
                    $"has padding {Padding} (reflected padding must be smaller than the map, at most {height - 1} rows and {width - 1} columns: the edge pixels are not repeated)");
            }
        }

        return site.OutputSize();
    }

    /// <inheritdoc/>
    public override AttributeDeclaration? Attribute(IReadOnlyList<Shape> inputs)
    {
        bool isEqual = Padding == Padding.Symmetric(Padding.Top, Padding.Top);
        WrittenAttribute attribute = new WrittenAttribute("Pad2d").With("padding", isEqual ? Padding.Top : 0, 0).With("mode", Mode, PadMode.Constant).With("value", WrittenAttribute.Shortest(Value), 0.0);
        if (!isEqual)
            attribute.With("PaddingTop", Padding.Top, 0).With("PaddingBottom", Padding.Bottom, 0).With("PaddingLeft", Padding.Left, 0).With("PaddingRight", Padding.Right, 0);
        return attribute.Done();
    }

    /// <inheritdoc/>
    public override OnnxForm Onnx(IReadOnlyList<Shape> inputs)
    {
        OnnxInput pads = OnnxInput.Integers("pads", 0, 0, Padding.Top, Padding.Left, 0, 0, Padding.Bottom, Padding.Right);
        return OnnxForm.Of(Mode switch
        {
            PadMode.Constant => OnnxNode.Of("Pad", [OnnxInput.First, pads, OnnxInput.Scalar("value", Value)], OnnxAttribute.Of("mode", "constant")),
            PadMode.Reflect => OnnxNode.Of("Pad", [OnnxInput.First, pads], OnnxAttribute.Of("mode", "reflect")),
            PadMode.Replicate => OnnxNode.Of("Pad", [OnnxInput.First, pads], OnnxAttribute.Of("mode", "edge")),
            _ => throw new InvalidOperationException($"{Mode} has no ONNX form."),
        });
    }

    internal static PadOperator Read(AttributeReader reader, Shape input, TensorKey key)
    {
        PadMode mode = reader.Enumeration("mode", PadMode.Constant);
        double value = reader.Attribute.Double("value", 0);
        if (value != 0 && mode != PadMode.Constant)
            reader.Invalid("value", FormattableString.Invariant($"{value}"), "0 where the mode is not Constant");
        return new PadOperator(reader.Padding(Extent.Square(1), Extent.Square(1), Extent.Square(1), input, default), mode, (float)value);
    }
}
