using System.Runtime.CompilerServices;
using System.Text;

namespace EfficientConv.Dsl.Compiler.Emission;

/// <summary>Indented C# text with line feeds, whatever the machine's culture and line ends.</summary>
internal sealed class SourceWriter
{
    private readonly StringBuilder _text = new();
    private int _indent;
    private int _lineStart;
    private int _lineText;
    private bool _blankPending;
    private bool _isInLine;

    // The locals of the blocks that are open.
    private readonly Stack<HashSet<string>> _locals = new([[]]);

    /// <summary>One line; an empty one is written only between others.</summary>
    public void Line(string line = "")
    {
        if (line.Length == 0)
        {
            _blankPending = _text.Length > 0;
            return;
        }

        BeginLine().Append(line);
        EndLine();
    }

    /// <inheritdoc cref="Line(string)"/>
    public void Line([InterpolatedStringHandlerArgument("")] SourceText line) => EndLine();

    /// <summary>A line that is there only if <paramref name="condition"/> holds.</summary>
    public void Line(string line, bool condition)
    {
        if (condition)
            Line(line);
    }

    /// <summary>A line that is there only if <paramref name="condition"/> holds.</summary>
    public void LineIf(bool condition, [InterpolatedStringHandlerArgument("", nameof(condition))] SourceText line)
    {
        if (condition)
            EndLine();
    }

    /// <inheritdoc cref="LineIf(bool, SourceText)"/>
    public void LineIf(bool condition, string line) => Line(line, condition);

    /// <summary>Several lines, as a raw string has them; what begins or ends with an empty one is set apart from what is written before or after.</summary>
    public void Lines(string text)
    {
        foreach (string line in text.Split('\n'))
            Line(line.TrimEnd('\r'));
    }

    /// <inheritdoc cref="Lines(string)"/>
    public void Lines(SourceText text) => Lines(SourceText.Text(text));

    /// <summary>A line, and braces around what is written until the scope ends: <c>using (writer.Block("for (;;)"))</c>.</summary>
    public Scope Block(string line)
    {
        Line(line, line.Length > 0);
        return Braces();
    }

    /// <inheritdoc cref="Block(string)"/>
    public Scope Block([InterpolatedStringHandlerArgument("")] SourceText line)
    {
        EndLine();
        return Braces();
    }

    /// <summary>A block that is one only if <paramref name="condition"/> holds; else what would be inside stands alone.</summary>
    public Scope BlockIf(bool condition, [InterpolatedStringHandlerArgument("", nameof(condition))] SourceText line)
    {
        if (!condition)
            return default;
        EndLine();
        return Braces();
    }

    /// <inheritdoc cref="BlockIf(bool, SourceText)"/>
    public Scope BlockIf(bool condition, string line) => condition ? Block(line) : default;

    /// <summary>Braces, or other brackets, around what is written until the scope ends.</summary>
    public Scope Braces(string open = "{", string close = "}")
    {
        Line(open);
        Indent();
        return new Scope(this, close);
    }

    /// <summary>A counted loop around what is written until the scope ends; nothing when it surely runs once, unless there is <paramref name="always"/> to be one.</summary>
    public Scope Loop(string variable, Size count, bool always = false) =>
        BlockIf(always || count.MayExceed(1), $"for (int {variable} = 0; {variable} < {count}; {variable}++)");

    /// <summary>
    /// A local to the left of an assignment: with its type the first time in the blocks that are open; without where it is there already, because what came before in the
    /// same block is done with it.
    /// </summary>
    public string Local(string type, string name) => Declares(name) ? $"{type} {name}" : name;

    /// <summary>Whether an assignment to <paramref name="name"/> has to declare it: the first one in the blocks that are open.</summary>
    public bool Declares(string name) => !_locals.Any(block => block.Contains(name)) && _locals.Peek().Add(name);

    private void CloseWith(string text)
    {
        _blankPending = false;
        _indent--;
        _locals.Pop();
        Line(text);
    }

    /// <summary>What <paramref name="body"/> writes, one step further in: a single line under a condition.</summary>
    public void Indented(Action body)
    {
        _indent++;
        body();
        _indent--;
    }

    /// <inheritdoc/>
    public override string ToString() => _text.ToString();

    /// <summary>The text up to where a line's own begins; <see cref="EndLine"/> takes what is written there as the line.</summary>
    internal StringBuilder BeginLine()
    {
        if (_isInLine)
            throw new InvalidOperationException("A part of a line writes another line.");
        _isInLine = true;
        _lineStart = _text.Length;
        if (_blankPending)
            _text.Append('\n');
        _text.Append(' ', _indent * 4);
        _lineText = _text.Length;
        return _text;
    }

    private void Indent()
    {
        _indent++;
        _locals.Push([]);
    }

    private void EndLine()
    {
        _isInLine = false;
        bool isEmpty = _text.Length == _lineText;
        if (isEmpty)
            _text.Length = _lineStart;
        else
            _text.Append('\n');
        _blankPending = isEmpty && _lineStart > 0;
    }

    /// <summary>What a writer has opened.</summary>
    internal readonly struct Scope(SourceWriter? writer, string end) : IDisposable
    {
        /// <summary>Closes it.</summary>
        public void Dispose() => writer?.CloseWith(end);
    }
}
