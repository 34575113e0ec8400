using EfficientConv.Dsl.Measuring;

namespace EfficientConv.Dsl.Benchmarks.Measuring;

/// <summary>
/// The samples of one row, taken in turns: peak, ours, peak, the peer's. A round in which the system took a core away is repeated, up to a limit;
/// on a machine that is too busy for clean rounds the disturbed ones count, and are counted.
/// </summary>
/// <param name="ours">Our side: the block, or five of it and one.</param>
/// <param name="theirs">The peer's side in the same order; empty without a peer.</param>
/// <param name="peaks">The cores' peak.</param>
internal sealed class Rounds(Samples[] ours, Samples[] theirs, PeakSamples peaks)
{
    /// <summary>Rounds tried for each one that counts.</summary>
    private const int TriesPerRound = 8;

    /// <summary>Rounds that count although they were disturbed.</summary>
    public int Disturbed { get; private set; }

    /// <summary>Warms both sides up and takes <paramref name="count"/> rounds.</summary>
    public void Take(int count, int threads, int firstCore)
    {
        foreach (Samples samples in ours.Concat(theirs))
            samples.WarmUp();

        // Warming up made the threads that are to be bound.
        CoreAffinity.Pin(threads, firstCore);
        int tries = count * TriesPerRound;
        for (int round = 0; round < count; tries--)
        {
            long before = Preemption.Count(threads);
            TakeOne();
            bool isDisturbed = Preemption.Count(threads) != before;
            if (isDisturbed && tries > count - round)
            {
                Drop();
                continue;
            }

            Disturbed += isDisturbed ? 1 : 0;
            round++;
        }
    }

    private void TakeOne()
    {
        peaks.Before();
        foreach (Samples samples in ours)
            samples.Take();
        peaks.After();
        foreach (Samples samples in theirs)
            samples.Take();
    }

    private void Drop()
    {
        foreach (Samples samples in ours.Concat(theirs))
            samples.Drop();
        peaks.Drop();
    }
}
