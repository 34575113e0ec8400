using EfficientConv.Dsl.Compiler;
using EfficientConv.Dsl.Compiler.Findings;
using EfficientConv.Dsl.Tests.Harness;

namespace EfficientConv.Dsl.Tests;

/// <summary>Networks that are right give no error and no warning; hints are another matter.</summary>
public sealed class FalseAlarmTests
{
    /// <summary>Fixtures made to be odd, and what is to be said of them.</summary>
    private static readonly string[] s_odd =
    [
        "ECD0104 ecb_odd",
        "ECD0104 se_odd",
        "ECD0202 conv_rect_kernel_width_only",
        "ECD0202 conv_sides_override",
        "ECD0204 conv_1x1_padded",
        "ECD0204 conv_sides_four",
        "ECD0204 conv_sides_wider_than_kernel",
    ];

    /// <summary>The blocks of the tutorial as it declares them.</summary>
    public static TheoryData<string> TutorialBlocks =>
    [
        "[InputShape(64, 56, 56)] [Conv2d(128, padding: 1)]",
        "[InputShape(256, 56, 56)] [Bottleneck(64, 256)]",
        "[InputShape(64, 56, 56)] [DepthwiseSeparable(128)]",
        "[InputShape(24, 56, 56)] [InvertedResidual(24, expansion: 6)]",
        "[InputShape(24, 56, 56)] [InvertedResidual(32, expansion: 6, stride: 2)]",
        "[InputShape(64, 56, 56)] [SqueezeExcitation(reduction: 16)]",
        "[InputShape(40, 28, 28)] [EfficientConvBlock(40, expansion: 4)]",
        "[InputShape(40, 28, 28)] [EfficientConvBlock(80, expansion: 4, kernelSize: 5, stride: 2)]",
        "[InputShape(64, 32, 32)] [FactorizedConv2d(64, kernelSize: 7)]",
        "[InputShape(64, 32, 32)] [Conv2d(64, KernelHeight = 7, KernelWidth = 1, PaddingHeight = 3), BatchNorm, ReLU, Conv2d(64, KernelHeight = 1, KernelWidth = 7, PaddingWidth = 3), BatchNorm, ReLU]",
        "[InputShape(240, 28, 28)] [PointwiseConv2d(240, groups: 3), BatchNorm, ReLU, ChannelShuffle(3), DepthwiseConv2d(padding: 1), BatchNorm, PointwiseConv2d(240, groups: 3), BatchNorm]",
        "[InputShape(64, 32, 32)] [Conv2d(64, padding: 1), Conv2d(64, padding: 2, dilation: 2), Conv2d(64, padding: 4, dilation: 4)]",
        "[InputShape(3, 224, 224)] [Conv2d(64, kernelSize: 7, stride: 2, padding: 3, bias: false), BatchNorm, ReLU, MaxPool2d(3, stride: 2, padding: 1)]",
        "[InputShape(3, 224, 224)] [Conv2d(96, kernelSize: 4, stride: 4)]",
        "[InputShape(3, 224, 224)] [Conv2d(64, kernelSize: 11, stride: 4, padding: 2), ReLU, MaxPool2d(3, stride: 2), Conv2d(192, kernelSize: 5, padding: 2), ReLU, MaxPool2d(3, stride: 2)]",
    ];

    [Theory]
    [MemberData(nameof(TutorialBlocks))]
    public void TutorialBlocks_GiveNoErrorAndNoWarning(string attributes) => Assert.Empty(Alarms(attributes));

    [Fact]
    public void SampleNetworks_GiveNoErrorAndNoWarning() => Assert.All(SampleNetworks.All, pair => Assert.Empty(Alarms(pair.Value)));

    [Fact]
    public void Fixtures_GiveNoError_AndWarningsOnlyWhereTheyAreOdd()
    {
        string found = string.Join('\n', Fixture.All.SelectMany(fixture => Alarms(fixture.Declaration).Select(finding => $"{finding.RuleId} {fixture.Name}")).Order(StringComparer.Ordinal));

        Assert.True(found == string.Join('\n', s_odd), found);
    }

    private static IEnumerable<Finding> Alarms(string attributes) =>
        NetworkCompiler.Check(DeclarationText.Parse(attributes)).Where(finding => finding.Severity != RuleSeverity.Info);
}
