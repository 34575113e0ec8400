using System.Buffers.Binary;
using EfficientConv.Dsl;

namespace FashionClassifier;

/// <summary>The test images, their labels and PyTorch's logits for them.</summary>
internal sealed class FashionData
{
    public const int Height = 28;
    public const int Width = 28;
    public const int Pixels = Height * Width;

    // Mean and standard deviation of the training pixels divided by 255; the network was trained on normalised images.
    private const float Mean = 0.2860f;
    private const float StandardDeviation = 0.3530f;

    private readonly byte[] _images;
    private readonly byte[] _labels;

    private FashionData(byte[] images, byte[] labels, float[] logits)
    {
        _images = images;
        _labels = labels;
        Logits = logits;
    }

    public static string[] ClassNames { get; } =
        ["T-shirt", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"];

    public int Count => _labels.Length;

    /// <summary>PyTorch's logits, image after image.</summary>
    public float[] Logits { get; }

    public static FashionData Load(string folder)
    {
        byte[] images = ReadIdx(Path.Combine(folder, "test-images.idx3-ubyte"), rank: 3);
        byte[] labels = ReadIdx(Path.Combine(folder, "test-labels.idx1-ubyte"), rank: 1);
        using SafetensorsFile reference = SafetensorsFile.Open(Path.Combine(folder, "logits.safetensors"));
        float[] logits = reference.ReadSingle("logits");
        if (images.Length != labels.Length * Pixels || logits.Length != labels.Length * ClassNames.Length)
            throw new InvalidDataException($"{labels.Length} labels, {images.Length} pixels and {logits.Length} logits do not fit together.");
        return new FashionData(images, labels, logits);
    }

    public int Label(int image) => _labels[image];

    public ReadOnlySpan<byte> Image(int image) => _images.AsSpan(image * Pixels, Pixels);

    /// <summary>All images as the network wants them: (pixel / 255 - mean) / standard deviation.</summary>
    public float[] Normalised()
    {
        float[] result = new float[_images.Length];
        for (int i = 0; i < result.Length; i++)
            result[i] = (_images[i] / 255f - Mean) / StandardDeviation;
        return result;
    }

    /// <summary>The idx format: two zero bytes, type (8 = unsigned byte), rank, big-endian sizes, the data.</summary>
    private static byte[] ReadIdx(string path, int rank)
    {
        byte[] file = File.ReadAllBytes(path);
        int header = 4 + 4 * rank;
        if (file.Length < header || file[0] != 0 || file[1] != 0 || file[2] != 8 || file[3] != rank)
            throw new InvalidDataException($"{path} is not an idx file of bytes of rank {rank}.");
        long count = 1;
        for (int i = 0; i < rank; i++)
            count *= BinaryPrimitives.ReadUInt32BigEndian(file.AsSpan(4 + 4 * i));
        if (count != file.Length - header)
            throw new InvalidDataException($"{path} should hold {count} bytes of data; it holds {file.Length - header}.");
        return file[header..];
    }
}
