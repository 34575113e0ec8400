using System.Reflection;
using EfficientConv.Dsl.Compiler.Graph;
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
        ("Unparameterized", """
            [InputShape(12, 9, 8)]
            [DepthwiseConv2d(3, stride: 1, padding: 1), BatchNorm, HardSwish, PointwiseConv2d(20, bias: false), BatchNorm, Conv2d(20, kernelSize: 3, padding: 2, dilation: 2, groups: 2), ReLU]
            [DepthwiseConv2d(5, stride: 2, padding: 2), BatchNorm, HardSwish, PointwiseConv2d(24, bias: false), BatchNorm, Conv2d(24, kernelSize: 5, padding: 4, dilation: 2, groups: 4), ReLU]
            [DepthwiseConv2d(5, stride: 2, padding: 2), BatchNorm, HardSwish, PointwiseConv2d(24, bias: false), BatchNorm, Conv2d(24, kernelSize: 5, padding: 4, dilation: 2, groups: 4), ReLU]
            """),
        ("Parameterized", """
            [DepthwiseConv2d(Template.KernelSize, stride: Template.Stride, padding: Template.Padding), BatchNorm, HardSwish, Use<Wide>(outChannels: Template.OutChannels)]
            [Conv2d(kernelSize: Template.KernelSize, padding: Template.HiddenChannels, dilation: Template.Dilation, groups: Template.Groups), ReLU] internal sealed class Family;
            [PointwiseConv2d(Template.OutChannels, bias: false), BatchNorm] internal sealed class Wide;
            [InputShape(12, 9, 8)]
            [Use<Family>(outChannels: 20, kernelSize: 3, stride: 1, padding: 1, hiddenChannels: 2, dilation: 2, groups: 2)]
            [Use<Family>(2, outChannels: 24, kernelSize: 5, stride: 2, padding: 2, hiddenChannels: 4, dilation: 2, groups: 4)]
            """),
        ("TwoHeads", """[InputShape(4, 6, 6)] [Conv2d(8, padding: 1), Output("p3"), Conv2d(3, stride: 2), Output("half-size"), From("input")]"""),
    ]));

    [Theory]
    [InlineData("Written", "Used")]
    [InlineData("Unparameterized", "Parameterized")]
    public void Use_IsTheTemplateWrittenOut(string writtenOut, string placed)
    {
        NetworkFactory written = s_batch.Value[writtenOut], used = s_batch.Value[placed];
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

    /// <summary>The constants of the runtime library are those that the compiler knows, by the same names, and <c>Use</c> has an argument for each.</summary>
    [Fact]
    public void Parameters_AreTheConstantsOfTemplate()
    {
        Dictionary<string, int> constants = typeof(Template).GetFields().ToDictionary(field => field.Name, field => (int)field.GetRawConstantValue()!);
        Assert.Equal(TemplateParameters.Names.ToDictionary(name => TemplateParameters.Text(name)["Template.".Length..], TemplateParameters.Constant), constants);
        Assert.Equal(["repeat", .. TemplateParameters.Names], typeof(UseAttribute<>).GetConstructors().Single().GetParameters().Select(parameter => parameter.Name!));
        Assert.All(constants, constant => Assert.Equal(constant.Key, TemplateParameters.Text(TemplateParameters.Find(constant.Value)!)["Template.".Length..]));
        Assert.Null(TemplateParameters.Find(Channels.Unset));
        Assert.Null(TemplateParameters.Find(Channels.Unset + TemplateParameters.Names.Count + 1));
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
