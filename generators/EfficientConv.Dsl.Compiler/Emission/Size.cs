using static EfficientConv.Dsl.Compiler.Emission.SourceText;

namespace EfficientConv.Dsl.Compiler.Emission;

/// <summary>A number in generated text: a literal, or an expression over the constants of a shape. Sums and products of literals are literals.</summary>
internal readonly record struct Size
{
    private readonly int _value;
    private readonly string? _text;
    private readonly bool _isComposite;

    private Size(int value, string? text, bool isComposite)
    {
        _value = value;
        _text = text;
        _isComposite = isComposite;
    }

    /// <summary>Whether it is a literal.</summary>
    public bool IsLiteral => _text is null;

    /// <summary>An expression that needs no parentheses.</summary>
    public static Size Of(string text) => new(0, text, isComposite: false);

    /// <summary>Whether it is this literal.</summary>
    public bool Is(int value) => IsLiteral && _value == value;

    /// <summary>Whether it may be more than <paramref name="value"/>.</summary>
    public bool MayExceed(int value) => !IsLiteral || _value > value;

    public static implicit operator Size(int value) => new(value, null, isComposite: false);

    public static Size operator *(Size a, Size b) =>
        a.IsLiteral && b.IsLiteral ? a._value * b._value
        : a.Is(0) || b.Is(0) ? 0
        : a.Is(1) ? b
        : b.Is(1) ? a
        : new(0, $"{a.Operand} * {b.Operand}", isComposite: true);

    public static Size operator +(Size a, Size b) =>
        a.IsLiteral && b.IsLiteral ? a._value + b._value
        : a.Is(0) ? b
        : b.Is(0) ? a
        : new(0, $"{a.Operand} + {b.Operand}", isComposite: true);

    /// <summary>The value of a literal.</summary>
    public int Literal => IsLiteral ? _value : throw new InvalidOperationException($"{this} is no literal.");

    /// <summary>How often <paramref name="divisor"/> goes into it, and the rest.</summary>
    public (Size Quotient, Size Remainder) DivideBy(int divisor) =>
        IsLiteral ? (_value / divisor, _value % divisor) : (Of(Text($"{Operand} / {divisor}")), Of(Text($"{Operand} % {divisor}")));

    /// <summary>The text as part of a larger expression.</summary>
    public string Operand => _isComposite ? $"({_text})" : ToString();

    /// <inheritdoc/>
    public override string ToString() => _text ?? Text($"{_value}");
}
