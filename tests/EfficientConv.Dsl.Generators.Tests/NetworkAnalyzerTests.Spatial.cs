namespace EfficientConv.Dsl.Generators.Tests;

/// <summary>Kernel, stride, padding and dilation.</summary>
public partial class NetworkAnalyzerTests
{
    [Theory]
    [InlineData("Conv2d(8, {|ECD0201:kernelSize: 9|})")]
    [InlineData("Conv2d(8, {|ECD0201:5|}, dilation: 2)")]
    [InlineData("Conv2d(8, {|ECD0201:dilation: 4|})")]
    [InlineData("Conv2d(8, {|ECD0201:DilationHeight = 4|})")]
    [InlineData("Conv2d(8, {|ECD0201:KernelWidth = 9|})")]
    [InlineData("Conv2d(8, 3, KernelHeight = 1, {|ECD0201:KernelWidth = 9|})")]
    [InlineData("MaxPool2d({|ECD0201:9|})")]
    [InlineData("InvertedResidual({|ECD0201:kernelSize: 9|}, shortcut: Shortcut.None, Padding = 0)")]
    [InlineData("InvertedResidual(shortcut: Shortcut.None, {|ECD0201:dilation: 4|}, Padding = 0)")]
    [InlineData("Conv2d(8, {|ECD0201:kernelSize: 1 << 20|}, dilation: 1 << 20)")]
    public Task ECD0201_KernelLargerThanInput(string layer) => VerifyLayers("3, 8, 8", layer);

    [Theory]
    [InlineData("ConvTranspose2d(8, 3, {|ECD0201:padding: 5|})")]
    [InlineData("ConvTranspose2d(8, 3, 1, {|ECD0201:5|})")]
    [InlineData("ConvTranspose2d(8, 3, {|ECD0201:PaddingHeight = 6|})")]
    [InlineData("ConvTranspose2d(8, 3, padding: 1, {|ECD0201:PaddingRight = 9|})")]
    [InlineData("ConvTranspose2d(8, 3, PaddingLeft = 0, {|ECD0201:PaddingTop = 10|})")]
    public Task ECD0201_PaddingOfATransposedConvolutionTakesEverythingAway(string layer) => VerifyLayers("3, 8, 8", layer);

    [Theory]
    [InlineData("ConvTranspose2d(8, 3, padding: 4)")]
    [InlineData("ConvTranspose2d(8, 2, 2, padding: 7)")]
    [InlineData("ConvTranspose2d(8, 3, PaddingTop = 9)")]
    public Task ECD0201_NearMiss_OnePixelRemains(string layer) => VerifyLayers("3, 8, 8", layer);

    [Theory]
    [InlineData("Conv2d(8, kernelSize: 8)")]
    [InlineData("Conv2d(8, kernelSize: 10, stride: 2, padding: 1)")]
    [InlineData("Conv2d(8, 3, dilation: 3)")]
    [InlineData("MaxPool2d(8)")]
    public Task ECD0201_NearMiss_KernelJustFits(string layer) => VerifyLayers("3, 8, 8", layer);

    [Theory]
    [InlineData("Conv2d(8, 5, {|ECD0202:padding: 1|})")]
    [InlineData("Conv2d(8, 3, 1, {|ECD0202:2|})")]
    [InlineData("Conv2d(8, kernelSize: 4, {|ECD0202:padding: 1|})")]
    [InlineData("Conv2d(8, 3, padding: 1, {|ECD0202:PaddingHeight = 2|})")]
    [InlineData("Conv2d(8, 3, padding: 1, {|ECD0202:PaddingRight = 0|})")]
    [InlineData("DepthwiseConv2d(7, {|ECD0202:padding: 2|})")]
    [InlineData("MaxPool2d(5, 1, {|ECD0202:1|})")]
    [InlineData("DepthwiseSeparable(kernelSize: 5, {|ECD0202:Padding = 1|})")]
    [InlineData("DepthwiseSeparable({|ECD0202:kernelSize: 4|})")]
    [InlineData("InvertedResidual(16, {|ECD0202:Padding = 2|})")]
    [InlineData("Conv2d(8, 3, dilation: 2, {|ECD0202:padding: 3|})")]
    [InlineData("Conv2d(8, 5, {|ECD0202:padding: 1|}, StrideWidth = 2)")]
    public Task ECD0202_SizeChangesAtStrideOne(string layer) => VerifyLayers("8, 16, 16", layer);

    [Theory]
    [InlineData("Conv2d(8, 5)")]
    [InlineData("Conv2d(8, 5, padding: 2)")]
    [InlineData("Conv2d(8, 5, stride: 2, padding: 1)")]
    [InlineData("Conv2d(8, 3, padding: 2, dilation: 2)")]
    [InlineData("Conv2d(8, 4, PaddingTop = 1, PaddingBottom = 2, PaddingLeft = 2, PaddingRight = 1)")]
    [InlineData("Conv2d(8, 3, PaddingHeight = 1)")]
    [InlineData("Conv2d(8, KernelHeight = 5, KernelWidth = 3, PaddingHeight = 2, PaddingWidth = 1)")]
    [InlineData("MaxPool2d(3, 1, 1)")]
    [InlineData("InvertedResidual(16, kernelSize: 5, Padding = 2)")]
    [InlineData("DepthwiseSeparable(kernelSize: 5, Padding = 0)")]
    public Task ECD0202_NearMiss_SizeKeptOrNotPadded(string layer) => VerifyLayers("8, 17, 17", layer);

    [Theory]
    [InlineData("Conv2d(8, 3, {|ECD0203:padding: 1|}, dilation: 2)")]
    [InlineData("Conv2d(8, 3, 1, {|ECD0203:1|}, 4)")]
    [InlineData("Conv2d(8, 5, stride: 2, {|ECD0203:padding: 2|}, dilation: 2)")]
    [InlineData("Conv2d(8, 3, padding: 2, dilation: 2, {|ECD0203:PaddingWidth = 1|})")]
    [InlineData("DepthwiseConv2d(3, {|ECD0203:padding: 1|}, DilationHeight = 2)")]
    [InlineData("DepthwiseSeparable(dilation: 2, {|ECD0203:Padding = 1|})")]
    public Task ECD0203_PaddingOfDilationOne(string layer) => VerifyLayers("8, 15, 15", layer);

    [Theory]
    [InlineData("Conv2d(8, 3, padding: 2, dilation: 2)")]
    [InlineData("Conv2d(8, 3, padding: 0, dilation: 2)")]
    [InlineData("Conv2d(8, 3, padding: 1)")]
    [InlineData("DepthwiseSeparable(dilation: 2)")]
    [InlineData("MaxPool2d(3, 1, padding: 1, dilation: 2)")]
    public Task ECD0203_NearMiss_PaddingFollows(string layer) => VerifyLayers("8, 15, 15", layer);

    [Theory]
    [InlineData("MaxPool2d(3, 2, {|ECD0204:2|})")]
    [InlineData("AvgPool2d(2, {|ECD0204:PaddingLeft = 2|})")]
    [InlineData("Conv2d(8, 1, {|ECD0204:padding: 1|})")]
    [InlineData("Conv2d(8, 3, {|ECD0204:padding: 3|})")]
    [InlineData("Conv2d(8, 3, stride: 2, {|ECD0204:padding: 4|})")]
    [InlineData("Conv2d(8, 3, padding: 1, {|ECD0204:PaddingBottom = 3|})")]
    [InlineData("InvertedResidual(16, {|ECD0204:Padding = 3|})")]
    public Task ECD0204_PaddingAsLargeAsTheKernel(string layer) => VerifyLayers("8, 9, 9", layer);

    [Theory]
    [InlineData("MaxPool2d(3, 2, 1)")]
    [InlineData("AvgPool2d(4, 1, 2, countIncludePad: false, PaddingBottom = 1, PaddingRight = 1)")]
    [InlineData("Conv2d(8, 3, stride: 2, padding: 2)")]
    [InlineData("Conv2d(8, 3, stride: 2, padding: 4, dilation: 2)")]
    [InlineData("MaxPool2d(3, 1, dilation: 2, AutoPad = AutoPad.SameUpper)")]
    [InlineData("AvgPool2d(3, 1, DilationHeight = 2, DilationWidth = 3, AutoPad = AutoPad.SameUpper)")]
    [InlineData("MaxPool2d(3, 1, dilation: 2, AutoPad = AutoPad.Same)")]
    public Task ECD0204_NearMiss_SmallerThanTheKernel(string layer) => VerifyLayers("3, 9, 9", layer);

    [Theory]
    [InlineData("MaxPool2d({|ECD0205:2|})")]
    [InlineData("Conv2d(8, 2, {|ECD0205:2|})")]
    [InlineData("Conv2d(8, 3, 3, {|ECD0205:0|})")]
    [InlineData("Conv2d(8, 4, {|ECD0205:StrideWidth = 2|})")]
    public Task ECD0205_LastPixelsAreNotRead(string layer) => VerifyLayers("8, 7, 7", layer);

    [Theory]
    [InlineData("MaxPool2d(2, ceilMode: true)")]
    [InlineData("Conv2d(8, 3, 2)")]
    [InlineData("Conv2d(8, 2, 2, 1)")]
    [InlineData("Conv2d(8, 7)")]
    public Task ECD0205_NearMiss_EverythingIsRead(string layer) => VerifyLayers("8, 7, 7", layer);

    [Theory]
    [InlineData("PointwiseConv2d(8, {|ECD0206:stride: 2|})")]
    [InlineData("Conv2d(8, 2, {|ECD0206:3|})")]
    [InlineData("MaxPool2d(2, {|ECD0206:StrideHeight = 3|})")]
    [InlineData("DepthwiseSeparable(kernelSize: 1, {|ECD0206:stride: 2|})", "{|ECD0403:kernelSize: 1|}")]
    public Task ECD0206_StrideBeyondTheKernel(string layer, string? other = null) =>
        VerifyLayers("8, 8, 8", other is null ? layer : layer.Replace("kernelSize: 1", other, StringComparison.Ordinal));

    [Theory]
    [InlineData("Conv2d(8, 2, 2)")]
    [InlineData("Conv2d(8, 2, 3, dilation: 3)")]
    [InlineData("MaxPool2d(2)")]
    [InlineData("InvertedResidual(16, stride: 2)")]
    public Task ECD0206_NearMiss_StrideOfTheKernel(string layer) => VerifyLayers("8, 10, 10", layer);

    [Theory]
    [InlineData("Conv2d(8, 4, {|ECD0207:AutoPad = AutoPad.Same|})")]
    [InlineData("MaxPool2d(2, 1, {|ECD0207:AutoPad = AutoPad.SameUpper|})")]
    [InlineData("InvertedResidual(kernelSize: 4, {|ECD0207:AutoPad = AutoPad.Same|})")]
    public Task ECD0207_SameWithAnEvenKernel(string layer) => VerifyLayers("8, 9, 9", layer);

    [Theory]
    [InlineData("Conv2d(8, 3, AutoPad = AutoPad.Same)")]
    [InlineData("Conv2d(8, 4, dilation: 2, AutoPad = AutoPad.Same)")]
    [InlineData("Conv2d(8, 3, 2, AutoPad = AutoPad.SameUpper)")]
    [InlineData("Conv2d(8, 4, PaddingTop = 1, PaddingBottom = 2, PaddingLeft = 1, PaddingRight = 2)")]
    public Task ECD0207_NearMiss_OddKernelOrWritten(string layer) => VerifyLayers("8, 8, 8", layer);

    [Theory]
    [InlineData("Conv2d(8, KernelHeight = 7, KernelWidth = 1, {|ECD0208:PaddingWidth = 3|})")]
    [InlineData("Conv2d(8, {|ECD0208:padding: 3|}, KernelHeight = 7, KernelWidth = 1)")]
    [InlineData("Conv2d(8, 1, {|ECD0208:padding: 1|}, KernelWidth = 3)")]
    [InlineData("Conv2d(8, 5, KernelWidth = 1, PaddingHeight = 2), Conv2d(8, 5, KernelHeight = 1, {|ECD0208:PaddingHeight = 2|})")]
    [InlineData("Conv2d(8, 5, bias: false, KernelWidth = 1, PaddingHeight = 2), BatchNorm(1e-3), ReLU, Conv2d(8, KernelHeight = 1, {|ECD0208:KernelWidth = 5|})")]
    [InlineData("Conv2d(8, KernelWidth = 1, {|ECD0208:KernelHeight = 5|}), ReLU, Conv2d(8, 5, KernelHeight = 1, PaddingWidth = 2)")]
    [InlineData("FactorizedConv2d({|ECD0208:kernelSize: 4|})")]
    public Task ECD0208_PaddingOnTheWrongAxis(string layer) => VerifyLayers("8, 16, 16", layer);

    [Theory]
    [InlineData("Conv2d(8, KernelHeight = 7, KernelWidth = 1, PaddingHeight = 3), Conv2d(8, KernelHeight = 1, KernelWidth = 7, PaddingWidth = 3)")]
    [InlineData("Conv2d(8, KernelHeight = 7, KernelWidth = 1), Conv2d(8, KernelHeight = 1, KernelWidth = 7)")]
    [InlineData("FactorizedConv2d(kernelSize: 7)")]
    [InlineData("FactorizedConv2d(kernelSize: 3, dilation: 4)")]
    public Task ECD0208_NearMiss_PairsThatKeepTheSizeOrDoNotPad(string layer) => VerifyLayers("8, 16, 16", layer);

    [Theory]
    [InlineData("InvertedResidual({|ECD0301:stride: 2|}, shortcut: Shortcut.Required)")]
    [InlineData("Bottleneck(4, {|ECD0301:16|}, shortcut: Shortcut.Required)")]
    [InlineData("EfficientConvBlock({|ECD0301:outChannels: 16|}, shortcut: Shortcut.Required)")]
    [InlineData("InvertedResidual({|ECD0301:kernelSize: 4|})")]
    [InlineData("InvertedResidual({|ECD0301:Padding = 2|})")]
    public Task ECD0301_ShortcutCannotAdd(string layer) => VerifyLayers("8, 8, 8", layer);

    [Theory]
    [InlineData("InvertedResidual(stride: 2)")]
    [InlineData("InvertedResidual(16)")]
    [InlineData("InvertedResidual(8, shortcut: Shortcut.Required)")]
    [InlineData("InvertedResidual(kernelSize: 5, dilation: 2, shortcut: Shortcut.Required)")]
    public Task ECD0301_NearMiss_ShortcutAddsOrIsNotAskedFor(string layer) => VerifyLayers("8, 8, 8", layer);
}
