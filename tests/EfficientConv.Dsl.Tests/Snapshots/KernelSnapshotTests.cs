using EfficientConv.Dsl.Generators.Tests.Harness;
using EfficientConv.Dsl.Tests.Harness;

namespace EfficientConv.Dsl.Tests.Snapshots;

/// <summary>
/// What a person sees who opens the generated file: one small network for each kind of kernel. EFFICIENTCONV_ACCEPT=1 accepts what has changed.
/// </summary>
public sealed class KernelSnapshotTests
{
    [Theory]
    [InlineData("pointwise", "Avx2", "[InputShape(3, 2, 2)] [PointwiseConv2d(8), ReLU]")]
    [InlineData("depthwise", "Avx2", "[InputShape(8, 3, 4)] [DepthwiseConv2d(3, padding: 1), BatchNorm, HardSwish]")]
    [InlineData("dense", "Vector128", "[InputShape(2, 4, 4)] [Conv2d(4, kernelSize: 2)]")]
    [InlineData("grouped", "Vector128", "[InputShape(4, 3, 3)] [Conv2d(4, kernelSize: 2, groups: 2)]")]
    [InlineData("pool", "Avx2", "[InputShape(4, 5, 5)] [MaxPool2d(3, stride: 2, padding: 1)]")]
    [InlineData("inverted_residual_slabs", "Avx2", "[InputShape(8, 4, 4)] [InvertedResidual(expansion: 2)]")]
    [InlineData("inverted_residual_rows", "Avx2", "[Schedule(Form = BlockForm.Rows)] [InputShape(8, 40, 40)] [InvertedResidual(expansion: 2)]")]
    [InlineData("efficient_conv_block", "Vector128", "[Schedule(Form = BlockForm.Rows)] [InputShape(4, 4, 4)] [EfficientConvBlock(expansion: 2)]")]
    [InlineData("efficient_conv_block_slabs", "Vector128", "[InputShape(4, 4, 4)] [EfficientConvBlock(expansion: 2)]")]
    [InlineData("scale_shift", "Avx2", "[InputShape(8, 3, 4)] [DepthwiseConv2d(3, padding: 1), HardSwish, BatchNorm, PointwiseConv2d(8), ReLU, BatchNorm]")]
    public void Kernels(string name, string target, string attributes) =>
        Snapshot.Match(DeclarationText.Generate(attributes, target), name);

    [Fact]
    public void Members() =>
        Snapshot.Match(DeclarationText.Generate("[InputShape(24, 56, 56)] [InvertedResidual(expansion: 4)]", target: null, "MobileBlock"));
}
