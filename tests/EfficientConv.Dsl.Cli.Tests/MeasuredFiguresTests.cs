using System.Text.Json;

namespace EfficientConv.Dsl.Cli.Tests;

/// <summary>Templates of pages, with a file of figures of their own.</summary>
public sealed class MeasuredFiguresTests
{
    private const string File = """
        {
          "date": "2026-12-01", "output": {
            "bytes": 3145728,
            "rows": [
              { "id": "a", "name": "first", "seconds": 0.00025, "count": 1234567 },
              { "name": "second", "seconds": 1.5, "part": { "share": 0.256 } },
              { "result": { "name": "third" } }, { "name": "twice" }, { "name": "twice" }
            ]
          }
        }
        """;

    [Theory]
    [InlineData("on {f date}: {f bytes MiB} MiB, {f bytes MB 1} MB", "on 2026-12-01: 3.00 MiB, 3.1 MB")]
    [InlineData("{f rows.a.seconds us} us, {f rows.second.seconds ms 0} ms, {f rows.1.seconds s} s", "250.0 us, 1,500 ms, 1.50 s")]
    [InlineData("{f rows.a.count} {f rows.a.count M 2} {f rows.a.count G3}", "1,234,567 1.23 1.23E+06")]
    [InlineData("{f rows.second.part.share %} % of {f rows.second.seconds / f rows.a.seconds 1}", "26 % of 6,000.0")]
    [InlineData("{f rows.third.result.name}, { } and {} stay", "third, { } and {} stay")]
    [InlineData("| name |\n{each f rows}| {#} |\nend", "| name |\n| 1 |\n| 2 |\n| 3 |\n| 4 |\n| 5 |\nend")]
    public void Template_IsFilled(string template, string expected) => Assert.Equal(expected, Figures().Render(template));

    [Theory]
    [InlineData("{f nothing}", "0 values are called nothing")]
    [InlineData("{f rows.twice.name}", "2 values are called twice")]
    [InlineData("{f rows.7.name}", "0 values are called 7")]
    [InlineData("{f date MB}", "is no number")]
    [InlineData("{f bytes furlongs}", "expected a unit")]
    [InlineData("{f bytes MB 1 more}", "expected a unit")]
    public void WrongPlaceholder_Fails(string template, string message) =>
        Assert.Contains(message, Assert.Throws<FormatException>(() => Figures().Render(template)).Message, StringComparison.Ordinal);

    [Fact]
    public void Named_AreTheFilesOfATemplate() =>
        Assert.Equal(["a", "b", "c"], MeasuredFigures.Named("{a x} and {b y / c z 1}; {. x} {#}").Distinct());

    private static MeasuredFigures Figures() => new(name => name == "f" ? JsonDocument.Parse(File).RootElement : throw new FileNotFoundException(name));
}
