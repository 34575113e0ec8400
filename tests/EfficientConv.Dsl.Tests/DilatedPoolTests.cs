using EfficientConv.Dsl.Tests.Harness;
using EfficientConv.Dsl.Tests.Reference;

namespace EfficientConv.Dsl.Tests;

/// <summary>
/// Pooling with dilation and TensorFlow's padding, which is that of the effective kernel <c>(kernel - 1) * dilation + 1</c> and may be more than half of the kernel, and what of it counts in a mean.
/// </summary>
public sealed class DilatedPoolTests
{
    private static readonly string[] s_kernels =
        ["kernelSize: 3, stride: 1", "kernelSize: 3, stride: 2", "kernelSize: 4, stride: 3", "KernelHeight = 3, KernelWidth = 2, StrideHeight = 1, StrideWidth = 2"];

    private static readonly string[] s_dilations = ["DilationHeight = 2, DilationWidth = 3", "DilationHeight = 5, DilationWidth = 2"];

    private static readonly string[] s_networks =
    [
        .. from kernel in s_kernels
           from dilation in s_dilations
           from rest in new[] { "AutoPad = AutoPad.SameUpper", "PaddingTop = 1, PaddingLeft = 1" }
           from pool in new[] { "MaxPool2d(", "AvgPool2d(", "AvgPool2d(countIncludePad: false, ", "AvgPool2d(ceilMode: true, ", "MaxPool2d(ceilMode: true, " }
           where rest[0] == 'P' || !pool.Contains("ceil", StringComparison.Ordinal)
           select $"[InputShape(5, 17, 19)] [{pool}{kernel}, {dilation}, {rest})]",
        "[InputShape(5, 3, 4)] [MaxPool2d(2, stride: 1, dilation: 2, AutoPad = AutoPad.SameUpper)]",
        "[InputShape(9, 6, 5)] [AvgPool2d(3, stride: 1, DilationHeight = 3, DilationWidth = 2, AutoPad = AutoPad.Same)]",
        "[InputShape(3, 40, 36)] [Conv2d(24, padding: 1), ReLU, MaxPool2d(3, stride: 1, dilation: 3, AutoPad = AutoPad.SameUpper)]",
        "[InputShape(3, 40, 36)] [Schedule(Form = BlockForm.Rows)] [Conv2d(24, padding: 1), ReLU, AvgPool2d(2, stride: 1, countIncludePad: false, DilationHeight = 5, DilationWidth = 4, AutoPad = AutoPad.SameUpper)]",
    ];

    private static readonly Lazy<NetworkBatch> s_batch = new(() => NetworkBatch.Compile(s_networks.Select((network, i) => ($"Net{i}", network))));

    [Fact]
    public void Pools_GiveWhatTheReferenceGives()
    {
        for (int i = 0; i < s_networks.Length; i++)
        {
            NetworkFactory factory = s_batch.Value[$"Net{i}"];
            IReadOnlyList<(string Name, int[] Shape, float[] Values)> weights = RandomValues.Weights(factory.Parameters, i);
            float[] input = RandomValues.Image(2 * factory.InputShape.ElementCount, i);
            double[] expected = new NaiveNetwork(DeclarationText.Graph(s_networks[i]), weights).RunBatch(input);
            foreach (InstructionSet set in Numbers.Sets)
                Numbers.AssertClose(expected, factory.Load(RandomValues.Safetensors(weights), new LoadOptions { InstructionSet = set }).Run(input, 2, factory.OutputShape), 1e-5, () => $"{s_networks[i]}, {set}");
        }
    }

    /// <summary>One row, so that the figures can be seen: 'SAME' of tf.nn.pool, whose windows of the ends reach out by the dilation.</summary>
    [Theory]
    [InlineData(5, "MaxPool2d(KernelHeight = 1, KernelWidth = 3, StrideHeight = 1, StrideWidth = 1, DilationWidth = 2, AutoPad = AutoPad.SameUpper)", new[] { 3f, 4, 5, 4, 5 })]
    [InlineData(5, "AvgPool2d(countIncludePad: false, KernelHeight = 1, KernelWidth = 3, StrideHeight = 1, StrideWidth = 1, DilationWidth = 2, AutoPad = AutoPad.SameUpper)", new[] { 2f, 3, 3, 3, 4 })]
    [InlineData(5, "AvgPool2d(KernelHeight = 1, KernelWidth = 3, StrideHeight = 1, StrideWidth = 1, DilationWidth = 2, AutoPad = AutoPad.SameUpper)", new[] { 4 / 3f, 2, 3, 2, 8 / 3f })]
    [InlineData(6, "MaxPool2d(KernelHeight = 1, KernelWidth = 2, StrideHeight = 1, StrideWidth = 2, DilationWidth = 2, AutoPad = AutoPad.SameUpper)", new[] { 3f, 5, 5 })]
    [InlineData(7, "MaxPool2d(KernelHeight = 1, KernelWidth = 2, StrideHeight = 1, StrideWidth = 1, DilationWidth = 3, AutoPad = AutoPad.SameUpper)", new[] { 3f, 4, 5, 6, 7, 5, 6 })]
    public void Row_IsPaddedByTheEffectiveKernel(int width, string layer, float[] expected)
    {
        NetworkFactory factory = NetworkBatch.Compile([("Row", $"[InputShape(1, 1, {width})] [{layer}]")])["Row"];
        float[] input = [.. Enumerable.Range(1, width).Select(i => (float)i)];

        foreach (InstructionSet set in Numbers.Sets)
            Assert.Equal(expected, factory.CreateRandom(1, new LoadOptions { InstructionSet = set }).Run(input, 1, factory.OutputShape));
    }
}
