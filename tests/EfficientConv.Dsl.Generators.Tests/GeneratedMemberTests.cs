using System.Collections.Immutable;
using EfficientConv.Dsl.Analyzers;
using EfficientConv.Dsl.Generators.Tests.Harness;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.Diagnostics;

namespace EfficientConv.Dsl.Generators.Tests;

/// <summary>
/// Every member that a network gets, as the C# compiler sees it, against a class of its name and a member of the user's with its name: one error of ours at the
/// declaration, and none of the compiler's anywhere.
/// </summary>
public class GeneratedMemberTests
{
    private const string Attributes = "[InputShape(3, 8, 8), ImageInput, Conv2d(8, padding: 1), Output(\"p3\"), ReLU, Output(\"p4.0\"), MaxPool2d, Output(\"p4.1\")]";

    /// <summary>Code that uses the network through its interface, so that it must still be one.</summary>
    private const string Caller = "static class Caller { static void Call<T>() where T : class, IConvNet<T> => T.CreateRandom(T.Parameters.Length).Forward([], []); static void Call() => Call<CALLED>(); }";

    private static readonly string[] s_constructorsAndRequired =
    [
        "public Net() { }", "private Net(string label) => _label = label; private readonly string _label;", "protected Net(Net other) { }",
        "public required string Label { get; init; }", "public required string Label;",
    ];

    private static readonly Lazy<ImmutableArray<ISymbol>> s_members = new(FindMembers);

    /// <summary>Names of all members, private ones and what properties are made of too.</summary>
    private static IEnumerable<string> Names => s_members.Value.Select(member => member.Name).Where(name => name[0] is not '.').Distinct();

    [Fact]
    public Task ClassOfAMembersName_IsOneError() => AssertOneErrorAsync(Names.Select(name => ($"{Attributes} public sealed partial class {name};", name)));

    [Fact]
    public Task RecordInATypeAndANamespaceOfAMembersName_IsOneError() => AssertOneErrorAsync(Names.Select(name =>
        ($"namespace {name}.Inner {{ public partial class Outer<T{name}> {{ {Attributes} internal partial record {name}; }} }}", $"{name}.Inner.Outer<int>.{name}")));

    /// <summary>The user's own declaration with the same name and parameters as each member, and something else of its name.</summary>
    [Fact]
    public Task MemberOfTheUsers_IsOneError() => AssertOneErrorAsync(s_members.Value.Where(member => member is not IMethodSymbol { MethodKind: not MethodKind.Ordinary }).SelectMany(Twins).Distinct()
        .Select(declaration => ($"{Attributes} public partial class Net {{ {declaration} }}", "Net")));

    [Fact]
    public Task ConstructorOrRequiredMember_IsOneError() => AssertOneErrorAsync(s_constructorsAndRequired.Select(declaration => ($"{Attributes} public partial class Net {{ {declaration} }}", "Net")));

    /// <summary>Each of several is one.</summary>
    [Fact]
    public async Task SeveralMembers_AreAnErrorEach()
    {
        (ImmutableArray<Diagnostic> ours, ImmutableArray<Diagnostic> compilers) = await DiagnoseAsync(
            "true", $"{Attributes} public partial class Cost {{ public Cost() {{ }} public required int Layout {{ get; set; }} class Load; int P3Output => 1; }}");

        Assert.Equal(["Cost", "Cost", "Layout", "Load", "P3Output"], ours.Select(TextOf));
        Assert.Empty(compilers);
    }

    /// <summary>Where the project does not ask for step times, the member's name is free.</summary>
    [Fact]
    public async Task StepTimes_IsFreeWhereTheProjectDoesNotAskForIt()
    {
        string source = $"{Attributes} public partial class StepTimes;";
        Assert.Single((await DiagnoseAsync("true", source)).Ours);
        (ImmutableArray<Diagnostic> ours, ImmutableArray<Diagnostic> compilers) = await DiagnoseAsync(null, source);
        Assert.Empty(ours);
        Assert.Empty(compilers);
    }

    /// <summary>What a base list may hold beside a base class: it is no concern of the generated part.</summary>
    [Theory]
    [InlineData("partial class Net : object;")]
    [InlineData("partial class Net : IConvNet<Net>;")]
    [InlineData("partial class Net : ICost { NetworkCost ICost.Cost => Cost; } interface ICost { NetworkCost Cost { get; } }")]
    [InlineData("partial class Net : ILoad<Net>; interface ILoad<T> { static abstract T CreateRandom(int seed, LoadOptions? options); }")]
    [InlineData("partial class Net : ILayout; interface ILayout { int Layout => 1; void Forward(int i) { } }")]
    public async Task Interfaces_AreNoMistake(string declaration)
    {
        (ImmutableArray<Diagnostic> ours, ImmutableArray<Diagnostic> compilers) = await DiagnoseAsync("true", $"{Attributes} {declaration}");

        Assert.Empty(ours);
        Assert.Empty(compilers);
    }

    /// <summary>What is wrong with the class itself is said at its declaration, by the compiler or by us; nothing is said of generated code.</summary>
    [Theory]
    [InlineData("partial class Net : Net;")]
    [InlineData("partial class Net : dynamic;")]
    [InlineData("partial class Net : int;")]
    [InlineData("partial class Net : string;")]
    [InlineData("partial class Net : System.Enum;")]
    [InlineData("partial class Net : System.Collections.Generic.List<Net>;")]
    [InlineData("partial class Net : int[];")]
    [InlineData("partial class Net : (int, int);")]
    [InlineData("partial class Net : System.IDisposable;")]
    [InlineData("partial class Net : IConvNet<Other>; [InputShape(3, 8, 8), ReLU] partial class Other;")]
    [InlineData("partial class Net : Other; [InputShape(3, 8, 8), ReLU] partial class Other;")]
    [InlineData("partial class Net; partial class Net : Base; class Base { public required int Depth { get; set; } public static int Load() => 1; }")]
    [InlineData("partial class Net; partial struct Net;")]
    [InlineData("partial class Net; partial record Net;")]
    [InlineData("partial class Net; class Net;")]
    [InlineData("partial record Net { public virtual bool Equals(Net? other) => true; protected virtual bool PrintMembers(System.Text.StringBuilder text) => true; public override int GetHashCode() => 1; }")]
    [InlineData("partial record EqualityContract;")]
    [InlineData("sealed partial record Net(int Load);")]
    [InlineData("partial class Net(int depth) { public Net() : this(1) { } int Depth => depth; }")]
    [InlineData("partial class Net { partial void Forward(int i); partial int Load(int i); public Net(int i) : this() { } }")]
    public async Task OddDeclarations_LeaveGeneratedCodeWithoutErrors(string declaration)
    {
        (_, ImmutableArray<Diagnostic> compilers) = await DiagnoseAsync("true", $"{Attributes} {declaration}");

        Assert.DoesNotContain(compilers, diagnostic => diagnostic.Location.SourceTree?.FilePath.EndsWith(".g.cs", StringComparison.Ordinal) == true);
    }

    [Theory]
    [InlineData("ref partial struct Outer")]
    [InlineData("readonly partial struct Outer")]
    [InlineData("partial record class Outer(int Depth)")]
    [InlineData("partial class Outer(int depth) : System.Exception(\"\" + depth)")]
    [InlineData("abstract partial class Outer")]
    [InlineData("partial interface Outer<T> where T : struct, System.IComparable<T>")]
    public async Task Containers_OfEveryKind_AreRight(string container)
    {
        (ImmutableArray<Diagnostic> ours, ImmutableArray<Diagnostic> compilers) = await DiagnoseAsync("true", $"public {container} {{ {Attributes} internal partial class Net; }}");

        Assert.Empty(ours);
        Assert.Empty(compilers);
    }

    /// <summary>Each network in a namespace of its own, all compiled at once.</summary>
    private static async Task AssertOneErrorAsync(IEnumerable<(string Source, string Called)> networks)
    {
        string[] sources = [.. networks.Select((network, i) => $"namespace N{i} {{ {network.Source} {Caller.Replace("CALLED", $"global::N{i}.{network.Called}", StringComparison.Ordinal)} }}")];
        (ImmutableArray<Diagnostic> ours, ImmutableArray<Diagnostic> compilers) = await DiagnoseAsync("true", sources);

        Assert.NotEmpty(sources);
        Assert.Empty(compilers);
        for (int i = 0; i < sources.Length; i++)
        {
            Diagnostic[] found = [.. ours.Where(diagnostic => diagnostic.Location.SourceTree!.FilePath == $"File{i}.cs")];
            Assert.True(found is [{ Id: "ECD0006", Severity: DiagnosticSeverity.Error }], $"{sources[i]}\n{string.Join('\n', found.AsEnumerable())}");
        }
    }

    /// <summary>What the analyzer says, and what the compiler says of the sources and the generated files together.</summary>
    private static async Task<(ImmutableArray<Diagnostic> Ours, ImmutableArray<Diagnostic> Compilers)> DiagnoseAsync(string? stepTimes, params string[] sources)
    {
        CSharpCompilation compilation = TestCompilation.Create(sources);
        CompilationWithAnalyzers analyzers = compilation.WithAnalyzers([new NetworkAnalyzer()], new AnalyzerOptions([], new ProjectProperties(stepTimes)));
        ImmutableArray<Diagnostic> ours = await analyzers.GetAnalyzerDiagnosticsAsync();
        Microsoft.CodeAnalysis.Compilation output = Generate(compilation, stepTimes);
        return ([.. ours.OrderBy(d => d.Location.SourceSpan.Start)], [.. output.GetDiagnostics().Where(d => d.Severity == DiagnosticSeverity.Error || d.Location.SourceTree?.FilePath.EndsWith(".g.cs", StringComparison.Ordinal) == true)]);
    }

    private static Microsoft.CodeAnalysis.Compilation Generate(CSharpCompilation compilation, string? stepTimes)
    {
        GeneratorDriver driver = CSharpGeneratorDriver.Create([new NetworkGenerator().AsSourceGenerator()], parseOptions: TestCompilation.ParseOptions, optionsProvider: new ProjectProperties(stepTimes));
        driver.RunGeneratorsAndUpdateCompilation(compilation, out Microsoft.CodeAnalysis.Compilation output, out ImmutableArray<Diagnostic> failures);
        Assert.Empty(failures);
        return output;
    }

    private static ImmutableArray<ISymbol> FindMembers()
    {
        Microsoft.CodeAnalysis.Compilation output = Generate(TestCompilation.Create($"{Attributes} public sealed partial class Net;"), "true");
        ImmutableArray<ISymbol> members = [.. output.GetTypeByMetadataName("Net")!.GetMembers().Where(member => !member.IsImplicitlyDeclared)];
        Assert.True(members.Length > 30, string.Join(", ", members.Select(member => member.Name)));
        return members;
    }

    /// <summary>The same as a private member, and as something else of that name.</summary>
    private static IEnumerable<string> Twins(ISymbol member)
    {
        yield return $"private class {member.Name};";
        yield return $"public event System.Action {member.Name} {{ add {{ }} remove {{ }} }}";
        yield return member switch
        {
            IMethodSymbol method => $"{(method.IsStatic ? "static " : string.Empty)}object {method.Name}({string.Join(", ", method.Parameters.Select(parameter => $"{parameter.Type.ToDisplayString(SymbolDisplayFormat.FullyQualifiedFormat)} {parameter.Name}"))}) => 1;",
            IPropertySymbol { IsStatic: true } property => $"public static {property.Type.ToDisplayString(SymbolDisplayFormat.FullyQualifiedFormat)} {property.Name} => default;",
            _ => $"internal readonly int {member.Name} = 1;",
        };
        if (member is IPropertySymbol)
            yield return $"private int {member.Name}(int i) => i;";
    }

    private static string TextOf(Diagnostic diagnostic) => diagnostic.Location.SourceTree!.GetText().ToString(diagnostic.Location.SourceSpan);
}
