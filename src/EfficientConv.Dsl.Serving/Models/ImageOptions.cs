namespace EfficientConv.Dsl.Serving;

/// <summary>How a picture becomes a network's input, and its output classes. The defaults are those of torchvision's presets for ImageNet.</summary>
public sealed class ImageOptions
{
    /// <summary>To what the shorter side is resized before the centre is cut out; 0 means 256 for each 224 of the network's shorter side.</summary>
    public int ShorterSide { get; set; }

    /// <summary>Mean of each channel, in units of 1 for a byte of 255. Of one value for a network of one channel.</summary>
    public IReadOnlyList<float> Mean { get; set; } = [0.485f, 0.456f, 0.406f];

    /// <summary>Standard deviation of each channel.</summary>
    public IReadOnlyList<float> Std { get; set; } = [0.229f, 0.224f, 0.225f];

    /// <summary>Names of the classes, or the path of a file with a name a line in <see cref="LabelsPath"/>.</summary>
    public IReadOnlyList<string>? Labels { get; set; }

    /// <summary>A file with a class name a line, read when the model is loaded.</summary>
    public string? LabelsPath { get; set; }

    /// <summary>Whether the output is logits, to be turned into probabilities. False for a network that ends in <c>Softmax</c>.</summary>
    public bool Softmax { get; set; } = true;
}
