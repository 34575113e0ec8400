namespace EfficientConv.Dsl.Runtime.Tests;

public class InstancePoolTests
{
    [Fact]
    public void Nobody_gets_one_that_is_in_use()
    {
        var pool = new InstancePool<AlignedBuffer>(() => new AlignedBuffer(16));
        AlignedBuffer[] rented = [.. Enumerable.Range(0, 50).Select(_ => pool.Rent())];
        Assert.Equal(50, rented.Distinct().Count());
        foreach (AlignedBuffer buffer in rented)
            pool.Return(buffer);
        Assert.Equal(rented.ToHashSet(), Enumerable.Range(0, 50).Select(_ => pool.Rent()).ToHashSet());
        Assert.DoesNotContain(pool.Rent(), rented);
    }

    [Fact]
    public void Taking_and_giving_back_allocates_nothing()
    {
        var pool = new InstancePool<AlignedBuffer>(() => new AlignedBuffer(1000));
        Assert.Equal(0, Allocations.OfThisThread(() =>
        {
            AlignedBuffer a = pool.Rent();
            AlignedBuffer b = pool.Rent();
            pool.Return(a);
            pool.Return(b);
        }));
    }

    [Fact]
    public void As_many_exist_as_there_are_callers()
    {
        var pool = new InstancePool<AlignedBuffer>(() => new AlignedBuffer(4));
        var seen = new System.Collections.Concurrent.ConcurrentDictionary<AlignedBuffer, bool>();
        Thread[] threads = [.. Enumerable.Range(0, 8).Select(_ => new Thread(() =>
        {
            for (int i = 0; i < 50_000; i++)
            {
                AlignedBuffer buffer = pool.Rent();
                seen.TryAdd(buffer, true);
                pool.Return(buffer);
            }
        }))];
        foreach (Thread thread in threads)
            thread.Start();
        foreach (Thread thread in threads)
            thread.Join();
        // A caller may miss one that is put back after its search, so that a few more than 8 can come to be.
        Assert.InRange(seen.Count, 1, 32);
    }
}
