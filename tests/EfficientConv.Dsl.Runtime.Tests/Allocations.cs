namespace EfficientConv.Dsl.Runtime.Tests;

/// <summary>Bytes allocated by an action that has run before. The least of several rounds, because the test host allocates too.</summary>
internal static class Allocations
{
    internal static long OfThisThread(Action action) => Least(action, GC.GetAllocatedBytesForCurrentThread);

    internal static long OfTheProcess(Action action) => Least(action, () => GC.GetTotalAllocatedBytes(precise: true));

    private static long Least(Action action, Func<long> allocated)
    {
        for (int i = 0; i < 50; i++)
            action();
        long least = long.MaxValue;
        // Reading the counter may itself allocate once.
        allocated();
        for (int round = 0; round < 20; round++)
        {
            long before = allocated();
            for (int i = 0; i < 100; i++)
                action();
            least = Math.Min(least, allocated() - before);
        }
        return least;
    }
}
