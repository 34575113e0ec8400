using System.Collections.Immutable;
using System.Globalization;
using EfficientConv.Dsl.CodeFixes;
using EfficientConv.Dsl.Compiler;
using EfficientConv.Dsl.Compiler.Declarations;
using EfficientConv.Dsl.Compiler.Findings;
using EfficientConv.Dsl.Compiler.Model;
using EfficientConv.Dsl.Compiler.Scheduling;
using EfficientConv.Dsl.Generators.Tests.Fuzzing;
using EfficientConv.Dsl.Generators.Tests.Harness;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.CSharp;

namespace EfficientConv.Dsl.Generators.Tests;

/// <summary>Random declarations and broken sources: nothing may fail, and what the analyzer accepts must compile.</summary>
public class DeclarationFuzzTests
{
    private const int Networks = 40, Batch = 600;

    private static readonly double[] s_wildness = [0.0, 0.05, 0.2, 0.6];

    /// <summary>Seeds of batches; EFFICIENTCONV_DECLARATIONS=100000 in the environment asks for so many declarations in place of one batch for each wildness.</summary>
    public static TheoryData<int, double> Batches
    {
        get
        {
            string? count = Environment.GetEnvironmentVariable("EFFICIENTCONV_DECLARATIONS");
            int batches = count is null ? s_wildness.Length : (int.Parse(count, CultureInfo.InvariantCulture) + Batch - 1) / Batch;
            TheoryData<int, double> data = [];
            for (int i = 0; i < batches; i++)
                data.Add(11 + i + (i < s_wildness.Length ? 0 : 1000), s_wildness[i % s_wildness.Length]);
            return data;
        }
    }

    public static ImmutableArray<CodeFixProvider> Fixes { get; } =
    [
        .. typeof(GroupsCodeFix).Assembly.GetTypes().Where(type => type.IsSubclassOf(typeof(CodeFixProvider)) && !type.IsAbstract)
            .OrderBy(type => type.Name, StringComparer.Ordinal).Select(type => (CodeFixProvider)Activator.CreateInstance(type)!),
    ];

    [Theory]
    [InlineData(1, 0.0)]
    [InlineData(2, 0.02)]
    [InlineData(3, 0.1)]
    public async Task RandomDeclarations_CompileWhereNoErrorIsReported(int seed, double wildness)
    {
        DeclarationFuzzer fuzzer = new(seed, wildness);
        CSharpCompilation compilation = TestCompilation.Create(string.Join('\n', Enumerable.Range(0, Networks).Select(i => fuzzer.Network($"Net{i}"))));
        Assert.Empty(compilation.GetDiagnostics().Where(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error));

        ImmutableArray<Diagnostic> diagnostics = await AnalyzerHarness.DiagnosticsAsync(compilation);
        Assert.All(diagnostics, diagnostic => Assert.StartsWith("ECD", diagnostic.Id, StringComparison.Ordinal));
        GeneratorRun run = GeneratorHarness.Run(compilation);

        Assert.Equal(Networks, run.Declarations.Count);
        Assert.Empty(run.Compilation.GetDiagnostics().Where(diagnostic => diagnostic.Severity >= DiagnosticSeverity.Warning));
        int wrong = diagnostics.Where(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error).Select(diagnostic => diagnostic.Location.GetLineSpan().StartLinePosition.Line).Distinct().Count();
        Assert.InRange(wrong, 0, Networks - 10); // Otherwise nothing of worth was compiled.
    }

    [Theory]
    [MemberData(nameof(Batches))]
    public async Task ThousandsOfDeclarations_NeverFail_AndTheGeneratorAgreesWithTheAnalyzer(int seed, double wildness)
    {
        DeclarationFuzzer fuzzer = new(seed, wildness);
        CSharpCompilation compilation = TestCompilation.Create([.. Enumerable.Range(0, Batch).Select(i => fuzzer.Network($"Net{i}"))]);

        ImmutableArray<Diagnostic> diagnostics = await AnalyzerHarness.DiagnosticsAsync(compilation);
        GeneratorRun run = GeneratorHarness.Run(compilation);

        Assert.All(diagnostics, diagnostic => Assert.StartsWith("ECD", diagnostic.Id, StringComparison.Ordinal));
        Assert.Equal(Batch, run.Declarations.Count);

        // A network with an error has one file whose members throw that error; one without has kernels.
        ILookup<string, Diagnostic> errors = diagnostics.Where(d => d.Severity == DiagnosticSeverity.Error && d.Id != RuleCatalog.BudgetExceeded.Id)
            .ToLookup(d => "Net" + d.Location.SourceTree!.FilePath["File".Length..^".cs".Length]);
        foreach (IGrouping<string, KeyValuePair<string, string>> files in run.Sources.GroupBy(file => file.Key[..file.Key.IndexOf('_', StringComparison.Ordinal)]))
            Assert.Equal(errors.Contains(files.Key), files.Count() == 1);
    }

    [Theory]
    [InlineData(21)]
    [InlineData(22)]
    [InlineData(23)]
    public void AnyArguments_MissingDoubledOrOfAnotherType_NeverFail(int seed)
    {
        // What the reader cannot hand over today: the core must not depend on the reader being careful.
        Random random = new(seed);
        object?[] values = [null, 0, 1, 3, -1, int.MinValue, int.MaxValue, 1 << 20, 1.5, double.NaN, true, false, "x", string.Empty, 5L, long.MinValue];
        AttributeDeclaration[] known = [.. GeneratorHarness.Run([.. Enumerable.Range(0, 60).Select(i => new DeclarationFuzzer(seed + i, 0).Network($"Net{i}"))]).Declarations.OrderBy(network => network.Key, StringComparer.Ordinal).SelectMany(network => network.Value.Attributes)];
        for (int i = 0; i < 3000; i++)
        {
            IEnumerable<AttributeDeclaration> attributes = Enumerable.Range(0, random.Next(1, 6)).Select(_ => known[random.Next(known.Length)]).Where(attribute => attribute.Kind != "InputShape").Select(Change)
                .Prepend(Change(new AttributeDeclaration("InputShape", EquatableArray.Of(new AttributeArgument("channels", 8, true), new AttributeArgument("height", 9, true), new AttributeArgument("width", 7, true)))));
            NetworkDeclaration network = new("N", [], "Net", "class", true, attributes.ToEquatableArray(), []);

            EquatableArray<Finding> findings = NetworkCompiler.Check(network);

            Assert.All(findings, finding => Assert.InRange(finding.AttributeIndex, -1, network.Attributes.Count - 1));
            Assert.NotEmpty(NetworkCompiler.Compile(network, ScheduleSettings.Default).Sources);
        }

        AttributeDeclaration Change(AttributeDeclaration attribute) => attribute with
        {
            Arguments = attribute.Arguments.Where(_ => random.Next(20) > 0).SelectMany(argument => random.Next(20) == 0 ? [argument, argument] : new[] { argument })
                .Select(argument => random.Next(10) == 0 && argument.Name != "repeat" ? argument with { Value = values[random.Next(values.Length)], IsExplicit = true } : argument).ToEquatableArray(),
        };
    }

    [Theory]
    [InlineData(31)]
    [InlineData(32)]
    [InlineData(33)]
    public async Task BrokenSources_NeverFail(int seed)
    {
        const int Files = 400;
        DeclarationFuzzer fuzzer = new(seed, 0.02);
        SourceFuzzer breaker = new(seed);
        CSharpCompilation compilation = TestCompilation.Create([.. Enumerable.Range(0, Files).Select(i => breaker.Break(fuzzer.Network($"Net{i}")))]);

        ImmutableArray<Diagnostic> diagnostics = await AnalyzerHarness.DiagnosticsAsync(compilation);
        GeneratorHarness.Run(compilation);

        Assert.All(diagnostics, diagnostic => Assert.StartsWith("ECD", diagnostic.Id, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(41)]
    [InlineData(42)]
    public async Task EveryFixOfRandomDeclarations_LeavesASourceThatCompiles(int seed)
    {
        DeclarationFuzzer fuzzer = new(seed, 0.02);
        string[] sources = [.. Enumerable.Range(0, 240).Select(i => fuzzer.Network($"Net{i}"))];

        Assert.InRange(await CodeFixHarness.ApplyAllAsync(Fixes, sources), 50, int.MaxValue);
    }
}
