using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;

namespace EfficientConv.Dsl.Compiler.Emission;

/// <summary>
/// An interpolated string in which numbers are written as C# has them, whatever the machine's culture. As the argument of a <see cref="SourceWriter"/> it is written where it
/// belongs without becoming a string; <see cref="Text"/> makes a string of it.
/// </summary>
[InterpolatedStringHandler]
internal readonly ref struct SourceText
{
    [ThreadStatic]
    private static StringBuilder? s_strings;

    private readonly StringBuilder _text;
    private readonly int _start;

    /// <summary>A string of its own. Those that one is made of are complete before it goes on, so that all can share a buffer.</summary>
    public SourceText(int literalLength, int formattedCount)
    {
        _text = s_strings ??= new StringBuilder(1024);
        _start = _text.Length;
    }

    /// <summary>A line of <paramref name="writer"/>.</summary>
    public SourceText(int literalLength, int formattedCount, SourceWriter writer)
    {
        _text = writer.BeginLine();
        _start = _text.Length;
    }

    /// <summary>A line of <paramref name="writer"/> if <paramref name="condition"/> holds; else nothing, not even its parts.</summary>
    public SourceText(int literalLength, int formattedCount, SourceWriter writer, bool condition, out bool isWritten)
    {
        isWritten = condition;
        _text = condition ? writer.BeginLine() : null!;
        _start = 0;
    }

    /// <summary>The string that <paramref name="text"/> is.</summary>
    public static string Text(SourceText text)
    {
        string value = text._text.ToString(text._start, text._text.Length - text._start);
        text._text.Length = text._start;
        return value;
    }

    /// <summary>Part of an interpolated string.</summary>
    public void AppendLiteral(string value) => _text.Append(value);

    /// <inheritdoc cref="AppendLiteral"/>
    public void AppendFormatted(string? value) => _text.Append(value);

    /// <inheritdoc cref="AppendLiteral"/>
    public void AppendFormatted(int value) => AppendFormatted((long)value);

    /// <inheritdoc cref="AppendLiteral"/>
    public void AppendFormatted(long value)
    {
        if (value is >= 0 and < 10)
            _text.Append((char)('0' + value));
        else
            _text.Append(value.ToString(CultureInfo.InvariantCulture));
    }

    /// <inheritdoc cref="AppendLiteral"/>
    public void AppendFormatted<T>(T value) => AppendFormatted(value, null);

    /// <inheritdoc cref="AppendLiteral"/>
    public void AppendFormatted<T>(T value, string? format) =>
        _text.Append(value is IFormattable number ? number.ToString(format, CultureInfo.InvariantCulture) : value?.ToString());
}
