using System.Globalization;
using System.Runtime.InteropServices;
using EfficientConv.Dsl.Soak;

namespace EfficientConv.Dsl.Arm64;

/// <summary>
/// Prints a line for each network and input: a hash of its outputs with every NaN made one, since processors make different ones, and how many are NaN, infinite, -0 or subnormal.
/// <c>--values Network</c> prints the bits of that network's outputs instead. Exit code 1: two threads and a batch gave other bits than one image on one thread.
/// </summary>
internal static class Program
{
    private const int Batch = 3;

    private static string? s_only;
    private static bool s_differs;

    private static int Main(string[] arguments)
    {
        CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
        if (arguments is ["--values", string only])
            s_only = only;
        else if (arguments.Length > 0)
        {
            Console.Error.WriteLine("usage: EfficientConv.Dsl.Arm64 [--values Network]");
            return 2;
        }

        Console.Error.WriteLine($"{RuntimeInformation.ProcessArchitecture}, {InstructionSets.Current}");
        Run<Mobile>();
        Run<Planes>();
        Run<ChannelsLast>();
        Run<Windows>();
        Run<Dilated>();
        Run<Pools>();
        Run<Inverted>();
        Run<Squeezed>();
        Run<Winograd>();
        Run<Residual>();
        Run<Shuffled>();
        Run<Head>();
        Run<Upwards>();
        Run<Grouped>();
        Run<ElementwiseReLU>();
        Run<ElementwiseReLU6>();
        Run<ElementwiseHardSwish>();
        Run<ElementwiseHardSigmoid>();
        Run<ElementwiseSiLU>();
        Run<ElementwiseSigmoid>();
        Run<ElementwiseGELU>();
        Run<ElementwiseGELUTanh>();
        Run<ElementwiseTanh>();
        Run<ElementwiseLeakyReLU>();
        Run<ElementwiseELU>();
        Run<ElementwiseMish>();
        Run<PointwiseReLU>();
        Run<PointwiseReLU6>();
        Run<DepthwiseReLU>();
        Run<DepthwiseHardSwish>();
        Run<DirectReLU>();
        Run<WinogradReLU>();
        Run<Maximum>();
        Run<Distribution>();
        return s_differs ? 1 : 0;
    }

    private static void Run<T>()
        where T : class, IConvNet<T>
    {
        if (s_only is not null && s_only != typeof(T).Name)
            return;
        T network = T.CreateRandom(7);
        int length = (int)T.InputShape.ElementCount;
        Run(network, "ordinary", SpecialValues.Ordinary(length));
        Run(network, "special", SpecialValues.Among(length));
        if (typeof(T).Name.StartsWith("Elementwise", StringComparison.Ordinal))
            Run(network, "all exponents", SpecialValues.Everywhere(length));
    }

    private static void Run<T>(T network, string kind, float[] input)
        where T : class, IConvNet<T>
    {
        string name = $"{typeof(T).Name}, {kind}";
        float[] output = new float[T.OutputShape.ElementCount];
        network.Forward(input, output);
        float[] images = [.. Enumerable.Repeat(input, Batch).SelectMany(x => x)], outputs = new float[Batch * output.Length];
        network.Forward(Batch, images, outputs, threads: 2);
        for (int i = 0; i < Batch; i++)
        {
            if (Hash(outputs.AsSpan(i * output.Length, output.Length)) != Hash(output))
            {
                s_differs = true;
                Console.Error.WriteLine($"{name}: image {i} of a batch on two threads has other bits than an image on one");
            }
        }

        Console.WriteLine(
            $"{name}: {Hash(output):x16}, {output.Count(float.IsNaN)} NaN, {output.Count(float.IsInfinity)} infinite, " +
            $"{output.Count(x => x == 0 && float.IsNegative(x))} -0, {output.Count(float.IsSubnormal)} subnormal");
        if (s_only is not null)
        {
            foreach (float[] row in output.Chunk(16))
                Console.WriteLine(string.Join(' ', row.Select(x => Bits(x).ToString("x8"))));
        }
    }

    private static uint Bits(float value) => float.IsNaN(value) ? 0x7fc00000 : BitConverter.SingleToUInt32Bits(value);

    /// <summary>FNV-1a over the elements' bits.</summary>
    private static ulong Hash(ReadOnlySpan<float> values)
    {
        ulong hash = 14695981039346656037;
        foreach (float value in values)
            hash = unchecked((hash ^ Bits(value)) * 1099511628211);
        return hash;
    }
}
