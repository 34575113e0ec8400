using EfficientConv.Dsl.Compiler;
using EfficientConv.Dsl.Compiler.Findings;
using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Generators.Tests.Fuzzing;
using EfficientConv.Dsl.Tests.Harness;
using EfficientConv.Dsl.Tests.Reference;

namespace EfficientConv.Dsl.Tests;

/// <summary>Declarations of any attributes with any values: those in which no error is found compute what the naive reference computes.</summary>
[Trait("Duration", "long")]
public sealed class FuzzedDeclarationTests
{
    private const int Networks = 200;

    private static readonly Lazy<NetworkBatch> s_batch = new(() =>
    {
        DeclarationFuzzer fuzzer = new(77, 0.02);
        const string End = " public sealed partial class ";
        return NetworkBatch.Compile(Enumerable.Range(0, Networks).Select(i => ($"Fuzzed{i}", fuzzer.Network("X") is var text ? text[..text.IndexOf(End, StringComparison.Ordinal)] : text)));
    });

    [Fact]
    public void DeclarationsWithoutError_AgreeWithTheNaiveReference()
    {
        NetworkBatch batch = s_batch.Value;
        int compared = 0;
        foreach ((string name, Compiler.Declarations.NetworkDeclaration declaration) in batch.Declarations)
        {
            if (NetworkCompiler.Check(declaration).Any(finding => finding.Severity == RuleSeverity.Error && finding.RuleId != RuleCatalog.BudgetExceeded.Id))
                continue;
            LayerGraph graph = Expansion.Expand(declaration).Graph!;
            if (graph.Layers.Sum(layer => layer.Output.Count) > 200_000)
                continue;
            NetworkFactory factory = batch[name];
            IReadOnlyList<(string Name, int[] Shape, float[] Values)> weights = RandomValues.Weights(factory.Parameters, 3);
            float[] image = RandomValues.Image(factory.InputShape.ElementCount, 3);

            float[] output = factory.Load(RandomValues.Safetensors(weights), new LoadOptions { InstructionSet = Numbers.Sets[0] }).Run(image, 1, factory.OutputShape);

            Numbers.AssertClose(new NaiveNetwork(graph, weights).Run(image), output, 5e-5, () => $"{name}: {string.Join(", ", declaration.Attributes.Select(attribute => attribute.Kind))}");
            compared++;
        }

        Assert.InRange(compared, 60, Networks);
    }
}
