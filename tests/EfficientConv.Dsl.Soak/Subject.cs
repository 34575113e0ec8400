using System.Runtime.InteropServices;

namespace EfficientConv.Dsl.Soak;

/// <summary>A network as the runs see it.</summary>
/// <param name="Name">The class.</param>
/// <param name="Create">A new instance with random weights, always the same ones, and how it is called: input, output, threads.</param>
/// <param name="Input">Floats.</param>
/// <param name="Output">Floats.</param>
internal sealed record Subject(string Name, Func<Action<float[], float[], int>> Create, int Input, int Output)
{
    public static IReadOnlyList<Subject> All { get; } =
        [Of<Inverted>(), Of<Squeezed>(), Of<Winograd>(), Of<Residual>(), Of<Shuffled>(), Of<Head>(), Of<Upwards>(), Of<Grouped>()];

    /// <summary>An input, always the same.</summary>
    public float[] Image()
    {
        Random random = new(2);
        float[] image = new float[Input];
        foreach (ref float value in image.AsSpan())
            value = (random.NextSingle() * 2) - 1;
        return image;
    }

    /// <summary>Whether two outputs are equal to the last bit.</summary>
    public static bool IsSame(float[] one, float[] other) => MemoryMarshal.AsBytes<float>(one).SequenceEqual(MemoryMarshal.AsBytes<float>(other));

    private static Subject Of<T>() where T : class, IConvNet<T> => new(
        typeof(T).Name,
        () =>
        {
            T network = T.CreateRandom(seed: 1);
            return (input, output, threads) => network.Forward(1, input, output, threads);
        },
        (int)T.InputShape.ElementCount,
        (int)T.OutputShape.ElementCount);
}
