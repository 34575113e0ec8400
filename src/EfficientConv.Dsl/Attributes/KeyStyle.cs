namespace EfficientConv.Dsl;

/// <summary>
/// Which published model the keys of a checkpoint follow. The style also gives the eps of that family's batch norms, where an attribute does not set its own.
/// </summary>
public enum KeyStyle
{
    /// <summary>An <c>nn.Sequential</c> of the tutorial's modules: <c>3.block.0.weight</c>. Batch norm's eps is 1e-5.</summary>
    Tutorial,

    /// <summary>torchvision's <c>mobilenet_v2</c>: <c>features.2.conv.0.0.weight</c>. Batch norm's eps is 1e-5.</summary>
    TorchvisionMobileNetV2,

    /// <summary>torchvision's <c>mobilenet_v3_large</c> and <c>mobilenet_v3_small</c>: <c>features.4.block.2.fc1.weight</c>. Batch norm's eps is 1e-3.</summary>
    TorchvisionMobileNetV3,

    /// <summary>torchvision's <c>efficientnet_b0</c> to <c>b4</c>: <c>features.2.0.block.0.0.weight</c>. Batch norm's eps is 1e-5.</summary>
    TorchvisionEfficientNet,

    /// <summary>torchvision's <c>mnasnet</c>: <c>layers.8.0.layers.0.weight</c>. Batch norm's eps is 1e-5.</summary>
    TorchvisionMnasNet,

    /// <summary>torchvision's ResNet and ResNeXt, whose keys timm shares: <c>layer2.0.conv1.weight</c>. Batch norm's eps is 1e-5.</summary>
    TorchvisionResNet,

    /// <summary>torchvision's <c>shufflenet_v2</c>: <c>stage2.0.branch1.0.weight</c>. Batch norm's eps is 1e-5.</summary>
    TorchvisionShuffleNetV2,

    /// <summary>torchvision's <c>squeezenet</c>: <c>features.3.squeeze.weight</c>.</summary>
    TorchvisionSqueezeNet,

    /// <summary>
    /// timm's models made of <c>blocks.s.b</c> (MobileNet V1 to V4, MnasNet, EfficientNet, GhostNet): <c>blocks.1.0.conv_pw.weight</c>. Batch norm's eps is 1e-5.
    /// </summary>
    Timm,

    /// <summary>The keys of <see cref="Timm"/> for the weights that came from TensorFlow (<c>tf_*</c>): batch norm's eps is 1e-3. Their padding is AutoPad.SameUpper.</summary>
    TimmTensorFlow,

    /// <summary>The RepVGG of its authors: <c>stage1.0.rbr_dense.conv.weight</c> or <c>stage1.0.rbr_reparam.weight</c>. Batch norm's eps is 1e-5.</summary>
    RepVGG,

    /// <summary>The MobileOne of its authors: <c>stage1.0.rbr_conv.0.conv.weight</c> or <c>stage1.0.reparam_conv.weight</c>. Batch norm's eps is 1e-5.</summary>
    MobileOne,

    /// <summary>The ERFNet of its authors: <c>encoder.layers.1.conv3x1_1.weight</c>. Batch norm's eps is 1e-3.</summary>
    ERFNet,
}
