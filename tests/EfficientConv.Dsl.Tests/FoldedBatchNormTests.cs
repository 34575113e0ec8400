using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Tests.Harness;
using EfficientConv.Dsl.Tests.RandomNetworks;

namespace EfficientConv.Dsl.Tests;

/// <summary>Networks whose blocks have biases in place of batch norms, as exporters fold them.</summary>
public sealed class FoldedBatchNormTests
{
    private const string Blocks =
        "[InvertedResidual(12, expansion: 3, squeezeReduction: 4)] [DepthwiseSeparable(20, stride: 2)] [ResNetBottleneck(8)] [ShuffleUnitV2(32)] [FusedMBConv(24)] [GhostBottleneck(48, 24)] [NonBottleneck1D] [Bottleneck(8, 24)]";

    private static readonly Lazy<NetworkBatch> s_batch = new(() => NetworkBatch.Compile([("Plain", $"[InputShape(12, 15, 14)] {Blocks}"), ("Folded", $"[InputShape(12, 15, 14, FoldedBatchNorm = true)] {Blocks}")]));

    /// <summary>The blocks of every random network: the same layers under the same keys, without the batch norms after convolutions, which have biases then.</summary>
    [Fact]
    public void Blocks_HaveBiasesInPlaceOfBatchNorms()
    {
        int folded = 0;
        foreach (string text in NetworkGen.Configurations)
        {
            LayerGraph plain = DeclarationText.Graph(text), other = DeclarationText.Graph(Folded(text));
            HashSet<int> norms = [.. plain.Layers.Where(layer => layer.Operator is BatchNormOperator && layer.Origin.Role.Length > 0 && plain.Layers[layer.Inputs[0]].Operator is ConvolutionOperator).Select(layer => layer.Id)];
            HashSet<int> convolutions = [.. norms.Select(norm => plain.Layers[norm].Inputs[0])];
            folded += norms.Count;
            Assert.Equal(
                plain.Layers.Where(layer => !norms.Contains(layer.Id)).Select(layer => (layer.Name, layer.Output, convolutions.Contains(layer.Id) ? ((ConvolutionOperator)layer.Operator) with { Bias = true } : layer.Operator)),
                other.Layers.Select(layer => (layer.Name, layer.Output, layer.Operator)));
        }

        Assert.InRange(folded, 500, int.MaxValue);
    }

    /// <summary>A checkpoint that is folded by the formula of <c>fuse_conv_bn_eval</c> computes what the one with batch norms does.</summary>
    [Fact]
    public void FoldedCheckpoint_ComputesTheSame()
    {
        NetworkFactory plain = s_batch.Value["Plain"], folded = s_batch.Value["Folded"];
        IReadOnlyList<(string Name, int[] Shape, float[] Values)> weights = RandomValues.Weights(plain.Parameters, 5);
        float[] image = RandomValues.Image(plain.InputShape.ElementCount, 5);
        float[] expected = plain.Load(RandomValues.Safetensors(weights), new LoadOptions()).Run(image, 1, plain.OutputShape);
        LayerGraph graph = DeclarationText.Graph($"[InputShape(12, 15, 14)] {Blocks}");
        Dictionary<string, float[]> values = weights.ToDictionary(tensor => tensor.Name, tensor => tensor.Values);
        foreach (Layer norm in graph.Layers.Where(layer => layer.Operator is BatchNormOperator))
            Fold((ConvolutionOperator)graph.Layers[norm.Inputs[0]].Operator, (BatchNormOperator)norm.Operator, values);
        Assert.DoesNotContain(folded.Parameters, tensor => tensor.Key.EndsWith("running_mean", StringComparison.Ordinal));
        float[] output = folded.Load(RandomValues.Safetensors(folded.Parameters.Select(tensor => (tensor.Key, tensor.Shape, values[tensor.Key]))), new LoadOptions()).Run(image, 1, folded.OutputShape);
        Numbers.AssertClose([.. expected.Select(value => (double)value)], output, 1e-5, () => Blocks);
    }

    /// <summary>A checkpoint of the other form says which argument makes the network its own.</summary>
    [Theory]
    [InlineData("Plain", "Folded", "FoldedBatchNorm = true")]
    [InlineData("Folded", "Plain", "has batch norms that the network does not have")]
    public void CheckpointOfTheOtherForm_IsHintedAt(string network, string checkpoint, string hint)
    {
        byte[] file = RandomValues.Safetensors(RandomValues.Weights(s_batch.Value[checkpoint].Parameters, 5));
        Assert.Contains(hint, Assert.Throws<WeightsException>(() => s_batch.Value[network].Load(file, new LoadOptions())).Hint, StringComparison.Ordinal);
    }

    private static void Fold(ConvolutionOperator convolution, BatchNormOperator norm, Dictionary<string, float[]> values)
    {
        (string weight, string bias) = (convolution.Key.Key + ".weight", convolution.Key.Key + ".bias");
        float[] Norm(string name) => values[$"{norm.Key.Key}.{name}"];
        double[] factors = [.. Norm("weight").Zip(Norm("running_var"), (gamma, variance) => gamma / Math.Sqrt(variance + norm.Epsilon))];
        int own = values[weight].Length / factors.Length;
        float[] before = values.GetValueOrDefault(bias, new float[factors.Length]);
        values[bias] = [.. factors.Select((factor, o) => (float)(((before[o] - Norm("running_mean")[o]) * factor) + Norm("bias")[o]))];
        values[weight] = [.. values[weight].Select((value, i) => (float)(value * factors[i / own]))];
    }

    private static string Folded(string text) => text.Insert(text.IndexOf(')', text.IndexOf("InputShape(", StringComparison.Ordinal)), ", FoldedBatchNorm = true");
}
