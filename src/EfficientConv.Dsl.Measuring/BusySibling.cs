using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace EfficientConv.Dsl.Measuring;

/// <summary>
/// The other hardware thread of a core, kept busy: a second process that loads and stores vectors there until it is disposed of. The two share what the core starts in a
/// cycle and its first caches, as they do on a server that is in use.
/// </summary>
internal sealed class BusySibling : IDisposable
{
    /// <summary>The hidden verb by which a program starts itself; its argument is the core.</summary>
    public const string Verb = "keep-core-busy";

    /// <summary>What the process says when it works.</summary>
    private const string Ready = "busy";

    /// <summary>Read and written from end to end, again and again: half of a usual first-level cache.</summary>
    private const int BufferBytes = 16 * 1024;

    private static byte s_sink;

    private readonly Process _process;

    private BusySibling(Process process) => _process = process;

    /// <summary>The second process.</summary>
    public int ProcessId => _process.Id;

    /// <summary>The other hardware threads of the core that <paramref name="core"/> is one of; null where the system does not say.</summary>
    public static IReadOnlyList<int>? SiblingsOf(int core)
    {
        string file = string.Create(CultureInfo.InvariantCulture, $"/sys/devices/system/cpu/cpu{core}/topology/thread_siblings_list");
        return File.Exists(file) ? [.. Cores(File.ReadAllText(file)).Where(other => other != core)] : null;
    }

    /// <summary>The cores of a list as the system writes it: <c>0-2,8</c>.</summary>
    public static IReadOnlyList<int> Cores(string list)
    {
        List<int> cores = [];
        foreach (string range in list.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            int[] ends = [.. range.Split('-').Select(end => int.Parse(end, CultureInfo.InvariantCulture))];
            cores.AddRange(Enumerable.Range(ends[0], ends[^1] - ends[0] + 1));
        }

        return cores;
    }

    /// <summary>Starts the process on the sibling of <paramref name="core"/>, and returns when it works.</summary>
    /// <param name="core">The core that is measured.</param>
    /// <param name="start">How this program is started.</param>
    /// <exception cref="InvalidOperationException">The core has no sibling that this process may use; the message says what to do instead.</exception>
    public static BusySibling Start(int core, ProcessStartInfo start)
    {
        IReadOnlyList<int>? siblings = SiblingsOf(core);
        int sibling = siblings?.Where(other => CoreAffinity.Allowed.Contains(other)).FirstOrDefault(-1) ?? -1;
        if (sibling >= 0)
            return StartOn(sibling, start);
        string why = siblings switch
        {
            null => "the system does not say which cores are siblings",
            [] => $"core {core} has one hardware thread (a virtual machine may hide the other)",
            _ => $"the siblings of core {core} are {string.Join(", ", siblings)}, and this process may use {string.Join(", ", CoreAffinity.Allowed)}",
        };
        throw new InvalidOperationException(
            $"There is no sibling to keep busy: {why}. A simulated one is the column zen3/3 of 'efficientconv throughput', where three instructions start in a cycle instead of six.");
    }

    /// <summary>Starts the process on <paramref name="core"/> itself, whatever it is.</summary>
    /// <param name="core">The core to keep busy.</param>
    /// <param name="start">How this program is started.</param>
    public static BusySibling StartOn(int core, ProcessStartInfo start)
    {
        start.ArgumentList.Add(Verb);
        start.ArgumentList.Add(core.ToString(CultureInfo.InvariantCulture));
        start.RedirectStandardInput = start.RedirectStandardOutput = true;
        start.UseShellExecute = false;
        Process process = Process.Start(start) ?? throw new InvalidOperationException($"{start.FileName} cannot be started.");
        BusySibling busy = new(process);
        if (process.StandardOutput.ReadLine() == Ready)
            return busy;
        busy.Dispose();
        throw new InvalidOperationException($"Core {core} could not be kept busy: the second process ended.");
    }

    /// <summary>What the process does: it ends when the one that started it closes its input or ends itself.</summary>
    /// <param name="arguments">The verb and the core.</param>
    /// <returns>The exit code.</returns>
    public static int Run(string[] arguments)
    {
        if (arguments is not [_, string text] || !int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int core))
        {
            Console.Error.WriteLine($"{Verb} is for the tool itself.");
            return 2;
        }

        // Before the worker is bound, or it would inherit the busy core.
        using CancellationTokenSource closed = new();
        Thread watch = new(() =>
        {
            while (Console.In.Read() >= 0)
            {
                // Nothing is said; the end of the input is waited for.
            }

            closed.Cancel();
        }) { IsBackground = true };
        watch.Start();
        CoreAffinity.Pin(1, core);
        using PageBuffer buffer = new(BufferBytes / sizeof(float), 0);
        Console.Out.WriteLine(Ready);
        Console.Out.Flush();
        while (!closed.IsCancellationRequested)
            Work(buffer.Span);
        s_sink += (byte)buffer.Span[0];
        return 0;
    }

    public void Dispose()
    {
        try
        {
            _process.StandardInput.Close();
            if (!_process.WaitForExit(2000))
                _process.Kill();
        }
        catch (Exception exception) when (exception is InvalidOperationException or IOException or System.ComponentModel.Win32Exception)
        {
            // It has ended by itself.
        }

        _process.Dispose();
    }

    /// <summary>Two loads, an addition and a store for each vector: they take issue slots and ports from the other thread, and lines from its first-level cache.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Work(Span<float> values)
    {
        ref float first = ref System.Runtime.InteropServices.MemoryMarshal.GetReference(values);
        nuint half = (nuint)values.Length / 2;
        for (int again = 0; again < 64; again++)
        {
            for (nuint i = 0; i + 8 <= half; i += 8)
                ((Vector256.LoadUnsafe(ref first, i) + Vector256.LoadUnsafe(ref first, i + half)) * Vector256.Create(0.5f)).StoreUnsafe(ref first, i);
        }
    }
}
