using System.Globalization;

namespace EfficientConv.Dsl.Serving;

/// <summary>One version of a model, whole and immutable. A request keeps the one that it began with, whatever is loaded or unloaded meanwhile.</summary>
internal abstract class ServedModel
{
    public const string Datatype = "FP32";
    public const string InputName = "input";
    public const string Platform = "efficientconv_dsl";

    protected ServedModel(string name, string version, TensorShape input, TensorLayout layout, ReadOnlySpan<OutputTensor> outputs, ImageOptions images)
    {
        Name = name;
        Version = version;
        InputShape = input;
        Layout = layout;
        Outputs = outputs.ToArray();
        Images = images;
        InputLength = checked((int)input.ElementCount);
        OutputLength = checked((int)Outputs.Sum(output => output.Shape.ElementCount));
        InputDimensions = [.. layout == TensorLayout.NHWC ? [input.Height, input.Width, input.Channels] : (long[])[input.Channels, input.Height, input.Width]];
        OutputDimensions = [.. Outputs.Select(output => Dimensions(output.Shape, layout))];
        Levels = input.Channels is 1 or 3 && images.Mean.Count == input.Channels ? [.. images.Mean.Zip(images.Std, MakeLevels)] : null;
    }

    public string Name { get; }

    public string Version { get; }

    public TensorShape InputShape { get; }

    public TensorLayout Layout { get; }

    public OutputTensor[] Outputs { get; }

    public ImageOptions Images { get; }

    /// <summary>Elements of one image.</summary>
    public int InputLength { get; }

    /// <summary>Elements of one image's outputs.</summary>
    public int OutputLength { get; }

    /// <summary>Those of one image, without the batch.</summary>
    public long[] InputDimensions { get; }

    /// <summary>For each output, without the batch.</summary>
    public long[][] OutputDimensions { get; }

    /// <summary>What each byte of each channel becomes; null where no pictures are taken.</summary>
    public float[][]? Levels { get; }

    public abstract string NetworkName { get; }

    public abstract InstructionSet InstructionSet { get; }

    public abstract long WeightBytes { get; }

    public abstract void Forward(ReadOnlySpan<float> input, Span<float> output, int threads);

    /// <summary>The images of an input, from what the request says of it.</summary>
    /// <exception cref="InferenceException">It does not fit the network.</exception>
    public int CheckInput(string? name, string? datatype, IReadOnlyList<long>? shape, int maxBatch)
    {
        if (name != InputName)
            throw Invalid($"input of {Name}: expected the name \"{InputName}\", found {Quoted(name)}");
        if (datatype != Datatype)
            throw Invalid($"datatype of input \"{InputName}\" of {Name}: expected {Datatype}, found {Quoted(datatype)}");
        bool fits = shape is not null && shape.Count == InputDimensions.Length + 1 && shape[0] >= 1;
        for (int i = 0; fits && i < InputDimensions.Length; i++)
            fits = shape![i + 1] == InputDimensions[i];
        if (!fits)
        {
            string found = shape is null ? "none" : $"[{string.Join(", ", shape.Take(8))}{(shape.Count > 8 ? ", ..." : "")}]";
            throw Invalid($"shape of input \"{InputName}\" of {Name}: expected [batch, {string.Join(", ", InputDimensions)}], found {found}");
        }

        if (shape![0] > maxBatch)
            throw Invalid($"batch of input \"{InputName}\" of {Name}: expected at most {maxBatch} images, found {shape[0]}");
        return (int)shape[0];
    }

    /// <summary>The place of an output.</summary>
    /// <exception cref="InferenceException">There is none of this name.</exception>
    public int FindOutput(string? name)
    {
        int index = Array.FindIndex(Outputs, output => output.Name == name);
        return index >= 0 ? index : throw Invalid($"outputs of {Name}: expected {string.Join(", ", Outputs.Select(output => $"\"{output.Name}\""))}, found {Quoted(name)}");
    }

    /// <summary>
    /// Turns pixels into floats: (x / 255 - mean) / std, rounded three times, the bits of <see cref="ImageInputAttribute"/> and of torchvision's <c>ToTensor</c> and
    /// <c>Normalize</c>. A network of one channel takes the luminance of Pillow's <c>convert("L")</c>, one of three a grey pixel three times.
    /// </summary>
    public void Normalize(ReadOnlySpan<byte> pixels, int bytesPerPixel, Span<float> input)
    {
        int channels = InputShape.Channels, plane = InputShape.Height * InputShape.Width;
        (int pixelStep, int channelStep) = Layout == TensorLayout.NHWC ? (channels, 1) : (1, plane);
        for (int c = 0; c < channels; c++)
        {
            ReadOnlySpan<float> levels = Levels![c];
            for (int i = 0; i < plane; i++)
            {
                ReadOnlySpan<byte> pixel = pixels.Slice(i * bytesPerPixel, bytesPerPixel);
                int value = bytesPerPixel == 1 ? pixel[0] : channels == 1 ? ((pixel[0] * 19595) + (pixel[1] * 38470) + (pixel[2] * 7471) + 0x8000) >> 16 : pixel[c];
                input[(i * pixelStep) + (c * channelStep)] = levels[value];
            }
        }
    }

    public static InferenceException Invalid(string message) => new(InferenceError.InvalidArgument, message);

    /// <summary>A client's text in a message: not longer than a line.</summary>
    public static string Quoted(string? text) => text is null ? "none" : $"\"{(text.Length > 80 ? text[..80] + "..." : text)}\"";

    private static float[] MakeLevels(float mean, float std)
    {
        float[] levels = new float[256];
        for (int x = 0; x < levels.Length; x++)
        {
            // Stored in between, so that no step keeps more digits than a float has.
            float unit = x / 255f;
            float centred = unit - mean;
            levels[x] = centred / std;
        }

        return levels;
    }

    private static long[] Dimensions(TensorShape shape, TensorLayout layout) =>
        shape is { Height: 1, Width: 1 } ? [shape.Channels]
        : layout == TensorLayout.NHWC ? [shape.Height, shape.Width, shape.Channels]
        : [shape.Channels, shape.Height, shape.Width];

    /// <summary>Numbers in their order, other names before them: "beta", "2", "10". The last one is what a client gets that names none.</summary>
    public static readonly IComparer<string> VersionOrder = Comparer<string>.Create((a, b) =>
        (Number(a), Number(b)) switch
        {
            ({ } x, { } y) => x.CompareTo(y),
            ({ }, null) => 1,
            (null, { }) => -1,
            _ => string.CompareOrdinal(a, b),
        });

    private static long? Number(string version) => long.TryParse(version, NumberStyles.None, CultureInfo.InvariantCulture, out long number) ? number : null;
}

internal sealed class ServedModel<TNetwork>(string name, string version, TNetwork network, ImageOptions images)
    : ServedModel(name, version, TNetwork.InputShape, TNetwork.Layout, TNetwork.Outputs, images)
    where TNetwork : class, IConvNet<TNetwork>
{
    public override string NetworkName => typeof(TNetwork).Name;

    public override InstructionSet InstructionSet => network.InstructionSet;

    public override long WeightBytes => network.PackedWeightBytes;

    public override void Forward(ReadOnlySpan<float> input, Span<float> output, int threads)
    {
        if (threads == 1)
            network.Forward(input, output);
        else
            network.Forward(1, input, output, threads);
    }
}
