using System.Diagnostics;

namespace EfficientConv.Dsl.Soak;

/// <summary>The runs. Each says what it did, and throws <see cref="SoakException"/> where something is wrong.</summary>
internal static class Runs
{
    private const int Callers = 8;

    /// <summary>Eight threads on one instance, each of a call in turn on one, two and three threads of its own.</summary>
    public static string OneInstance(TimeSpan duration)
    {
        Subject subject = Subject.All[0];
        Action<float[], float[], int> forward = subject.Create();
        return Call("one instance", duration, Enumerable.Repeat((subject, forward), Callers));
    }

    /// <summary>Eight threads, each on a network of its own.</summary>
    public static string EightNetworks(TimeSpan duration) => Call("eight networks", duration, Subject.All.Select(subject => (subject, subject.Create())));

    /// <summary>Instances that are made, called once and dropped.</summary>
    public static string Instances(int count)
    {
        Make(count / 10);
        Footprint before = Footprint.Take();
        Make(count);
        return Compare($"{count:N0} instances made and dropped", before);

        static void Make(int number)
        {
            float[][] images = [.. Subject.All.Select(subject => subject.Image())], first = new float[Subject.All.Count][];
            for (int i = 0; i < number; i++)
            {
                int which = i % Subject.All.Count;
                Subject subject = Subject.All[which];
                float[] output = new float[subject.Output];
                subject.Create()(images[which], output, 1 + (i / Subject.All.Count % 2));
                first[which] ??= output;
                if (!Subject.IsSame(first[which], output))
                    throw new SoakException($"instance {i} of {subject.Name} has other bits");
            }
        }
    }

    private static string Call(string name, TimeSpan duration, IEnumerable<(Subject Subject, Action<float[], float[], int> Forward)> callers)
    {
        (Subject Subject, Action<float[], float[], int> Forward)[] all = [.. callers];
        float[][] expected = [.. all.Select(caller => caller.Subject.Image()).Zip(all, (image, caller) => First(image, caller.Subject, caller.Forward))];

        // A tenth of the time for what is compiled, pooled and started once.
        Run(duration / 10);
        Footprint before = Footprint.Take();
        long calls = Run(duration);
        return Compare($"{name}: {calls:N0} calls of {Callers} threads in {duration.TotalSeconds:F0} s, all bits equal", before);

        static float[] First(float[] image, Subject subject, Action<float[], float[], int> forward)
        {
            float[] output = new float[subject.Output];
            forward(image, output, 1);
            return output;
        }

        long Run(TimeSpan limit)
        {
            long calls = 0;
            string? wrong = null;
            Thread[] threads = [.. all.Select((caller, index) => new Thread(() =>
            {
                float[] image = caller.Subject.Image(), output = new float[caller.Subject.Output];
                long start = Stopwatch.GetTimestamp();
                int i = 0;
                for (; Stopwatch.GetElapsedTime(start) < limit && Volatile.Read(ref wrong) is null; i++)
                {
                    output.AsSpan().Fill(float.NaN);
                    caller.Forward(image, output, 1 + (i % 3));
                    if (!Subject.IsSame(expected[index], output))
                        Volatile.Write(ref wrong, $"call {i} of thread {index}, {caller.Subject.Name}, has other bits");
                }

                Interlocked.Add(ref calls, i);
            }))];
            foreach (Thread thread in threads)
                thread.Start();
            foreach (Thread thread in threads)
                thread.Join();
            return wrong is null ? calls : throw new SoakException($"{name}: {wrong}");
        }
    }

    private static string Compare(string what, Footprint before)
    {
        Footprint after = Footprint.Take();
        return after.GrownSince(before) is { } grown ? throw new SoakException($"{what}: {grown}") : $"{what}; before: {before}; after: {after}";
    }
}

/// <summary>What a run found.</summary>
internal sealed class SoakException(string message) : Exception(message);
