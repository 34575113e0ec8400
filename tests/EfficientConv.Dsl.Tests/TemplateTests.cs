using System.Reflection;
using EfficientConv.Dsl.Tests.Harness;

namespace EfficientConv.Dsl.Tests;

/// <summary>Classes placed in others, and networks of several outputs, as the generator reads and compiles them.</summary>
public sealed class TemplateTests
{
    private const string Templates = """
        [Conv2d(12, padding: 1, bias: false, Name = "a"), BatchNorm, ReLU, Conv2d(12, padding: 1, bias: false), BatchNorm, Add("input"), ReLU] internal sealed class Residual;
        [Use<Residual>(2), PointwiseConv2d(12, Name = "a"), Add("input")] internal sealed class Stage;
        [InputShape(3, 4, 4), InvertedResidual] internal sealed partial class Single;
        """;

    private static readonly Lazy<NetworkBatch> s_batch = new(() => NetworkBatch.Compile(
    [
        ("Written", """
            [InputShape(12, 9, 8)] [ReLU(Name = "i")]
            [Conv2d(12, padding: 1, bias: false), BatchNorm, ReLU, Conv2d(12, padding: 1, bias: false), BatchNorm, Add("i"), ReLU(Name = "r")]
            [Conv2d(12, padding: 1, bias: false), BatchNorm, ReLU, Conv2d(12, padding: 1, bias: false), BatchNorm, Add("r"), ReLU]
            [PointwiseConv2d(12), Add("i")] [InvertedResidual] [InvertedResidual] [InvertedResidual]
            """),
        ("Used", Templates + "[InputShape(12, 9, 8)] [ReLU, Use<Stage>, Use<Single>(2), Use<Single>(Name = \"last\")]"),
        ("TwoHeads", """[InputShape(4, 6, 6)] [Conv2d(8, padding: 1), Output("p3"), Conv2d(3, stride: 2), Output("half-size"), From("input")]"""),
    ]));

    [Fact]
    public void Use_IsTheTemplateWrittenOut()
    {
        NetworkFactory written = s_batch.Value["Written"], used = s_batch.Value["Used"];
        Assert.Equal(written.Parameters.Select(p => string.Join('x', p.Shape)), used.Parameters.Select(p => string.Join('x', p.Shape)));
        IReadOnlyList<(string Name, int[] Shape, float[] Values)> weights = RandomValues.Weights(written.Parameters, 3);
        IEnumerable<(string Name, int[] Shape, float[] Values)> renamed = weights.Zip(used.Parameters, (tensor, spec) => (spec.Key, tensor.Shape, tensor.Values));
        float[] image = RandomValues.Image(written.InputShape.ElementCount, 3);
        Numbers.AssertSameBits(
            written.Load(RandomValues.Safetensors(weights), new LoadOptions()).Run(image, 1, written.OutputShape),
            used.Load(RandomValues.Safetensors(renamed), new LoadOptions()).Run(image, 1, used.OutputShape), () => "written out and used");
    }

    /// <summary>Sequential inside Sequential; one copy adds no index, a class of one module is that module.</summary>
    [Fact]
    public void Use_KeysAreThoseOfNestedSequentials()
    {
        string[] keys = [.. s_batch.Value["Used"].Parameters.Select(p => p.Key)];
        Assert.Equal(["1.0.0.0.weight", "1.0.0.1.weight"], keys.Take(2));
        Assert.Contains("1.0.1.4.running_var", keys);
        Assert.Contains("1.1.bias", keys);
        Assert.Contains("2.0.block.0.weight", keys);
        Assert.Contains("2.1.block.7.bias", keys);
        Assert.Contains("3.block.0.weight", keys);
        Assert.Contains("last.expand.weight", s_batch.Value["Used"].Parameters.Select(p => p.CanonicalKey));
        Assert.Contains("1.0.1.a.weight", s_batch.Value["Used"].Parameters.Select(p => p.CanonicalKey));
        Assert.Equal(keys.Length, keys.Distinct().Count());
    }

    [Fact]
    public void Outputs_TellShapesAndRanges()
    {
        Type type = NetworkBatch.FindType(s_batch.Value.Assembly, "TwoHeads");
        OutputTensor p3 = (OutputTensor)type.GetProperty("P3Output", BindingFlags.Static | BindingFlags.Public)!.GetValue(null)!;
        OutputTensor half = (OutputTensor)type.GetProperty("HalfSizeOutput", BindingFlags.Static | BindingFlags.Public)!.GetValue(null)!;
        OutputTensor last = (OutputTensor)type.GetProperty("OutputOutput", BindingFlags.Static | BindingFlags.Public)!.GetValue(null)!;
        Assert.Equal(new OutputTensor("p3", new TensorShape(8, 6, 6), 0), p3);
        Assert.Equal(new OutputTensor("half-size", new TensorShape(3, 2, 2), 288), half);
        Assert.Equal(new OutputTensor("output", new TensorShape(4, 6, 6), 300), last);
        Assert.Equal(288..300, half.Range);
        NetworkFactory factory = s_batch.Value["TwoHeads"];
        Assert.Equal(new TensorShape(444, 1, 1), factory.OutputShape);

        float[] image = RandomValues.Image(factory.InputShape.ElementCount, 4);
        float[] output = factory.CreateRandom(1, new LoadOptions()).Run(image, 1, factory.OutputShape);
        Assert.Equal(image, output[last.Range]);
    }
}
