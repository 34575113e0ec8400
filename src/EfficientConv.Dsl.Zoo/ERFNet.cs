namespace EfficientConv.Dsl.Zoo;

/// <summary>
/// ERFNet (Romera et al. 2018) for Cityscapes' 20 classes, <c>erfnet.Net(20)</c> of the authors' PyTorch code: RGB 512 x 1024, values from 0 to 1, to the logits of every
/// pixel. The encoder's own output, with which the authors train it first, is in the checkpoint and not computed.
/// </summary>
[InputShape(3, 512, 1024, Keys = KeyStyle.ERFNet)]
[ERFNetDownsampler(16)]
[ERFNetDownsampler(64)]
[NonBottleneck1D, NonBottleneck1D, NonBottleneck1D, NonBottleneck1D, NonBottleneck1D]
[ERFNetDownsampler(128)]
[NonBottleneck1D(2), NonBottleneck1D(4), NonBottleneck1D(8), NonBottleneck1D(16)]
[NonBottleneck1D(2), NonBottleneck1D(4), NonBottleneck1D(8), NonBottleneck1D(16, Name = "encoded")]
[PointwiseConv2d(20)]
[From("encoded"), ERFNetUpsampler(64), NonBottleneck1D, NonBottleneck1D]
[ERFNetUpsampler(16), NonBottleneck1D, NonBottleneck1D]
[ConvTranspose2d(20, kernelSize: 2, stride: 2)]
public sealed partial class ERFNet;
