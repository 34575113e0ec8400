using System.Reflection;
using EfficientConv.Dsl.Compiler.Findings;
using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Scheduling;
using EfficientConv.Dsl.Compiler.Targets;
using EfficientConv.Dsl.Tests.Harness;

namespace EfficientConv.Dsl.Tests;

/// <summary>Images of bytes: the bits of floats that were converted before, whatever reads them first.</summary>
public sealed class ImageInputTests
{
    private delegate void ForwardImage(ReadOnlySpan<byte> pixels, PixelFormat format, int stride, Span<float> output, int threads);

    private static readonly float[] s_mean = [0.485f, 0.456f, 0.406f];
    private static readonly float[] s_std = [0.229f, 0.224f, 0.225f];

    /// <summary>Whether the first step converts rows as it reads them; mean and std where they are not ImageNet's.</summary>
    private static readonly Dictionary<string, (string Declaration, bool IsFused, float[] Mean, float[] Std)> s_cases = new()
    {
        ["Stem"] = ("[InputShape(3, 23, 21)] [ImageInput] [Conv2d(16, stride: 2, padding: 1, bias: false), BatchNorm, ReLU6, InvertedResidual(16, expansion: 1)]", true, s_mean, s_std),
        ["WideStem"] = ("[ImageInput] [InputShape(3, 20, 37)] [Conv2d(24, kernelSize: 7, stride: 2, padding: 3)]", true, s_mean, s_std),
        ["ChannelsLastStem"] = ("[InputShape(3, 17, 19, Layout = TensorLayout.NHWC)] [Conv2d(16, padding: 1)] [ImageInput]", true, s_mean, s_std),
        ["Own"] = ("[InputShape(3, 9, 11)] [ImageInput(new[] { 0.5, 0.25, 0.125 }, std: new double[] { 0.5, 2, 1.0 / 255 })] [Conv2d(8, padding: 1)]", true, [0.5f, 0.25f, 0.125f], [0.5f, 2, (float)(1.0 / 255)]),
        ["Grey"] = ("[InputShape(1, 14, 15)] [ImageInput(new[] { 0.286 }, new[] { 0.353 })] [Conv2d(16, padding: 1), ReLU, MaxPool2d]", true, [0.286f], [0.353f]),
        ["PooledStem"] = ("[InputShape(3, 41, 37)] [ImageInput] [Conv2d(16, padding: 1), ReLU, MaxPool2d(3, stride: 2)]", true, s_mean, s_std),
        ["Twice"] = ("[InputShape(3, 12, 13)] [ImageInput] [Conv2d(16, padding: 1), ReLU, Concat(\"input\"), PointwiseConv2d(8)]", false, s_mean, s_std),
        ["Pointwise"] = ("[InputShape(3, 10, 9)] [ImageInput] [PointwiseConv2d(8)]", false, s_mean, s_std),
        ["Pooled"] = ("[InputShape(3, 12, 12, Layout = TensorLayout.NHWC)] [ImageInput] [GlobalAvgPool, Linear(5)]", false, s_mean, s_std),
        ["Through"] = ("[InputShape(3, 6, 5)] [ImageInput] [From(\"input\"), Output(\"same\")] [Conv2d(8, padding: 1)]", false, s_mean, s_std),
    };

    private static readonly Lazy<NetworkBatch> s_batch = new(() => NetworkBatch.Compile(s_cases.Select(c => (c.Key, c.Value.Declaration))));

    public static TheoryData<string> Names => [.. s_cases.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void Image_GivesTheBitsOfConvertedFloats(string name)
    {
        (_, _, float[] mean, float[] std) = s_cases[name];
        Type type = NetworkBatch.FindType(s_batch.Value.Assembly, name);
        NetworkFactory factory = s_batch.Value[name];
        TensorShape shape = factory.InputShape;
        bool channelsLast = name is "ChannelsLastStem" or "Pooled";
        PixelFormat[] formats = shape.Channels == 1 ? [PixelFormat.Gray] : [PixelFormat.Rgb, PixelFormat.Bgr, PixelFormat.Rgba, PixelFormat.Bgra, PixelFormat.Gray];
        foreach (PixelFormat format in formats)
        {
            int pixel = format switch { PixelFormat.Gray => 1, PixelFormat.Rgb or PixelFormat.Bgr => 3, _ => 4 }, stride = (shape.Width * pixel) + (format == PixelFormat.Rgb ? 0 : 7);
            byte[] pixels = new byte[((shape.Height - 1) * stride) + (shape.Width * pixel)];
            new Random(7).NextBytes(pixels);
            float[] floats = new float[shape.ElementCount];
            for (int c = 0; c < shape.Channels; c++)
            {
                int offset = format is PixelFormat.Bgr or PixelFormat.Bgra ? 2 - c : format == PixelFormat.Gray ? 0 : c;
                for (int y = 0; y < shape.Height; y++)
                {
                    for (int x = 0; x < shape.Width; x++)
                    {
                        float unit = pixels[(y * stride) + (x * pixel) + offset] / 255f;
                        float centred = unit - mean[c];
                        floats[channelsLast ? (((y * shape.Width) + x) * shape.Channels) + c : (((c * shape.Height) + y) * shape.Width) + x] = centred / std[c];
                    }
                }
            }

            foreach (InstructionSet set in Numbers.Sets)
            {
                object network = type.GetMethod("CreateRandom")!.Invoke(null, [5, new LoadOptions { InstructionSet = set }])!;
                float[] expected = factory.CreateRandom(5, new LoadOptions { InstructionSet = set }).Run(floats, 1, factory.OutputShape);
                ForwardImage forward = Forward(type, network);
                foreach (int threads in new[] { 1, 3 })
                {
                    float[] output = new float[expected.Length];
                    forward(pixels, format, stride, output, threads);
                    Numbers.AssertSameBits(expected, output, () => $"{name}, {format}, {set}, {threads} threads");
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Stem_ConvertsRowsAsItReadsThem(string name)
    {
        foreach (VectorTarget target in VectorTarget.All)
        {
            ImagePlan? plan = Compiler.NetworkAnalysis.Of(Expansion.Expand(s_batch.Value.Declarations[name]).Graph!).PlanFor(target).Image;
            Assert.Equal(s_cases[name].IsFused, plan is { Step: >= 0 });
        }
    }

    [Fact]
    public void GeneratedText_HasNoWarning() => Assert.Empty(s_batch.Value.Warnings);

    [Fact]
    public void WrongImages_AreRefusedBeforeAnythingIsWritten()
    {
        Type type = NetworkBatch.FindType(s_batch.Value.Assembly, "Own");
        ForwardImage forward = Forward(type, type.GetMethod("CreateRandom")!.Invoke(null, [1, null])!);
        float[] output = new float[8 * 9 * 11];
        Assert.Equal(
            "The pixels of the image for Batch.Own must be 313 to 315 bytes (9 rows of 11 pixels Rgb, 35 bytes from row to row), found 311. (Parameter 'pixels')",
            Assert.Throws<ArgumentException>(() => forward(new byte[311], PixelFormat.Rgb, 35, output, 1)).Message);
        Assert.Equal(
            "The stride of the image for Batch.Own must be at least 44 bytes (11 pixels Rgba), found 43. (Parameter 'stride')",
            Assert.Throws<ArgumentException>(() => forward(new byte[400], PixelFormat.Rgba, 43, output, 1)).Message);
        Assert.Equal("output", Assert.Throws<ArgumentException>(() => forward(new byte[297], PixelFormat.Rgb, 33, new float[3], 1)).ParamName);
        Assert.Equal("format", Assert.Throws<ArgumentOutOfRangeException>(() => forward(new byte[297], (PixelFormat)17, 33, output, 1)).ParamName);
        Assert.Equal("threads", Assert.Throws<ArgumentOutOfRangeException>(() => forward(new byte[297], PixelFormat.Rgb, 33, output, 0)).ParamName);
        Type grey = NetworkBatch.FindType(s_batch.Value.Assembly, "Grey");
        ForwardImage forwardGrey = Forward(grey, grey.GetMethod("CreateRandom")!.Invoke(null, [1, null])!);
        Assert.Equal(
            "Batch.Grey has one input channel and takes pixels of Gray, found Rgb. (Parameter 'format')",
            Assert.Throws<ArgumentException>(() => forwardGrey(new byte[14 * 15 * 3], PixelFormat.Rgb, 45, new float[16 * 7 * 7], 1)).Message);
        Assert.All(output, value => Assert.Equal(0, value));
    }

    [Fact]
    public void Forward_AllocatesNothingOnceWarm()
    {
        foreach (string name in new[] { "Stem", "Twice" })
        {
            Type type = NetworkBatch.FindType(s_batch.Value.Assembly, name);
            ForwardImage forward = Forward(type, type.GetMethod("CreateRandom")!.Invoke(null, [1, null])!);
            TensorShape shape = s_batch.Value[name].InputShape;
            byte[] pixels = new byte[shape.ElementCount];
            float[] output = new float[s_batch.Value[name].OutputShape.ElementCount];
            long least = long.MaxValue;
            for (int round = 0; round < 20; round++)
            {
                long before = GC.GetAllocatedBytesForCurrentThread();
                for (int i = 0; i < 10; i++)
                    forward(pixels, PixelFormat.Rgb, shape.Width * 3, output, 1);
                least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
            }

            Assert.Equal(0, least);
        }
    }

    [Theory]
    [InlineData("[InputShape(2, 9, 9)] [ImageInput] [Conv2d(8)]", null, "2 input channels")]
    [InlineData("[InputShape(1, 9, 9)] [ImageInput] [Conv2d(8)]", "mean", "mean left out (it must be 1 number, one a channel)")]
    [InlineData("[InputShape(1, 9, 9)] [ImageInput(new[] { 0.5 })] [Conv2d(8)]", "std", "std left out (it must be 1 positive number, one a channel)")]
    [InlineData("[InputShape(3, 9, 9)] [ImageInput(new[] { 0.5, 0.5 })] [Conv2d(8)]", "mean", "mean of 2 numbers (it must be 3 numbers, one a channel)")]
    [InlineData("[InputShape(3, 9, 9)] [ImageInput(std: new[] { 0.5, 0.0, 0.5 })] [Conv2d(8)]", "std", "std 0 (it must be 3 positive numbers")]
    [InlineData("[InputShape(3, 9, 9)] [ImageInput(std: new[] { 0.5, 1e-60, 0.5 })] [Conv2d(8)]", "std", "std 1E-60")]
    [InlineData("[InputShape(3, 9, 9)] [ImageInput(new[] { 0.5, double.NaN, 0.5 })] [Conv2d(8)]", "mean", "mean NaN")]
    [InlineData("[InputShape(3, 9, 9)] [ImageInput(new[] { 0.5, 1e300, 0.5 })] [Conv2d(8)]", "mean", "mean 1E+300")]
    public void Mistakes_AreReportedOnTheArgument(string attributes, string? argument, string message)
    {
        NetworkBatch batch = NetworkBatch.Compile([("Net", attributes)]);
        Finding finding = Assert.Single(Compiler.NetworkCompiler.Check(batch.Declarations["Net"]));
        Assert.Equal((RuleCatalog.InvalidValue.Id, 1, argument), (finding.RuleId, finding.AttributeIndex, finding.Argument));
        Assert.Contains(message, finding.Message, StringComparison.Ordinal);
        Assert.NotNull(NetworkBatch.FindType(batch.Assembly, "Net").GetMethod("Forward", [typeof(ReadOnlySpan<byte>), typeof(PixelFormat), typeof(int), typeof(Span<float>), typeof(int)]));
    }

    [Fact]
    public void NetworkWithoutImages_HasNoSuchOverload() => Assert.DoesNotContain("PixelFormat", DeclarationText.Generate("[InputShape(3, 8, 8)] [Conv2d(8)]", null), StringComparison.Ordinal);

    private static ForwardImage Forward(Type type, object network)
    {
        MethodInfo method = type.GetMethod("Forward", [typeof(ReadOnlySpan<byte>), typeof(PixelFormat), typeof(int), typeof(Span<float>), typeof(int)])!;
        return method.CreateDelegate<ForwardImage>(network);
    }
}
