using System.Diagnostics;
using System.Globalization;
using MobileNetSample;

namespace EfficientConv.Dsl.ServingPeer;

/// <summary>Images a second of a network alone.</summary>
internal static class Bench
{
    private static readonly TimeSpan s_duration = TimeSpan.FromSeconds(4);

    public static void Run(string name, Action<float[], float[]> forward)
    {
        int[] images = new int[Environment.ProcessorCount];
        for (int round = 0; round < 2; round++)
        {
            Array.Clear(images);
            Parallel.For(0, images.Length, new ParallelOptions { MaxDegreeOfParallelism = images.Length }, thread =>
            {
                float[] input = [.. Enumerable.Range(0, (int)MobileNetV2.InputShape.ElementCount).Select(i => MathF.Sin(i))];
                float[] output = new float[MobileNetV2.OutputShape.ElementCount];
                for (long begun = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(begun) < s_duration; images[thread]++)
                    forward(input, output);
            });
        }

        // The first round warms up.
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name}: {images.Sum() / s_duration.TotalSeconds:0.0} images a second on {images.Length} threads"));
    }
}
