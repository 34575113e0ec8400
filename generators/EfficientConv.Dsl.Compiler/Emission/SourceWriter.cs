using System.Text;

namespace EfficientConv.Dsl.Compiler.Emission;

/// <summary>Indented C# text with line feeds, whatever the machine's culture and line ends.</summary>
internal sealed class SourceWriter
{
    private readonly StringBuilder _text = new();
    private int _indent;
    private bool _blankPending;

    /// <summary>One line; an empty one is written only between others.</summary>
    public void Line(string line = "")
    {
        if (line.Length == 0)
        {
            _blankPending = _text.Length > 0;
            return;
        }

        if (_blankPending)
            _text.Append('\n');
        _blankPending = false;
        _text.Append(' ', _indent * 4).Append(line).Append('\n');
    }

    /// <summary>A line that is there only if <paramref name="condition"/> holds.</summary>
    public void Line(string line, bool condition)
    {
        if (condition)
            Line(line);
    }

    /// <summary>A line and an opening brace.</summary>
    public void Open(string line)
    {
        Line(line, line.Length > 0);
        Open();
    }

    /// <summary>An opening brace.</summary>
    public void Open(char bracket = '{')
    {
        Line(bracket.ToString());
        _indent++;
    }

    /// <summary>A closing brace.</summary>
    public void Close(string suffix = "")
    {
        _blankPending = false;
        _indent--;
        Line("}" + suffix);
    }

    /// <summary>The end of a bracket that <see cref="Open(string)"/> began otherwise.</summary>
    public void CloseWith(string text)
    {
        _blankPending = false;
        _indent--;
        Line(text);
    }

    /// <summary>What <paramref name="body"/> writes, one step further in: a single line under a condition.</summary>
    public void Indented(Action body)
    {
        _indent++;
        body();
        _indent--;
    }

    /// <summary>A counted loop around <paramref name="body"/>; when it surely runs once, at most braces to keep its locals apart.</summary>
    public void Loop(string variable, Size count, Action body, bool braces = false)
    {
        if (count.MayExceed(1))
            Open($"for (int {variable} = 0; {variable} < {count}; {variable}++)");
        else if (braces)
            Open();
        body();
        if (count.MayExceed(1) || braces)
            Close();
    }

    /// <inheritdoc/>
    public override string ToString() => _text.ToString();
}
