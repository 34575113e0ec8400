using System.Diagnostics;
using System.Globalization;
using MobileNetSample;

namespace EfficientConv.Dsl.ServingPeer;

/// <summary>Images a second of a network alone.</summary>
internal static class Bench
{
    private static readonly TimeSpan s_duration = TimeSpan.FromSeconds(4);

    public static BenchFigures Run(string name, Action<float[], float[]> forward)
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
        return new BenchFigures(name, images.Length, images.Sum() / s_duration.TotalSeconds);
    }
}

/// <summary>What a network gives on as many threads.</summary>
internal sealed record BenchFigures(string Name, int Threads, double ImagesPerSecond)
{
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Name}: {ImagesPerSecond:0.0} images a second on {Threads} threads");
}
