using System.Globalization;
using System.Text;
using EfficientConv.Dsl.Compiler.Cost;
using EfficientConv.Dsl.Compiler.Declarations;
using EfficientConv.Dsl.Compiler.Emission;
using EfficientConv.Dsl.Compiler.Findings;
using EfficientConv.Dsl.Compiler.Folding;
using EfficientConv.Dsl.Compiler.Fusion;
using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Model;
using EfficientConv.Dsl.Compiler.Rules;
using EfficientConv.Dsl.Compiler.Scheduling;

namespace EfficientConv.Dsl.Compiler;

/// <summary>A file that the compiler wrote.</summary>
/// <param name="HintName">Its name.</param>
/// <param name="Content">Its C# text.</param>
public sealed record GeneratedSource(string HintName, CompactText Content)
{
    /// <summary>A file of a text.</summary>
    public GeneratedSource(string hintName, string text)
        : this(hintName, new CompactText(text))
    {
    }

    /// <summary>Its C# text as a string.</summary>
    public string Text => Content.ToString();
}

/// <summary>What became of a declaration.</summary>
/// <param name="Sources">The files.</param>
/// <param name="Findings">Rules broken.</param>
public sealed record CompilationResult(EquatableArray<GeneratedSource> Sources, EquatableArray<Finding> Findings);

/// <summary>The pipeline: attributes, layer graph, shapes and rules, cost, folding, fusion, schedule, C#.</summary>
public static class NetworkCompiler
{
    /// <summary>
    /// Longest name of a network in the names of its files, in bytes of UTF-8. With <c>EmitCompilerGeneratedFiles</c> a file's name may have 255 bytes on Unix; Windows' tools take paths of 259
    /// characters, of which MSBuild's folders need 105 and hash and ending 32, so this leaves some 70 for the project's own folder.
    /// </summary>
    private const int MostNameBytes = 48;

    /// <summary>Compiles <paramref name="declaration"/> for the project's <paramref name="settings"/>, unless it has its own; with an error, to members that throw it.</summary>
    public static CompilationResult Compile(NetworkDeclaration declaration, ScheduleSettings settings) => Compile(declaration, new CompilerOptions(settings));

    /// <summary>The same with <paramref name="options"/>.</summary>
    public static CompilationResult Compile(NetworkDeclaration declaration, CompilerOptions options) => Invariant(() => RunPasses(declaration, options));

    /// <summary>
    /// Compiles a graph that does not come from attributes, an imported one for example, to the members of <paramref name="type"/>. Its layers have origins of their own
    /// (<see cref="LayerOrigin.Of"/>), which findings name; with a finding no source is written.
    /// </summary>
    public static CompilationResult Compile(GeneratedType type, LayerGraph graph, CompilerOptions options) => Invariant(() =>
    {
        EquatableArray<Finding> findings = GraphCheck.Check(graph).ToEquatableArray();
        return findings.Count > 0 ? new CompilationResult([], findings) : Compile(type, graph, options, options.Settings ?? ScheduleSettings.Default);
    });

    /// <summary>Text must not depend on the machine's language: some cultures write another minus sign.</summary>
    private static T Invariant<T>(Func<T> work)
    {
        CultureInfo culture = CultureInfo.CurrentCulture;
        CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
        try
        {
            return work();
        }
        finally
        {
            CultureInfo.CurrentCulture = culture;
        }
    }

    /// <summary>The rules that <paramref name="declaration"/> breaks, in the order of its attributes.</summary>
    /// <param name="declaration">The declaration.</param>
    /// <param name="timesSteps">Whether the project's networks note when each step begins, and have a member that says so.</param>
    /// <param name="settings">The project's schedule.</param>
    public static EquatableArray<Finding> Check(NetworkDeclaration declaration, bool timesSteps = false, ScheduleSettings? settings = null) => Invariant(() =>
    {
        ExpansionResult expansion = Expansion.Expand(declaration);
        List<Finding> findings = [.. NetworkRules.Check(declaration, expansion)];
        if (declaration.Target.Count == 0)
            findings.AddRange(MemberRules.Check(declaration, MembersOf(declaration, expansion.Graph, timesSteps)));
        if (expansion.Graph is { } graph && NetworkAnalysis.IsHuge(graph) && NetworkAnalysis.TryOf(graph, ScheduleAttribute.Apply(declaration, settings ?? ScheduleSettings.Default)) is null)
            findings.Add(TooLarge(declaration, graph));
        return findings.OrderBy(finding => finding.AttributeIndex).ToEquatableArray();
    });

    /// <summary>What of <paramref name="overrides"/> names a layer of <paramref name="declaration"/> and does not fit it.</summary>
    public static EquatableArray<Finding> CheckSchedules(NetworkDeclaration declaration, ScheduleSettings settings, ScheduleOverrides overrides)
    {
        if (overrides.Entries.Count == 0 || Expansion.Expand(declaration).Graph is not { } graph)
            return [];
        return NetworkAnalysis.Of(graph, ScheduleAttribute.Apply(declaration, settings), overrides).Plans.SelectMany(p => p.Misfits).Select(m => new Finding(
            RuleCatalog.UnfitSchedule.Id, -1, null,
            $"{ScheduleOverrides.FileName} has {m.What} for \"{m.Layer}\" on {m.Isa} of \"{declaration.Name}\", which does not fit (the compiler's own choice is used instead)") { Severity = RuleCatalog.UnfitSchedule.Severity }).ToEquatableArray();
    }

    /// <summary>A plan's kernels as a class <paramref name="className"/> of their own, for tools that measure steps.</summary>
    public static string EmitKernels(string className, NetworkPlan plan) => KernelsEmitter.Emit(className, className, plan);

    private static CompilationResult RunPasses(NetworkDeclaration declaration, CompilerOptions options)
    {
        ExpansionResult expansion = Expansion.Expand(declaration);
        CompilationResult result = expansion.Graph is { } graph
            ? Compile(declaration, graph, options, ScheduleAttribute.Apply(declaration, options.Settings ?? ScheduleSettings.Default))
            : new CompilationResult([], expansion.Findings);
        return result.Sources.Count > 0 ? result : Invalid(declaration, MembersOf(declaration, expansion.Graph, options.TimesSteps), result.Findings);
    }

    /// <summary>The passes after the expansion.</summary>
    private static CompilationResult Compile(GeneratedType type, LayerGraph graph, CompilerOptions options, ScheduleSettings settings)
    {
        string className = MangledName(type);
        if (MemberRules.Check(type, GeneratedMembers.Of(type, graph, className, graph.Image is not null, options.TimesSteps)).ToEquatableArray() is { Count: > 0 } clashes)
            return new CompilationResult([], clashes);
        if (NetworkAnalysis.TryOf(graph, settings, options.Overrides) is not { } analysis)
            return new CompilationResult([], EquatableArray.Of(TooLarge(type, graph)));

        EquatableArray<ParameterTensor> parameters = ParameterTable.Of(graph);
        FoldedConvolutions convolutions = new(className, analysis.Plans);
        List<GeneratedSource> sources = [new GeneratedSource(className + ".g.cs", MembersEmitter.Emit(type, className, graph, analysis.Cost, parameters, analysis.Plans, convolutions, options.TimesSteps))];
        foreach (NetworkPlan plan in analysis.Plans)
            sources.Add(new GeneratedSource($"{className}.{plan.Target.Name}.g.cs", KernelsEmitter.Emit(type.FullName, className, plan, convolutions, options.TimesSteps)));
        return new CompilationResult(sources.ToEquatableArray(), []);
    }

    private static IReadOnlyList<GeneratedMember> MembersOf(NetworkDeclaration declaration, LayerGraph? graph, bool timesSteps) =>
        GeneratedMembers.Of(declaration, graph, MangledName(declaration), declaration.Attributes.Any(attribute => attribute.Kind == ImageInput.Kind), timesSteps);

    private static Finding TooLarge(GeneratedType type, LayerGraph graph) => new(
        RuleCatalog.InvalidValue.Id, graph.Layers[0].Origin.AttributeIndex, null,
        $"\"{type.Name}\" needs more than {int.MaxValue} floats of weights or of workspace (offsets must be 32-bit integers)");

    /// <summary>Members that throw the first finding; nothing for a class that cannot be extended, whose own error says why.</summary>
    private static CompilationResult Invalid(NetworkDeclaration declaration, IEnumerable<GeneratedMember> members, EquatableArray<Finding> findings) => new(
        declaration.Target.Count == 0
            ? EquatableArray.Of(new GeneratedSource(MangledName(declaration) + ".g.cs", MembersEmitter.EmitInvalid(declaration, members, $"{findings[0].RuleId}: {findings[0].Message}")))
            : [],
        findings);

    /// <summary>
    /// The full name as one identifier. A hash (FNV-1a, 32 bits) keeps names apart that differ only in case or in what an identifier cannot hold:
    /// file names of a compilation must differ in more than case. Of a long name only the end is kept, where the class's own name is, and a hash of 64 bits keeps it apart.
    /// </summary>
    private static string MangledName(GeneratedType type)
    {
        string fullName = type.FullName;
        uint hash = 2166136261;
        StringBuilder name = new();
        if (type.Keyword != "class")
            fullName += " " + type.Keyword; // A class and a record of one name are an error of the compiler's, whose files must differ nonetheless.
        foreach (char c in fullName)
        {
            hash = unchecked((hash ^ c) * 16777619);
            name.Append(char.IsLetterOrDigit(c) ? c : '_');
        }

        if (Encoding.UTF8.GetByteCount(name.ToString()) <= MostNameBytes)
            return FormattableString.Invariant($"{name}_{hash:x8}");
        while (Encoding.UTF8.GetByteCount(name.ToString()) >= MostNameBytes)
        {
            // Part after part from the front, and of the class's own name letter after letter.
            int part = name.ToString().IndexOf('_') + 1;
            name.Remove(0, part > 0 && part < name.Length ? part : 1);
        }

        return FormattableString.Invariant($"{(char.IsLetter(name[0]) ? string.Empty : "_")}{name}_{KernelsEmitter.Hash(fullName):x16}");
    }
}
