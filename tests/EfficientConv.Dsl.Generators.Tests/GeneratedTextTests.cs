using EfficientConv.Dsl.Compiler.Model;

namespace EfficientConv.Dsl.Generators.Tests;

public class GeneratedTextTests
{
    [Theory]
    [InlineData("")]
    [InlineData("class C;\n// line\n")]
    [InlineData("class Gr\u00f6\u00dfe;\r\n")]
    [InlineData("// \u03b5 and \u4f60\nclass C;")]
    public void Text_IsReadAsWritten(string text)
    {
        CompactText compact = new(text);
        GeneratedText source = new(compact);

        Assert.Equal(text, compact.ToString());
        Assert.Equal(text, source.ToString());
        Assert.Equal(text.Length, source.Length);
        Assert.Equal(text, string.Concat(Enumerable.Range(0, text.Length).Select(i => source[i])));
        Assert.True(source.ContentEquals(Microsoft.CodeAnalysis.Text.SourceText.From(text, System.Text.Encoding.UTF8)));
    }

    [Fact]
    public void Texts_AreEqualByContent()
    {
        Assert.Equal(new CompactText("abc"), new CompactText("abc"));
        Assert.Equal(new CompactText("\u4f60"), new CompactText("\u4f60"));
        Assert.NotEqual(new CompactText("abc"), new CompactText("abd"));
        Assert.NotEqual(new CompactText("\u4f60"), new CompactText("`"));
        Assert.NotEqual(new CompactText(string.Empty), new CompactText("a"));
    }
}
