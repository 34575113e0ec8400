using EfficientConv.Dsl.Compiler;
using EfficientConv.Dsl.Compiler.Findings;
using EfficientConv.Dsl.Compiler.Folding;
using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Tests.Harness;
using EfficientConv.Dsl.Tests.RandomNetworks;

namespace EfficientConv.Dsl.Tests;

/// <summary>Random networks, compiled in one batch, against the naive reference in double precision.</summary>
[Trait("Duration", "long")]
public sealed class RandomConfigurationTests
{
    public static TheoryData<int, string> Configurations => RandomCase.Theory;

    [Theory]
    [MemberData(nameof(Configurations))]
    public void Output_AgreesWithNaiveReference(int index, string declaration)
    {
        RandomCase item = RandomCase.All[index];
        Assert.Equal(declaration, item.Declaration);
        double tolerance = item.Graph.Layers.Count > 8 ? 2e-5 : 1e-5;
        Numbers.AssertClose(item.Reference(item.Input), item.Output, tolerance, () => item.Describe("naive reference"));
    }

    /// <summary>
    /// A NaN at one place comes out where the reference has it and nowhere else: not at other pixels, other images or from lanes of padding. Winograd's algorithm alone spreads it over
    /// the tile of outputs.
    /// </summary>
    [Theory]
    [MemberData(nameof(Configurations))]
    public void NaNInput_SpreadsAsInReference(int index, string declaration)
    {
        RandomCase item = RandomCase.All[index];
        Assert.Equal(declaration, item.Declaration);
        float[] input = item.Input;
        input[(index * 7919) % (input.Length / RandomCase.Images)] = float.NaN;
        double[] expected = item.Reference(input);
        bool spreads = OperatorFolding.Fold(item.Graph).Stages.OfType<ConvolutionStage>().Any(stage => stage.Winograd is not null);
        int image = expected.Length / RandomCase.Images;
        foreach (InstructionSet set in Numbers.Sets)
        {
            float[] output = item.Load(set).Run(input, RandomCase.Images, item.Factory.OutputShape);
            double[] allowed = [.. expected.Select((value, i) => spreads && i < image && float.IsNaN(output[i]) ? double.NaN : value)];
            Numbers.AssertClose(allowed, output, 2e-5, () => item.Describe($"{set}, one NaN"));
        }
    }

    [Fact]
    public void Configurations_CoverEveryOperatorAndAreMany()
    {
        Assert.InRange(RandomCase.All.Count, 400, 700);
        HashSet<Type> operators = [.. RandomCase.All.SelectMany(c => c.Graph.Layers).Select(l => l.Operator.GetType())];
        Assert.Equal(typeof(Operator).Assembly.GetTypes().Where(t => t.IsSubclassOf(typeof(Operator)) && !t.IsAbstract).ToHashSet(), operators);
        Assert.All(RandomCase.All, c => Assert.DoesNotContain(NetworkCompiler.Check(RandomCase.Batch.Declarations[c.Name]), f => f.Severity == RuleSeverity.Error));
    }

    /// <summary>The harness reads text by itself to be quick; the generator must read the same.</summary>
    [Fact]
    public void Declarations_AreReadByTheGeneratorAsByTheHarness() =>
        Assert.All(RandomCase.All, c => Assert.Equal(c.Graph, Expansion.Expand(RandomCase.Batch.Declarations[c.Name]).Graph));
}
