using System.Collections.Immutable;
using System.Text;
using Microsoft.CodeAnalysis.Text;

namespace EfficientConv.Dsl.Generators.Tests.Harness;

/// <summary>A source whose expected diagnostics are marked in it: <c>{|ECD0101:groups: 3|}</c>. Marks may stand inside each other.</summary>
internal sealed record MarkedSource(string Text, ImmutableArray<(string Id, TextSpan Span)> Expected)
{
    public static MarkedSource Parse(string markup)
    {
        StringBuilder text = new();
        Stack<(string Id, int Start)> open = [];
        ImmutableArray<(string, TextSpan)>.Builder expected = ImmutableArray.CreateBuilder<(string, TextSpan)>();
        for (int i = 0; i < markup.Length; i++)
        {
            if (At(i, "{|"))
            {
                int colon = markup.IndexOf(':', i);
                open.Push((markup[(i + 2)..colon], text.Length));
                i = colon;
            }
            else if (open.Count > 0 && At(i, "|}"))
            {
                (string id, int start) = open.Pop();
                expected.Add((id, TextSpan.FromBounds(start, text.Length)));
                i++;
            }
            else
            {
                text.Append(markup[i]);
            }
        }

        Assert.Empty(open);
        return new MarkedSource(text.ToString(), expected.ToImmutable());

        bool At(int index, string mark) => string.CompareOrdinal(markup, index, mark, 0, mark.Length) == 0;
    }
}
