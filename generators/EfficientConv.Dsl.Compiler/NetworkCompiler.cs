using System.Globalization;
using System.Text;
using EfficientConv.Dsl.Compiler.Cost;
using EfficientConv.Dsl.Compiler.Declarations;
using EfficientConv.Dsl.Compiler.Emission;
using EfficientConv.Dsl.Compiler.Folding;
using EfficientConv.Dsl.Compiler.Fusion;
using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Model;
using EfficientConv.Dsl.Compiler.Rules;
using EfficientConv.Dsl.Compiler.Scheduling;

namespace EfficientConv.Dsl.Compiler;

/// <summary>A file that the compiler wrote.</summary>
/// <param name="HintName">Its name.</param>
/// <param name="Text">Its C# text.</param>
public sealed record GeneratedSource(string HintName, string Text);

/// <summary>What became of a declaration.</summary>
/// <param name="Sources">The files.</param>
/// <param name="Findings">Rules broken.</param>
public sealed record CompilationResult(EquatableArray<GeneratedSource> Sources, EquatableArray<Finding> Findings);

/// <summary>The pipeline: attributes, layer graph, shapes and rules, cost, folding, fusion, schedule, C#.</summary>
public static class NetworkCompiler
{
    /// <summary>Compiles <paramref name="declaration"/>; with an error, to members that throw it.</summary>
    public static CompilationResult Compile(NetworkDeclaration declaration)
    {
        // Text must not depend on the machine's language: some cultures write another minus sign.
        CultureInfo culture = CultureInfo.CurrentCulture;
        CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
        try
        {
            return RunPasses(declaration);
        }
        finally
        {
            CultureInfo.CurrentCulture = culture;
        }
    }

    /// <summary>The rules that <paramref name="declaration"/> breaks.</summary>
    public static EquatableArray<Finding> Check(NetworkDeclaration declaration) => NetworkRules.Check(declaration, Expansion.Expand(declaration));

    private static CompilationResult RunPasses(NetworkDeclaration declaration)
    {
        string className = MangledName(declaration);
        ExpansionResult expansion = Expansion.Expand(declaration);
        if (expansion.Graph is not { } graph)
        {
            // A class that cannot be extended gets nothing: its own error says why.
            bool extendable = declaration.Target.Count == 0;
            EquatableArray<GeneratedSource> members = extendable
                ? EquatableArray.Of(new GeneratedSource(className + ".g.cs", MembersEmitter.EmitInvalid(declaration, $"{expansion.Findings[0].RuleId}: {expansion.Findings[0].Message}")))
                : [];
            return new CompilationResult(members, expansion.Findings);
        }

        StageGraph stages = OperatorFolding.Fold(graph);
        NetworkCost cost = NetworkCostModel.Measure(graph, stages);
        EquatableArray<StageGroup> groups = StageFusion.Fuse(stages);
        NetworkPlan[] plans = VectorTarget.All.Select(target => Scheduler.Plan(stages, groups, target)).ToArray();
        EquatableArray<ParameterTensor> parameters = ParameterTable.Of(graph);

        List<GeneratedSource> sources = [new GeneratedSource(className + ".g.cs", MembersEmitter.Emit(declaration, className, graph, cost, parameters, plans))];
        foreach (NetworkPlan plan in plans)
            sources.Add(new GeneratedSource($"{className}.{plan.Target.Name}.g.cs", KernelsEmitter.Emit(declaration.FullName, className, plan)));
        return new CompilationResult(sources.ToEquatableArray(), expansion.Findings);
    }

    /// <summary>
    /// The full name as one identifier. A hash (FNV-1a, 32 bits) keeps names apart that differ only in case or in what an identifier cannot hold:
    /// file names of a compilation must differ in more than case.
    /// </summary>
    private static string MangledName(NetworkDeclaration declaration)
    {
        string fullName = declaration.FullName;
        uint hash = 2166136261;
        StringBuilder name = new();
        foreach (char c in fullName)
        {
            hash = unchecked((hash ^ c) * 16777619);
            name.Append(char.IsLetterOrDigit(c) ? c : '_');
        }

        return FormattableString.Invariant($"{name}_{hash:x8}");
    }
}
