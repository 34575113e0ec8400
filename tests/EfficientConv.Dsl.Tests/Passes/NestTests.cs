using System.Reflection;
using EfficientConv.Dsl.Compiler.Folding;
using EfficientConv.Dsl.Compiler.Fusion;
using EfficientConv.Dsl.Compiler.Model;
using EfficientConv.Dsl.Compiler.Prediction;
using EfficientConv.Dsl.Compiler.Scheduling;
using EfficientConv.Dsl.Compiler.Scheduling.Nests;
using EfficientConv.Dsl.Compiler.Targets;
using EfficientConv.Dsl.Tests.Harness;
using EfficientConv.Dsl.Tests.RandomNetworks;
using Barrier = EfficientConv.Dsl.Compiler.Scheduling.Nests.Barrier;
using Parallel = EfficientConv.Dsl.Compiler.Scheduling.Nests.Parallel;

namespace EfficientConv.Dsl.Tests.Passes;

/// <summary>What holds for every loop nest, whatever made it.</summary>
public sealed class NestTests
{
    private static readonly Lazy<(string Text, NetworkPlan Plan)[]> s_plans = new(() =>
        [.. RandomCase.All.Take(200).SelectMany(c => VectorTarget.All.Select(target => (c.Declaration, Plan(c.Declaration, target))))]);

    private static readonly string[] s_given = ["input", "residual", "output", "weights", "scratch", "next"];

    /// <summary>A nest is text that compiles: it names nothing before it is declared, and nothing twice where both can be seen.</summary>
    [Fact]
    public void Names_AreDeclaredOnceAndBeforeTheyAreUsed() => Assert.All(s_plans.Value, item => Assert.All(item.Plan.Nests, nest =>
    {
        HashSet<string> known = [.. s_given];
        Visit(nest.Body, known);

        void Visit(IEnumerable<Nest> nests, HashSet<string> outer)
        {
            HashSet<string> scope = [.. outer];
            foreach (Nest node in nests)
            {
                string[] declared = Declared(node);
                HashSet<string> inside = [.. scope, .. declared];
                Assert.All(declared, name => Assert.True(!scope.Contains(name), $"{item.Text}, {nest.Title}: {name} is declared twice"));
                Assert.All(Used(node).Where(name => !inside.Contains(name)), name => Assert.Fail($"{item.Text}, {nest.Title}: {name} is used in {node} before it is declared"));
                foreach (EquatableArray<Nest> body in Bodies(node))
                    Visit(body, inside);
                if (node is not (For or Parallel))
                    scope.UnionWith(declared);
            }
        }
    }));

    /// <summary>Every thread reaches as many barriers: none stands in a loop that threads share, or under a condition on the thread.</summary>
    [Fact]
    public void Barriers_AreReachedByAllThreads() => Assert.All(s_plans.Value, item => Assert.All(item.Plan.Nests.SelectMany(nest => nest.Nodes), node =>
    {
        bool parts = node is Parallel || (node is For loop && (DependsOnPart(loop.From) || DependsOnPart(loop.To))) || (node is If { When: Comparison { Left: PartProperty { Name: "Index" } } });
        if (parts)
            Assert.DoesNotContain(node.Inner.SelectMany(inner => inner.Flatten()), inner => inner is Barrier);
    }));

    /// <summary>Rewriting with no change changes nothing, and equal nests are equal by value.</summary>
    [Fact]
    public void Rewrite_ReachesEveryLeafAndKeepsTheRest() => Assert.All(s_plans.Value.Take(60).SelectMany(item => item.Plan.Nests), nest =>
    {
        int leaves = 0;
        LoopNest same = nest.Rewrite(node =>
        {
            leaves++;
            return node with { };
        });
        Assert.Equal(nest, same);
        Assert.Equal(nest.Nodes.Count(node => Bodies(node).Length == 0), leaves);
    });

    /// <summary>The sum of multiply-adds of the calls is that of the layers or a little more: lanes and rows that are computed and not needed.</summary>
    [Fact]
    public void Calls_AreCountedAsOftenAsTheyRun()
    {
        const string Text = "[InputShape(24, 56, 56)] [InvertedResidual(expansion: 4)] [PointwiseConv2d(64)] [Conv2d(32, padding: 1, Algorithm = ConvAlgorithm.Direct)]";
        Assert.All(VectorTarget.All, target =>
        {
            NetworkPlan plan = Plan(Text, target);
            Assert.All(plan.Steps, step =>
            {
                NestWork work = new(target);
                work.Add(step.Nest.Body, 1);
                double ideal = TimeModel.Work(DeclarationText.Graph(Text), plan, step).MultiplyAdds / (double)target.MultiplyAddsPerCycle;
                Assert.InRange(work.Kernels, ideal, (3 * ideal) + (step.Nest.IsRuntime ? 0 : 1));
            });
        });
    }

    private static NetworkPlan Plan(string text, VectorTarget target)
    {
        StageGraph stages = OperatorFolding.Fold(DeclarationText.Graph(text));
        return Scheduler.Plan(stages, StageFusion.Fuse(stages), target, ScheduleSettings.Default);
    }

    private static bool DependsOnPart(Scalar scalar) => scalar switch
    {
        PartBound or PartProperty { Name: "Index" } => true,
        Computed c => DependsOnPart(c.Left) || DependsOnPart(c.Right),
        Extreme e => DependsOnPart(e.Left) || DependsOnPart(e.Right),
        _ => false,
    };

    private static EquatableArray<Nest>[] Bodies(Nest node) => node switch
    {
        For n => [n.Body],
        Parallel n => [n.Body],
        FillRing n => [n.Body],
        If n => [n.Then, n.Else],
        _ => [],
    };

    private static string[] Declared(Nest node) => node switch
    {
        DefineConstant n => [n.Name.Name],
        Define n => [.. n.Definitions.Select(definition => definition.Name.Name)],
        DefineTables n => [.. n.Tables.Select(table => table.Name)],
        Bind n => [n.Name.Name],
        Split n => [n.First.Name, n.Count.Name],
        PlaceWindow n => [n.Window.First.Name, n.Window.From.Name, n.Window.To.Name],
        For n => [n.Index.Name],
        Parallel n => [n.Index.Name],
        _ => [],
    };

    /// <summary>Names of the variables and places in memory that a node itself has, without those of what is inside it.</summary>
    private static IEnumerable<string> Used(object? part) => part switch
    {
        // What a kernel does not read is not printed.
        Call n => new object?[] { n.Input, n.Output, n.Weights, n.Bias, n.Temporary, n.Rows, n.Count }.SelectMany(Used)
            .Concat(n.Kernel is SumKernel { Epilogue.AddsResidual: true } ? Used(n.Residual) : [])
            .Concat(n.Kernel.PrefetchOf(Prefetched.Given) is null ? [] : Used(n.Given)).Concat(n.Kernel.PrefetchOf(Prefetched.GateWeights) is null ? [] : Used(n.GateWeights)),
        Variable n => [n.Name],
        Storage n => [n.Name],
        Table n => [n.Name],
        null or string or TensorView or RowSource or VerticalAxis or Kernel or Effort or RuntimeFunction => [],
        EquatableArray<Nest> => [],
        System.Collections.IEnumerable items => items.Cast<object>().SelectMany(Used),
        Nest or Operand or Condition or WindowRows or Definition => part.GetType().GetProperties(BindingFlags.Public | BindingFlags.Instance)
            .Where(property => property.GetIndexParameters().Length == 0 && property.Name is not (nameof(Nest.Inner) or "EqualityContract")).SelectMany(property => Used(property.GetValue(part))),
        _ => [],
    };
}
