using System.Globalization;
using EfficientConv.Dsl.Compiler.Declarations;
using EfficientConv.Dsl.Compiler.Model;

namespace EfficientConv.Dsl.Compiler.Graph;

/// <summary>Collects the arguments of an attribute that is written instead of read, in the order of its constructor; those that are the default are not explicit.</summary>
internal sealed class WrittenAttribute(string kind)
{
    private readonly List<AttributeArgument> _arguments = [];
    private readonly List<AttributeArgument> _properties = [];

    /// <summary>The number with the fewest digits that becomes <paramref name="value"/> in single precision.</summary>
    public static double Shortest(float value) => double.Parse(value.ToString("R", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);

    /// <summary>An argument without a default.</summary>
    public WrittenAttribute With(string name, object value) => Add(name, value, isExplicit: true);

    /// <summary>An argument, or a property with a capital letter, that is left out where it is <paramref name="usual"/>.</summary>
    public WrittenAttribute With(string name, object value, object usual) => Add(name, value, !value.Equals(usual));

    /// <summary>A window's kernel, stride, padding and dilation: one number each where rows and columns agree, else the properties.</summary>
    public WrittenAttribute Window(Extent kernel, int usualKernel, Extent stride, Extent usualStride, Padding padding, Extent dilation)
    {
        Pair("kernelSize", "Kernel", kernel, Extent.Square(usualKernel), usualKernel);
        Pair("stride", "Stride", stride, usualStride, AttributeDeclaration.Unset);
        if (padding == Padding.Symmetric(padding.Top, padding.Top))
            With("padding", padding.Top, 0);
        else if (padding == Padding.Symmetric(padding.Top, padding.Left))
            With("PaddingHeight", padding.Top, 0).With("PaddingWidth", padding.Left, 0);
        else
            With("PaddingTop", padding.Top, 0).With("PaddingBottom", padding.Bottom, 0).With("PaddingLeft", padding.Left, 0).With("PaddingRight", padding.Right, 0);
        return Pair("dilation", "Dilation", dilation, Extent.Square(1), 1);
    }

    /// <summary>A block's stride, in the same way.</summary>
    public WrittenAttribute Stride(Extent stride) => Pair("stride", "Stride", stride, Extent.Square(1), 1);

    /// <summary>The attribute.</summary>
    public AttributeDeclaration Done() => new(kind, _arguments.Concat(_properties).ToEquatableArray());

    private WrittenAttribute Pair(string both, string axis, Extent value, Extent usual, int left) =>
        value == usual ? Add(both, left, isExplicit: false)
        : value.Height == value.Width ? Add(both, value.Height, isExplicit: true)
        : Add(both, left, isExplicit: false).With(axis + "Height", value.Height).With(axis + "Width", value.Width);

    private WrittenAttribute Add(string name, object value, bool isExplicit)
    {
        object constant = value is Enum number ? Convert.ToInt32(number, CultureInfo.InvariantCulture) : value;
        if (!char.IsUpper(name[0]))
            _arguments.Add(new AttributeArgument(name, constant, isExplicit));
        else if (isExplicit)
            _properties.Add(new AttributeArgument(name, constant, isExplicit));
        return this;
    }
}
