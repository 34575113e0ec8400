using System.Collections.Concurrent;
using System.Runtime.CompilerServices;

namespace EfficientConv.Dsl.Runtime.Tests;

/// <summary>
/// What a generator would emit for a 1 x 1 convolution of 2 to 3 channels and a batch norm at 2 x 2 pixels, written plainly.
/// It marks its workspace while it runs, so that two runs in the same one would be noticed.
/// </summary>
internal struct TinyProgram : INetworkProgram
{
    internal const int Pixels = 4;
    internal const int InputLength = 2 * Pixels;
    internal const int OutputLength = 3 * Pixels;

    private static readonly TensorSpec[] Specs =
    [
        new("0.weight", "conv.weight", TensorKind.Weight, 3, 2, 1, 1),
        new("0.bias", "conv.bias", TensorKind.Bias, 3),
        new("1.weight", "bn.weight", TensorKind.BatchNormWeight, 3),
        new("1.bias", "bn.bias", TensorKind.BatchNormBias, 3),
        new("1.running_mean", "bn.running_mean", TensorKind.RunningMean, 3),
        new("1.running_var", "bn.running_var", TensorKind.RunningVariance, 3),
    ];

    /// <summary>Makes the next runs with a first input value of NaN throw.</summary>
    internal static bool ThrowOnNaN { get; set; }

    /// <summary>Where not null, gets the threads that run.</summary>
    internal static ConcurrentDictionary<int, bool>? Threads { get; set; }

    public static string NetworkName => "Tiny";

    public static ReadOnlySpan<TensorSpec> Parameters => Specs;

    public static TensorShape InputShape => new(2, 2, 2);

    public static TensorShape OutputShape => new(3, 2, 2);

    public static int PackedLength(InstructionSet isa) => 32;

    public static ulong LayoutHash(InstructionSet isa) => 7;

    public static int WorkspaceLength(InstructionSet isa) => 40;

    public static int PartScratchLength(InstructionSet isa) => 16;

    public static void Pack(InstructionSet isa, WeightReader weights, Span<float> packed)
    {
        Assert.NotEqual(InstructionSet.Auto, isa);
        FoldedConvolution conv = weights.Convolution("0.weight", "0.bias", 3, 2, 1, 1)
            .FoldBatchNorm(weights, "1.weight", "1.bias", "1.running_mean", "1.running_var", 1e-5);
        conv.PackPanels(packed[..6], 0, 3, 3, 1, 0, 2);
        conv.PackBias(packed.Slice(16, 16));
    }

    public static void Run(InstructionSet isa, ref float input, ref float output, ref float weights, ref float workspace, Part part)
    {
        if (Threads is { } threads)
            threads[Environment.CurrentManagedThreadId] = true;

        // Every part computes some of the output channels, and marks its own scratch memory.
        ref int mark = ref Unsafe.As<float, int>(ref part.Own(ref workspace));
        if (Interlocked.Exchange(ref mark, 1) != 0)
            throw new InvalidOperationException("Two runs share a workspace, or it was not zero.");
        if (ThrowOnNaN && float.IsNaN(input))
            throw new ArithmeticException("NaN came in.");
        for (int o = part.First(3); o < part.End(3); o++)
        {
            for (int p = 0; p < Pixels; p++)
            {
                float sum = Unsafe.Add(ref weights, 16 + o);
                for (int c = 0; c < 2; c++)
                    sum = MathF.FusedMultiplyAdd(Unsafe.Add(ref input, (c * Pixels) + p), Unsafe.Add(ref weights, (c * 3) + o), sum);
                Unsafe.Add(ref output, (o * Pixels) + p) = sum;
            }
        }
        Volatile.Write(ref mark, 0);
        part.Barrier();
    }

    /// <summary>A checkpoint that fits.</summary>
    internal static (string Name, int[] Shape, float[] Values)[] Checkpoint(string prefix = "") =>
    [
        (prefix + "0.weight", [3, 2, 1, 1], [1, 2, 3, 4, 5, 6]),
        (prefix + "0.bias", [3], [0.5f, 0, -0.5f]),
        (prefix + "1.weight", [3], [1, 2, 3]),
        (prefix + "1.bias", [3], [0, 1, 2]),
        (prefix + "1.running_mean", [3], [0.5f, 1, 1.5f]),
        (prefix + "1.running_var", [3], [1, 2, 3]),
    ];
}
