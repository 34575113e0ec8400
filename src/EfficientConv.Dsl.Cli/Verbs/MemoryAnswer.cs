using EfficientConv.Dsl.Cli.Output;

namespace EfficientConv.Dsl.Cli.Verbs;

/// <summary>The one sentence: which needs more, how much, why.</summary>
internal static class MemoryAnswer
{
    /// <summary>Compares <paramref name="separable"/> with <paramref name="standard"/>.</summary>
    /// <param name="what">What is compared, as a subject in the singular: "a depthwise separable 3x3 64 -> 128 at 56 x 56".</param>
    /// <param name="than">What with: "a standard convolution".</param>
    /// <param name="separable">The one.</param>
    /// <param name="standard">The other.</param>
    /// <param name="batch">Images.</param>
    public static string Sentence(string what, string than, MemoryFigures separable, MemoryFigures standard, int batch)
    {
        string images = batch == 1 ? "for one image" : FormattableString.Invariant($"for {batch} images");
        return $"{char.ToUpperInvariant(what[0])}{what[1..]} needs {Difference(separable.PeakInputFreed, standard.PeakInputFreed)} inference memory {images} {Than(separable.PeakInputFreed, standard.PeakInputFreed)} {than} " +
            $"when its input is freed ({Amounts(separable.PeakInputFreed, standard.PeakInputFreed)}, {FreedReason(separable, standard)}), " +
            $"{Difference(separable.PeakInputHeld, standard.PeakInputHeld)} when the input is kept ({Amounts(separable.PeakInputHeld, standard.PeakInputHeld)}, {HeldReason(separable, standard)}), " +
            $"{Difference(separable.Saved, standard.Saved)} activations in training ({Amounts(separable.Saved, standard.Saved)}, {TrainingReason(separable, standard)}) " +
            $"and {Difference(separable.WeightBytes, standard.WeightBytes)} for weights ({Amounts(separable.WeightBytes, standard.WeightBytes)}); " +
            $"fused, the tensor between is never made: {Figures.Bytes(separable.PeakFusedRows)}.";
    }

    private static string Difference(long ours, long theirs)
    {
        if (ours == theirs)
            return "the same";
        double share = ours / (double)theirs;
        return share > 1
            ? share >= 2 ? FormattableString.Invariant($"{share:0.0} times the") : FormattableString.Invariant($"{Percent(share - 1)} more")
            : FormattableString.Invariant($"{Percent(1 - share)} less");
    }

    private static string Percent(double share) => share * 100 >= 10 ? FormattableString.Invariant($"{share * 100:0} %") : FormattableString.Invariant($"{share * 100:0.0#} %");

    private static string Than(long ours, long theirs) => ours == theirs || ours >= 2 * theirs ? "as" : "than";

    private static string Amounts(long ours, long theirs) => ours == theirs ? Figures.Bytes(ours) : $"{Figures.Bytes(ours)} against {Figures.Bytes(theirs)}";

    private static string FreedReason(MemoryFigures ours, MemoryFigures theirs) => ours.PeakInputFreed.CompareTo(theirs.PeakInputFreed) switch
    {
        0 => "because one layer's input and output set both peaks",
        > 0 => $"because the tensor in front of {ours.PeakAt} is wider than what the standard one reads",
        _ => $"because at {ours.PeakAt} less lies side by side",
    };

    private static string HeldReason(MemoryFigures ours, MemoryFigures theirs) => ours.PeakInputHeld.CompareTo(theirs.PeakInputHeld) switch
    {
        0 => "because the peak is elsewhere",
        > 0 => "because the tensor between the two convolutions lies beside input and output",
        _ => "because the tensors that live together are smaller",
    };

    private static string TrainingReason(MemoryFigures ours, MemoryFigures theirs) => ours.Saved.CompareTo(theirs.Saved) switch
    {
        0 => "because the same tensors are saved",
        > 0 => "because the layers between save their tensors too",
        _ => "because smaller tensors are saved",
    };
}
