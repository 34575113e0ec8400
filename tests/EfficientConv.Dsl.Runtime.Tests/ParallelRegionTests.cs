using System.Diagnostics;

namespace EfficientConv.Dsl.Runtime.Tests;

public unsafe class ParallelRegionTests
{
    private static readonly object Target = new();

    [Fact]
    public void Every_part_runs_once()
    {
        int* counts = stackalloc int[40];
        for (int parts = 1; parts <= 40; parts++)
        {
            new Span<int>(counts, 40).Clear();
            for (int round = 1; round <= 50; round++)
            {
                ParallelRegion.Run(parts, &Count, Target, counts);
                for (int i = 0; i < 40; i++)
                    Assert.Equal(i < parts ? round : 0, counts[i]);
            }
        }
    }

    [Fact]
    public void There_are_fewer_parts_where_there_are_no_more_threads()
    {
        int[] counts = new int[1000];
        int* found = stackalloc int[1];
        fixed (int* pointer = counts)
            ParallelRegion.Run(1000, &Count, Target, pointer);
        int parts = counts.Sum();
        Assert.InRange(parts, 2, 257);
        Assert.Equal(counts, Enumerable.Range(0, 1000).Select(part => part < parts ? 1 : 0));
        ParallelRegion.Run(1000, &CheckParts, Target, found);
        Assert.Equal(parts, *found);
    }

    [Fact]
    public void Parts_run_at_the_same_time()
    {
        // Each part waits for the other, so that this would hang if they ran one after the other.
        int arrived = 0;
        ParallelRegion.Run(2, &Meet, Target, &arrived);
        Assert.Equal(2, arrived);
    }

    [Fact]
    public void Regions_of_several_callers_and_nested_ones_work()
    {
        long failures = 0;
        Thread[] threads = [.. Enumerable.Range(0, 4).Select(_ => new Thread(() =>
        {
            int* counts = stackalloc int[64];
            for (int round = 0; round < 500; round++)
            {
                new Span<int>(counts, 64).Clear();
                ParallelRegion.Run(4, &Nest, Target, counts);
                if (new Span<int>(counts, 16).ContainsAnyExcept(1))
                    Interlocked.Increment(ref failures);
            }
        }))];
        foreach (Thread thread in threads)
            thread.Start();
        foreach (Thread thread in threads)
            thread.Join();
        Assert.Equal(0, failures);
    }

    [Fact]
    public void Exception_of_the_lowest_part_is_thrown_after_all_have_ended()
    {
        int* counts = stackalloc int[8];
        for (int round = 0; round < 100; round++)
        {
            new Span<int>(counts, 8).Clear();
            ArithmeticException? caught = null;
            try
            {
                ParallelRegion.Run(8, &ThrowFromThree, Target, counts);
            }
            catch (ArithmeticException e)
            {
                caught = e;
            }
            Assert.Equal("part 3", caught?.Message);
            Assert.Equal([1, 1, 1, 1, 1, 1, 1, 1], new Span<int>(counts, 8).ToArray());
        }
    }

    [Fact]
    public void Idle_threads_use_no_processor_time()
    {
        int* counts = stackalloc int[8];
        ParallelRegion.Run(8, &Count, Target, counts);
        using var process = Process.GetCurrentProcess();
        TimeSpan least = TimeSpan.MaxValue;
        // The least of several rounds, because the runtime compiles in the background.
        for (int round = 0; round < 5; round++)
        {
            Thread.Sleep(20);
            process.Refresh();
            TimeSpan before = process.TotalProcessorTime;
            Thread.Sleep(200);
            process.Refresh();
            TimeSpan used = process.TotalProcessorTime - before;
            least = used < least ? used : least;
        }
        Assert.True(least < TimeSpan.FromMilliseconds(30), $"{least.TotalMilliseconds} ms of 200 ms");
    }

    [Fact]
    public void Nothing_is_allocated()
    {
        int[] counts = GC.AllocateArray<int>(8, pinned: true);
        Assert.Equal(0, Allocations.OfTheProcess(() =>
        {
            fixed (int* pointer = counts)
                ParallelRegion.Run(4, &Count, Target, pointer);
        }));
    }

    private static void Count(object target, void* state, int part, int parts)
    {
        if (target != Target)
            throw new InvalidOperationException("Another target came.");
        Interlocked.Increment(ref ((int*)state)[part]);
    }

    private static void CheckParts(object target, void* state, int part, int parts)
    {
        if (part == 0)
            *(int*)state = parts;
    }

    private static void Meet(object target, void* state, int part, int parts)
    {
        Interlocked.Increment(ref *(int*)state);
        SpinWait.SpinUntil(() => Volatile.Read(ref *(int*)state) == 2);
    }

    private static void Nest(object target, void* state, int part, int parts) =>
        ParallelRegion.Run(4, &Count, target, (int*)state + (4 * part));

    private static void ThrowFromThree(object target, void* state, int part, int parts)
    {
        Count(target, state, part, parts);
        if (part >= 3)
            throw new ArithmeticException($"part {part}");
    }
}
