using System.Collections.Immutable;
using Microsoft.CodeAnalysis.CSharp;

namespace EfficientConv.Dsl.Generators.Tests.Fuzzing;

/// <summary>Sources as they are while somebody types: tokens missing, doubled, exchanged, of the wrong type, or cut off.</summary>
internal sealed class SourceFuzzer(int seed)
{
    private static readonly string[] Foreign =
    [
        "(", ")", "[", "]", ",", ":", "=", "\"text\"", "null", "1.5", "-", "typeof(int)", "nameof(Net)", "new[] { 1 }", "default", "Missing.Constant", "true", "0x7FFFFFFF + 1", "1 / 0",
        "'c'", "3L", "Activation.ReLU6", "(Activation)(-1)", "int.MaxValue * 2", "class", "partial", "{", "}", ";", "// ", "/* ", "#if X\n", "<", "Use<Net>", "InputShape", "Unknown(1)", "@", "\\",
    ];

    private readonly Random _random = new(seed);

    /// <summary><paramref name="source"/> with one to four mistakes.</summary>
    public string Break(string source)
    {
        List<string> tokens = [.. SyntaxFactory.ParseTokens(source).Select(token => token.ToFullString())];
        for (int mistakes = _random.Next(1, 5); mistakes > 0 && tokens.Count > 1; mistakes--)
        {
            int at = _random.Next(tokens.Count);
            switch (_random.Next(6))
            {
                case 0:
                    tokens.RemoveAt(at);
                    break;
                case 1:
                    tokens.Insert(at, tokens[_random.Next(tokens.Count)]);
                    break;
                case 2:
                    int other = _random.Next(tokens.Count);
                    (tokens[at], tokens[other]) = (tokens[other], tokens[at]);
                    break;
                case 3:
                    tokens[at] = Foreign[_random.Next(Foreign.Length)] + " ";
                    break;
                case 4:
                    tokens.Insert(at, Foreign[_random.Next(Foreign.Length)] + " ");
                    break;
                default:
                    if (_random.Next(4) == 0)
                        tokens.RemoveRange(at, tokens.Count - at);
                    break;
            }
        }

        return string.Concat(tokens);
    }
}
