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

    /// <summary>Each rule with its own severity, one of another severity, and those that have two.</summary>
    [Theory]
    [InlineData("Conv2d(8, 5, padding: 1)", "ECD0202", DiagnosticSeverity.Warning)]
    [InlineData("Conv2d(8, bias: true), BatchNorm", "ECD0404", DiagnosticSeverity.Info)]
    [InlineData("ChannelShuffle(3)", "ECD0103", DiagnosticSeverity.Error)]
    [InlineData("SqueezeExcitation(9)", "ECD0104", DiagnosticSeverity.Error)]
    [InlineData("SqueezeExcitation(3)", "ECD0104", DiagnosticSeverity.Warning)]
    [InlineData("MaxPool2d(2, padding: 2)", "ECD0204", DiagnosticSeverity.Error)]
    [InlineData("Conv2d(8, 1, padding: 1)", "ECD0204", DiagnosticSeverity.Warning)]
    public async Task Severity_IsTheRulesOwn_UnlessAConfigurationFileSetsIt(string layers, string id, DiagnosticSeverity own)
    {
        string source = $"[InputShape(8, 8, 8), {layers}] public sealed partial class Net;";
        Assert.Equal((id, own), await Only(TestCompilation.Create(source)));
        Assert.Equal((id, DiagnosticSeverity.Info), await Only(Configure(source, $"[*.cs]\ndotnet_diagnostic.{id}.severity = suggestion\n")));
        Assert.Equal((id, DiagnosticSeverity.Error), await Only(Configure(source, $"[File0.cs]\ndotnet_diagnostic.{id}.severity = error\n")));
        Assert.Equal((id, own), await Only(Configure(source, $"[Other.cs]\ndotnet_diagnostic.{id}.severity = none\n")));
        Assert.Empty(await AnalyzerHarness.DiagnosticsAsync(Configure(source, $"is_global = true\ndotnet_diagnostic.{id}.severity = none\n")));

        static async Task<(string, DiagnosticSeverity)> Only(CSharpCompilation compilation)
        {
            Diagnostic diagnostic = Assert.Single(await AnalyzerHarness.DiagnosticsAsync(compilation));
            return (diagnostic.Id, diagnostic.Severity);
        }
    }

    [Theory]
    [InlineData("ReLU, GELU", "ECD0405")]
    [InlineData("Conv2d(8, 3, padding: 1, dilation: 2)", "ECD0203")]
    [InlineData("Budget(maxParameters: 1), Conv2d(8)", "ECD0501")]
    public async Task AnyRule_IsSilencedInTheSource(string layers, string id)
    {
        string source = $"[InputShape(8, 8, 8), {layers}] public sealed partial class Net;";

        Assert.Single(await AnalyzerHarness.DiagnosticsAsync(TestCompilation.Create(source)));
        Assert.Empty(await AnalyzerHarness.DiagnosticsAsync(TestCompilation.Create($"#pragma warning disable {id}\n{source}")));
        Assert.Empty(await AnalyzerHarness.DiagnosticsAsync(TestCompilation.Create($"[System.Diagnostics.CodeAnalysis.SuppressMessage(\"EfficientConv.Dsl\", \"{id}\", Justification = \"as published\")]\n{source}")));
        Assert.Empty(await AnalyzerHarness.DiagnosticsAsync(TestCompilation.Create($"[assembly: System.Diagnostics.CodeAnalysis.SuppressMessage(\"EfficientConv.Dsl\", \"{id}\", Scope = \"type\", Target = \"~T:Net\")]\n{source}")));
    }

    private static CSharpCompilation Configure(string source, string configuration)
    {
        CSharpCompilation compilation = TestCompilation.Create(source);
        AnalyzerConfigSet set = AnalyzerConfigSet.Create(ImmutableArray.Create(AnalyzerConfig.Parse(configuration, configuration.StartsWith("is_global", StringComparison.Ordinal) ? "/.globalconfig" : "/.editorconfig")));
        return compilation.WithOptions(compilation.Options.WithSyntaxTreeOptionsProvider(new ConfigurationFile(set)));
    }

    /// <summary>A configuration file as the compiler reads it.</summary>
    private sealed class ConfigurationFile(AnalyzerConfigSet set) : SyntaxTreeOptionsProvider
    {
        public override GeneratedKind IsGenerated(SyntaxTree tree, CancellationToken cancellationToken) => GeneratedKind.Unknown;

        public override bool TryGetDiagnosticValue(SyntaxTree tree, string diagnosticId, CancellationToken cancellationToken, out ReportDiagnostic value) =>
            set.GetOptionsForSourcePath("/" + tree.FilePath).TreeOptions.TryGetValue(diagnosticId, out value);

        public override bool TryGetGlobalDiagnosticValue(string diagnosticId, CancellationToken cancellationToken, out ReportDiagnostic value) =>
            set.GlobalConfigOptions.TreeOptions.TryGetValue(diagnosticId, out value);
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
