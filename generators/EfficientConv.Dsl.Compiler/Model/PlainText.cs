using System.Globalization;

namespace EfficientConv.Dsl.Compiler.Model;

/// <summary>Texts of the user's as they may stand in a line of a message or in a string of C#.</summary>
internal static class PlainText
{
    /// <summary><paramref name="text"/> with what ends a line, is not seen or is half of a surrogate pair written as <c>\u2028</c>.</summary>
    public static string Of(string text) => IsUsual(text) ? text : string.Concat(text.Select((c, i) => Of(text, i)));

    /// <summary><paramref name="text"/> as a string of C#.</summary>
    public static string Quote(string text) => IsUsual(text) ? $"\"{text}\"" :
        "\"" + string.Concat(text.Split('\\').Select((part, i) => (i == 0 ? string.Empty : @"\\") + Of(part).Replace("\"", "\\\""))) + "\"";

    /// <summary>What nearly every name consists of.</summary>
    private static bool IsUsual(string text)
    {
        foreach (char c in text)
        {
            if (c is not ((>= 'a' and <= 'z') or (>= 'A' and <= 'Z') or (>= '0' and <= '9') or '.' or '_' or ' ' or '-'))
                return false;
        }

        return true;
    }

    private static string Of(string text, int index)
    {
        char c = text[index];
        bool isPlain = CharUnicodeInfo.GetUnicodeCategory(c) switch
        {
            UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator => false,
            UnicodeCategory.Surrogate => char.IsSurrogatePair(text, char.IsLowSurrogate(c) && index > 0 ? index - 1 : index),
            _ => true,
        };
        return isPlain ? c.ToString() : FormattableString.Invariant($"\\u{(int)c:x4}");
    }
}
