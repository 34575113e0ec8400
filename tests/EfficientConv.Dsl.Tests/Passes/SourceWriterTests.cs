using System.Globalization;
using EfficientConv.Dsl.Compiler.Emission;
using static EfficientConv.Dsl.Compiler.Emission.SourceText;

namespace EfficientConv.Dsl.Tests.Passes;

/// <summary>What generated text is printed with.</summary>
public sealed class SourceWriterTests
{
    [Fact]
    public void Numbers_AreTheSameInEveryCulture()
    {
        CultureInfo culture = CultureInfo.CurrentCulture, other = (CultureInfo)CultureInfo.InvariantCulture.Clone();
        other.NumberFormat.NegativeSign = "minus ";
        other.NumberFormat.NumberDecimalSeparator = ",";
        other.NumberFormat.NumberGroupSeparator = " ";
        CultureInfo.CurrentCulture = other;
        try
        {
            SourceWriter writer = new();
            writer.Line($"{-5} {7} {12L} {0.5} {-0.25f:R} {12345:N0} {Text($"{-1}")} {true} {(string?)null}{(object?)null}");
            Assert.Equal("-5 7 12 0.5 -0.25 12,345 -1 True \n", writer.ToString());
        }
        finally
        {
            CultureInfo.CurrentCulture = culture;
        }
    }

    [Fact]
    public void Blocks_IndentAndClose()
    {
        SourceWriter writer = new();
        using (writer.Block($"for (int i = 0; i < {3}; i++)"))
        {
            using (writer.BlockIf(false, $"if ({1})"))
                writer.Line("a();");
            using (writer.Loop("j", 1))
                writer.Line("b();");
            using (writer.Loop("k", 1, always: true))
                writer.Line("c();");
        }

        using (writer.Braces("[", "];"))
            writer.Lines($"""
                1,

                {2},
                """);
        Assert.Equal(
            """
            for (int i = 0; i < 3; i++)
            {
                a();
                b();
                for (int k = 0; k < 1; k++)
                {
                    c();
                }
            }
            [
                1,

                2,
            ];

            """.ReplaceLineEndings("\n"),
            writer.ToString());
    }

    [Fact]
    public void EmptyLines_StandOnlyBetweenOthers()
    {
        SourceWriter writer = new();
        writer.Line();
        writer.Line("a");
        writer.Line($"{string.Empty}");
        writer.Line();
        writer.Line("b");
        writer.Line();
        Assert.Equal("a\n\nb\n", writer.ToString());
    }

    [Fact]
    public void PartsOfALineThatIsNotWritten_AreNotMade()
    {
        SourceWriter writer = new();
        writer.LineIf(false, $"{Throw()}");
        writer.LineIf(true, $"a");
        Assert.Equal("a\n", writer.ToString());

        static string Throw() => throw new InvalidOperationException();
    }

    /// <summary>A line is written while its parts are made: one of them must not write another.</summary>
    [Fact]
    public void PartOfALineThatWrites_Throws()
    {
        SourceWriter writer = new();
        Assert.Throws<InvalidOperationException>(() => writer.Line($"a {Write()}"));

        string Write()
        {
            writer.Line("b");
            return string.Empty;
        }
    }

    [Fact]
    public void Locals_AreDeclaredOnceInTheBlocksThatAreOpen()
    {
        SourceWriter writer = new();
        using (writer.Block("if (a)"))
        {
            Assert.Equal("int x", writer.Local("int", "x"));
            using (writer.Block("if (b)"))
            {
                Assert.Equal("x", writer.Local("int", "x"));
                Assert.Equal("int y", writer.Local("int", "y"));
            }

            Assert.Equal("int y", writer.Local("int", "y"));
        }

        Assert.Equal("int x", writer.Local("int", "x"));
    }
}
