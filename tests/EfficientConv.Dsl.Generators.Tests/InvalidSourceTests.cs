using System.Collections.Immutable;
using EfficientConv.Dsl.Generators.Tests.Harness;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace EfficientConv.Dsl.Generators.Tests;

/// <summary>What a source looks like while it is typed: neither the generator nor the analyzer may fail, and the compiler's errors suffice.</summary>
public class InvalidSourceTests
{
    public static TheoryData<string> Sources =>
    [
        "[InputShape(] public partial class Net;",
        "[InputShape] [ReLU] public partial class Net;",
        "[InputShape(3)] [Conv2d(8)] public partial class Net;",
        "[InputShape(3, 8, 8, 9)] [Conv2d(8)] public partial class Net;",
        "[InputShape(\"3\", 8, 8)] [Conv2d(8, groups: 2)] public partial class Net;",
        "[InputShape(3, 8, 8)] [Conv2d(] public partial class Net;",
        "[InputShape(3, 8, 8)] [Conv2d(channels: 8, groups: 2)] public partial class Net;",
        "[InputShape(3, 8, 8)] [Conv2d(8, groups: 2, groups: 2)] public partial class Net;",
        "[InputShape(3, 8, 8)] [Conv2d(Missing.Constant)] public partial class Net;",
        "[InputShape(3, 8, 8)] [Conv2d(System.Environment.ProcessorCount, groups: 2)] public partial class Net;",
        "[InputShape(3, 8, 8)] [Conv2d(8.5)] public partial class Net;",
        "[InputShape(3, 8, 8)] [Conv2d(groups: 2, Padding = 1)] public partial class Net;",
        "[InputShape(3, 8, 8)] [Conv2d(groups: 2, Name = Missing)] public partial class Net;",
        "[InputShape(3, 8, 8)] [Activation] public partial class Net;",
        "[InputShape(3, 8, 8)] [Activation(ReLU)] public partial class Net;",
        "[InputShape(3, 8, 8)] [Unknown(1)] public partial class Net;",
        "[InputShape(3, 8, 8)] [Conv2(8), ChannelShuffle(2)] public partial class Net;",
        "[InputShape(3, 8, 8), ReLU] [LayerAttribute] public partial class Net;",
        "[InputShape(3, 8, 8)] [Conv2d(8, groups: 2, Name = \"x\", 3)] public partial class Net;",
        "[InputShape(3, 8, 8), ReLU] public partial enum Net { }",
        "[InputShape(3, 8, 8), ReLU] public delegate void Net();",
        "public partial class Net { [InputShape(3, 8, 8), ReLU] public void Method() { } }",
        "[assembly: InputShape(3, 8, 8)]",
        "[InputShape(3, 8, 8), ReLU] public partial class ;",
        "[InputShape(3, 8, 8), ReLU] public partial class",
        "[InputShape(3, 8, 8), ReLU] public partial class Net : Missing;",
    ];

    [Theory]
    [MemberData(nameof(Sources))]
    public async Task BrokenSource_GivesNothingButCompilerErrors(string source)
    {
        CSharpCompilation compilation = TestCompilation.Create(source);
        Assert.Contains(compilation.GetDiagnostics(), diagnostic => diagnostic.Severity == DiagnosticSeverity.Error);

        GeneratorHarness.Run(compilation);
        ImmutableArray<Diagnostic> diagnostics = await AnalyzerHarness.DiagnosticsAsync(compilation);

        Assert.Empty(diagnostics);
    }

    [Theory]
    [InlineData("[InputShape(3, 8, 8), ReLU] public partial class Net;", "[InputShape(3, 9, 9), ReLU] public partial class Net;")]
    [InlineData("[InputShape(3, 8, 8), InputShape(3, 9, 9), ReLU] public partial class Net;", "")]
    public async Task MarkedTwice_IsGeneratedOnce(string first, string second)
    {
        CSharpCompilation compilation = TestCompilation.Create(first, second);

        Assert.Equal(8, Assert.Single(GeneratorHarness.Run(compilation).Declarations).Value.Attributes[0].Int("height"));
        Assert.DoesNotContain(await AnalyzerHarness.DiagnosticsAsync(compilation), diagnostic => diagnostic.Id.StartsWith("AD", StringComparison.Ordinal));
    }

    [Fact]
    public async Task WithoutTheRuntimeLibrary_NothingHappens()
    {
        CSharpCompilation compilation = CSharpCompilation.Create(
            "Empty", [TestCompilation.Parse("[InputShape(3, 8, 8)] public partial class Net;", "File0.cs")], TestCompilation.References.RemoveAt(TestCompilation.References.Length - 1));

        Assert.Empty(GeneratorHarness.Run(compilation).Declarations);
        Assert.Empty(await AnalyzerHarness.DiagnosticsAsync(compilation));
    }
}
