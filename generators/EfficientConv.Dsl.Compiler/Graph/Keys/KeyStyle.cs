namespace EfficientConv.Dsl.Compiler.Graph.Keys;

/// <summary>Which published model the state-dict keys follow, numbered as the runtime's enumeration.</summary>
public enum KeyStyle
{
    /// <summary>An <c>nn.Sequential</c> of the tutorial's modules.</summary>
    Tutorial,

    /// <summary>torchvision's <c>mobilenet_v2</c>.</summary>
    TorchvisionMobileNetV2,

    /// <summary>torchvision's <c>mobilenet_v3_large</c> and <c>mobilenet_v3_small</c>.</summary>
    TorchvisionMobileNetV3,

    /// <summary>torchvision's <c>efficientnet_b0</c> to <c>b4</c>.</summary>
    TorchvisionEfficientNet,

    /// <summary>torchvision's <c>mnasnet1_0</c> and its other widths.</summary>
    TorchvisionMnasNet,

    /// <summary>torchvision's ResNet and ResNeXt; timm's have the same keys.</summary>
    TorchvisionResNet,

    /// <summary>torchvision's <c>shufflenet_v2_x0_5</c> and its other widths.</summary>
    TorchvisionShuffleNetV2,

    /// <summary>torchvision's <c>squeezenet1_0</c> and <c>squeezenet1_1</c>.</summary>
    TorchvisionSqueezeNet,

    /// <summary>timm's models made of <c>blocks.s.b</c>: MobileNet V1 to V4, MnasNet, EfficientNet, GhostNet.</summary>
    Timm,

    /// <summary>The same keys with the batch norm of timm's <c>tf_*</c> models.</summary>
    TimmTensorFlow,

    /// <summary>The RepVGG of its authors.</summary>
    RepVGG,

    /// <summary>The MobileOne of its authors.</summary>
    MobileOne,

    /// <summary>The ERFNet of its authors.</summary>
    ERFNet,
}
