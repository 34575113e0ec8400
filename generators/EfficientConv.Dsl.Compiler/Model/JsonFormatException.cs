namespace EfficientConv.Dsl.Compiler.Model;

/// <summary>A text is not the JSON that was expected.</summary>
/// <param name="message">Line, column and what is wrong there.</param>
/// <param name="position">Characters before the mistake.</param>
public sealed class JsonFormatException(string message, int position) : FormatException(message)
{
    /// <summary>Characters before the mistake.</summary>
    public int Position => position;
}
