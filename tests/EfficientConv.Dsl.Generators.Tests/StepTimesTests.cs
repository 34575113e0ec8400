using EfficientConv.Dsl.Generators.Tests.Harness;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace EfficientConv.Dsl.Generators.Tests;

/// <summary>The project's property EfficientConvStepTimes gives networks a member with what each step took; without it nothing is noted.</summary>
public class StepTimesTests
{
    private const string Network = "[InputShape(3, 16, 16), ImageInput, Conv2d(8, stride: 2, padding: 1), ReLU, GlobalAvgPool, Linear(4)] public sealed partial class Net;";

    [Theory]
    [InlineData("true", true)]
    [InlineData("True", true)]
    [InlineData("false", false)]
    [InlineData("", false)]
    [InlineData("yes", false)]
    [InlineData(null, false)]
    public void Member_IsThereWhenTheProjectAsksForIt(string? value, bool expected)
    {
        CSharpCompilation compilation = TestCompilation.Create(Network);
        GeneratorDriver driver = CSharpGeneratorDriver.Create(
            [new NetworkGenerator().AsSourceGenerator()], parseOptions: TestCompilation.ParseOptions, optionsProvider: new ProjectProperties(value));
        driver.RunGeneratorsAndUpdateCompilation(compilation, out Microsoft.CodeAnalysis.Compilation output, out _);

        Assert.Empty(output.GetDiagnostics().Where(d => d.Severity >= DiagnosticSeverity.Warning));
        INamedTypeSymbol type = output.GetTypeByMetadataName("Net")!;
        Assert.Equal(expected, type.GetMembers("StepTimes").Length == 1);
        Assert.Equal(expected, output.SyntaxTrees.Any(tree => tree.ToString().Contains("GetTimestamp", StringComparison.Ordinal)));
    }
}
