using System.Collections.Immutable;
using System.Globalization;
using System.Text.RegularExpressions;
using EfficientConv.Dsl.Compiler.Findings;
using EfficientConv.Dsl.Generators.Tests.Harness;
using Microsoft.CodeAnalysis;

namespace EfficientConv.Dsl.Generators.Tests;

public partial class GeneratorOutputTests
{
    /// <summary>Uses every public member of <c>Net</c>, as a user's code does.</summary>
    private const string Caller = """
        public static class Caller
        {
            public static int Call(float[] input, float[] output)
            {
                Net net = Net.Load("net.safetensors");
                net.Forward(input, output);
                net.Forward(2, input, output, threads: 2);
                return Describe<Net>() + (int)Net.CreateRandom(1).WorkspaceBytes;
            }

            private static int Describe<T>() where T : class, IConvNet<T> =>
                T.InputShape.Channels + T.OutputShape.Height + T.Parameters.Length + (int)T.Cost.MultiplyAdds;
        }
        """;

    /// <summary>Classes in every place and of every kind, whose generated part must compile without a warning.</summary>
    public static TheoryData<string> Declarations =>
    [
        "[InputShape(3, 8, 8), Conv2d(8, padding: 1)] public sealed partial class Net;",
        "namespace A.B; [InputShape(3, 8, 8), ReLU] internal partial class Net { }",
        "namespace @int.@class { [InputShape(3, 8, 8), ReLU] public partial class @event; }",
        "[InputShape(3, 8, 8), ReLU] public sealed partial record Net;",
        "public static partial class Outer { [InputShape(3, 8, 8), ReLU] private partial class Net; }",
        "public partial interface IOuter { partial record struct Middle { [InputShape(3, 8, 8), ReLU] internal partial class Net; } }",
        "public partial class Outer<T> where T : class { [InputShape(3, 8, 8), ReLU] public partial class Net; }",
        "namespace A { [InputShape(3, 8, 8), ReLU] partial class B_C; } namespace A_B { [InputShape(3, 8, 8), ReLU] partial class C; } [InputShape(3, 8, 8), ReLU] partial class A_B_C;",
        "[InputShape(3, 8, 8), ReLU] public partial class Net; [InputShape(3, 8, 8), ReLU] public partial class NET;",
        "[InputShape(3, 8, 8), ReLU] public partial class Größe; namespace System.Collections { [InputShape(3, 8, 8), ReLU] public partial class Net; }",
        "namespace N.EfficientConv.Dsl.System { [global::EfficientConv.Dsl.InputShape(3, 8, 8), global::EfficientConv.Dsl.ReLU] public partial class Net; }",
        "[InputShape(3, 8, 8, Layout = TensorLayout.NHWC), Conv2d(8, Name = \"a \\\"name\\\" with\\nlines */ and {braces}\")] public partial class Net;",
        "[InputShape(3, 8, 8), ReLU] public partial class Net : System.IDisposable { private int _engine; public void Dispose() => _engine++; }",
    ];

    private static ImmutableArray<Diagnostic> Problems(Compilation compilation) =>
        [.. compilation.GetDiagnostics().Where(diagnostic => diagnostic.Severity >= DiagnosticSeverity.Warning)];

    [Theory]
    [MemberData(nameof(Declarations))]
    public void GeneratedPart_CompilesWithoutAWarning(string source)
    {
        GeneratorRun run = GeneratorHarness.Run(source);

        Assert.NotEmpty(run.Sources);
        Assert.Empty(Problems(run.Compilation));
    }

    [Fact]
    public void Members_AreThere() => Assert.Empty(Problems(GeneratorHarness.Run(
        "[InputShape(24, 8, 8), InvertedResidual(expansion: 4)] public sealed partial class Net;", Caller).Compilation));

    [Theory]
    [InlineData("InputShape(24, 8, 8), ChannelShuffle(5)")]
    [InlineData("InputShape(24, 8, 0), ReLU")]
    [InlineData("InputShape(24, 8, 8)")]
    public void InvalidNetwork_StillHasItsMembers(string attributes)
    {
        GeneratorRun run = GeneratorHarness.Run($"[{attributes}] public sealed partial class Net;", Caller);

        Assert.NotEmpty(run.Sources);
        Assert.Empty(Problems(run.Compilation));
    }

    public static TheoryData<string> ErrorRules => [.. RuleCatalog.All.Where(rule => rule.Severity == RuleSeverity.Error).Select(rule => rule.Id)];

    /// <summary>The wrong example of each error's page, with code that calls it: the rule's error stays the only one.</summary>
    [Theory]
    [MemberData(nameof(ErrorRules))]
    public void EveryError_LeavesCallingCodeCompilable(string id)
    {
        string page = File.ReadAllText(Path.Combine(RepositoryRoot.Path, "docs", "diagnostics", id + ".md"));
        string wrong = DiagnosticPageTests.Example(page, "Wrong");
        string name = NetworkName().Matches(wrong)[^1].Groups[1].Value;
        GeneratorRun run = GeneratorHarness.Run(wrong, Caller.Replace("Net", name, StringComparison.Ordinal).Replace("IConv" + name, "IConvNet", StringComparison.Ordinal));

        // A class that cannot take a generated part has none, and its one error says so.
        if (id is "ECD0001" or "ECD0002" or "ECD0005")
            return;
        Assert.Empty(Problems(run.Compilation));
        if (id != RuleCatalog.BudgetExceeded.Id)
            Assert.Contains($"InvalidOperationException(\"{id}: ", Assert.Single(run.Sources).Value, StringComparison.Ordinal);
    }

    [GeneratedRegex("class (\\w+)")]
    private static partial Regex NetworkName();

    [Fact]
    public void Text_DoesNotDependOnCultureOrRun()
    {
        const string Source = "[InputShape(24, 8, 8), InvertedResidual(expansion: 1.5), LeakyReLU(-0.25), BatchNorm(1e-3)] public sealed partial class Net;";
        ImmutableSortedDictionary<string, string> expected = GeneratorHarness.Run(Source).Sources;
        CultureInfo culture = CultureInfo.CurrentCulture;
        try
        {
            CultureInfo other = (CultureInfo)CultureInfo.InvariantCulture.Clone();
            (other.NumberFormat.NumberDecimalSeparator, other.NumberFormat.NegativeSign) = (",", "\u2212");
            CultureInfo.CurrentCulture = other;
            Assert.Equal(expected, GeneratorHarness.Run(Source).Sources);
        }
        finally
        {
            CultureInfo.CurrentCulture = culture;
        }
    }
}
