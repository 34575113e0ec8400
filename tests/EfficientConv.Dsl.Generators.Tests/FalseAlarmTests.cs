using EfficientConv.Dsl.Generators.Tests.Harness;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace EfficientConv.Dsl.Generators.Tests;

/// <summary>The networks that the project ships, as the analyzer sees them in an editor: no error and no warning; hints are another matter.</summary>
public class FalseAlarmTests
{
    private static readonly string[] s_files =
    [
        .. new[] { "samples", Path.Combine("src", "EfficientConv.Dsl.Zoo") }.SelectMany(folder => Directory.GetFiles(Path.Combine(RepositoryRoot.Path, folder), "*.cs", SearchOption.AllDirectories))
            .Where(file => !file.Split(Path.DirectorySeparatorChar).Any(part => part is "bin" or "obj") && File.ReadAllText(file).Contains("[InputShape(", StringComparison.Ordinal))
            .Select(file => Path.GetRelativePath(RepositoryRoot.Path, file)),
    ];

    public static TheoryData<string> Files => [.. s_files];

    [Fact]
    public void Zoo_HasItsNetworks() => Assert.Equal(21, s_files.Where(file => file.Contains("Zoo", StringComparison.Ordinal))
        .Sum(file => GeneratorHarness.Run(TestCompilation.Create(File.ReadAllText(Path.Combine(RepositoryRoot.Path, file)))).Declarations.Count));

    [Theory]
    [MemberData(nameof(Files))]
    public async Task ShippedNetwork_GivesNoErrorAndNoWarning(string file)
    {
        CSharpCompilation compilation = TestCompilation.Create(await File.ReadAllTextAsync(Path.Combine(RepositoryRoot.Path, file)));

        Assert.NotEmpty(GeneratorHarness.Run(compilation).Declarations);
        Assert.Empty((await AnalyzerHarness.DiagnosticsAsync(compilation)).Where(diagnostic => diagnostic.Severity >= DiagnosticSeverity.Warning));
    }
}
