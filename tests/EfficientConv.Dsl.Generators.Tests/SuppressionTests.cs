using System.Collections.Immutable;
using EfficientConv.Dsl.Generators.Tests.Harness;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace EfficientConv.Dsl.Generators.Tests;

/// <summary>The ways in which a user sets a rule's severity.</summary>
public class SuppressionTests
{
    private const string Wrong = "[InputShape(8, 8, 8), ChannelShuffle(3)] public sealed partial class Net;";

    [Fact]
    public async Task Pragma_Silences() =>
        Assert.Empty(await AnalyzerHarness.DiagnosticsAsync(TestCompilation.Create($"#pragma warning disable ECD0103\n{Wrong}\n#pragma warning restore ECD0103")));

    [Fact]
    public async Task SuppressMessage_Silences() =>
        Assert.Empty(await AnalyzerHarness.DiagnosticsAsync(TestCompilation.Create(
            $"[System.Diagnostics.CodeAnalysis.SuppressMessage(\"EfficientConv.Dsl\", \"ECD0103\")]\n{Wrong}")));

    [Theory]
    [InlineData(ReportDiagnostic.Warn, DiagnosticSeverity.Warning)]
    [InlineData(ReportDiagnostic.Info, DiagnosticSeverity.Info)]
    public async Task EditorConfig_SetsTheSeverity(ReportDiagnostic configured, DiagnosticSeverity expected)
    {
        CSharpCompilation compilation = TestCompilation.Create(Wrong);
        compilation = compilation.WithOptions(compilation.Options.WithSyntaxTreeOptionsProvider(new EditorConfig("ECD0103", configured)));

        Diagnostic diagnostic = Assert.Single(await AnalyzerHarness.DiagnosticsAsync(compilation));

        Assert.Equal(expected, diagnostic.Severity);
        Assert.Equal(DiagnosticSeverity.Error, diagnostic.DefaultSeverity);
    }

    [Fact]
    public async Task EditorConfig_None_Silences()
    {
        CSharpCompilation compilation = TestCompilation.Create(Wrong);
        compilation = compilation.WithOptions(compilation.Options.WithSyntaxTreeOptionsProvider(new EditorConfig("ECD0103", ReportDiagnostic.Suppress)));

        Assert.Empty(await AnalyzerHarness.DiagnosticsAsync(compilation));
    }

    /// <summary>What <c>dotnet_diagnostic.{id}.severity</c> becomes inside the compiler.</summary>
    private sealed class EditorConfig(string id, ReportDiagnostic severity) : SyntaxTreeOptionsProvider
    {
        public override GeneratedKind IsGenerated(SyntaxTree tree, CancellationToken cancellationToken) => GeneratedKind.Unknown;

        public override bool TryGetDiagnosticValue(SyntaxTree tree, string diagnosticId, CancellationToken cancellationToken, out ReportDiagnostic value)
        {
            value = severity;
            return diagnosticId == id;
        }

        public override bool TryGetGlobalDiagnosticValue(string diagnosticId, CancellationToken cancellationToken, out ReportDiagnostic value)
        {
            value = default;
            return false;
        }
    }
}
