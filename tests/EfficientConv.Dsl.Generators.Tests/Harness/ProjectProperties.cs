using System.Diagnostics.CodeAnalysis;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace EfficientConv.Dsl.Generators.Tests.Harness;

/// <summary>A project whose MSBuild property EfficientConvStepTimes has a value, or, for null, none.</summary>
internal sealed class ProjectProperties(string? stepTimes) : AnalyzerConfigOptionsProvider
{
    public override AnalyzerConfigOptions GlobalOptions { get; } = new Options(stepTimes);

    public override AnalyzerConfigOptions GetOptions(SyntaxTree tree) => new Options(null);

    public override AnalyzerConfigOptions GetOptions(AdditionalText textFile) => new Options(null);

    private sealed class Options(string? value) : AnalyzerConfigOptions
    {
        public override bool TryGetValue(string key, [NotNullWhen(true)] out string? found)
        {
            found = key == "build_property.EfficientConvStepTimes" ? value : null;
            return found is not null;
        }
    }
}
