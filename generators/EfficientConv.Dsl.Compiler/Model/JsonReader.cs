using System.Globalization;
using System.Text;

namespace EfficientConv.Dsl.Compiler.Model;

/// <summary>Reads JSON (RFC 8259) of a known form from front to back: objects, arrays, texts and integers; no name twice, nothing after the end.</summary>
internal sealed class JsonReader(string text)
{
    private const int MaxDepth = 16;

    private int _at;
    private int _depth;

    /// <summary>What is wrong, with its line and column.</summary>
    public JsonFormatException Error(string what)
    {
        string before = text.Substring(0, Math.Min(_at, text.Length));
        int line = before.Count(c => c == '\n') + 1, column = before.Length - before.LastIndexOf('\n');
        return new JsonFormatException(FormattableString.Invariant($"line {line}, column {column}: {PlainText.Of(what)}"), before.Length);
    }

    /// <summary>An object; <paramref name="member"/> reads the value of each name.</summary>
    public void Object(Action<string> member)
    {
        HashSet<string> names = [];
        List('{', '}', () =>
        {
            string name = Text();
            if (!names.Add(name))
                throw Error($"\"{name}\" is there twice");
            Expect(':');
            member(name);
        });
    }

    /// <summary>An array; <paramref name="element"/> reads each element.</summary>
    public void Array(Action element) => List('[', ']', element);

    /// <summary>A text.</summary>
    public string Text()
    {
        Expect('"');
        StringBuilder value = new();
        while (true)
        {
            if (_at >= text.Length || text[_at] < ' ')
                throw Error("a text does not end");
            char c = text[_at++];
            if (c == '"')
                return value.ToString();
            value.Append(c == '\\' ? Escaped() : c);
        }
    }

    /// <summary>An integer that is not negative.</summary>
    public int Integer()
    {
        SkipSpace();
        int start = _at;
        while (_at < text.Length && text[_at] is >= '0' and <= '9')
            _at++;
        string digits = text.Substring(start, _at - start);
        if (digits.Length == 0 || (digits.Length > 1 && digits[0] == '0') || !int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out int value))
            throw Error("expected an integer from 0 to 2147483647");
        return value;
    }

    /// <summary>Nothing may follow but white space.</summary>
    public void End()
    {
        SkipSpace();
        if (_at < text.Length)
            throw Error("something follows the end");
    }

    private void List(char open, char close, Action element)
    {
        if (++_depth > MaxDepth)
            throw Error("nested too deeply");
        Expect(open);
        SkipSpace();
        if (_at < text.Length && text[_at] == close)
        {
            _at++;
        }
        else
        {
            element();
            while (Next() == ',')
                element();
            _at--;
            Expect(close);
        }

        _depth--;
    }

    private char Escaped()
    {
        char c = _at < text.Length ? text[_at++] : '\0';
        switch (c)
        {
            case '"' or '\\' or '/':
                return c;
            case 'n':
                return '\n';
            case 't':
                return '\t';
            case 'r':
                return '\r';
            case 'b':
                return '\b';
            case 'f':
                return '\f';
            case 'u' when _at + 4 <= text.Length && ushort.TryParse(text.Substring(_at, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ushort code):
                _at += 4;
                return (char)code;
            default:
                throw Error("an unknown escape");
        }
    }

    private char Next()
    {
        SkipSpace();
        return _at < text.Length ? text[_at++] : throw Error("the text ends too early");
    }

    private void Expect(char c)
    {
        SkipSpace();
        if (_at >= text.Length || text[_at] != c)
            throw Error($"expected {c}");
        _at++;
    }

    private void SkipSpace()
    {
        while (_at < text.Length && text[_at] is ' ' or '\t' or '\n' or '\r')
            _at++;
    }
}
