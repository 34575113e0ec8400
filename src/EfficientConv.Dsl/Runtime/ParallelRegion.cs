using System.Globalization;
using System.Runtime.ExceptionServices;

namespace EfficientConv.Dsl.Runtime;

/// <summary>
/// Runs the parts of a job on the calling thread and on parked background threads, without allocating. The threads are
/// shared by the whole process, are made when first needed and use no processor time between jobs.
/// </summary>
internal static unsafe class ParallelRegion
{
    /// <summary>Most background threads; a job that asks for more parts gets fewer.</summary>
    private const int MaxWorkers = 256;

    /// <summary>The runtime configuration setting that takes the place of the machine's cores as the most parts of a job.</summary>
    private const string ConfigurationSetting = "EfficientConv.Dsl.MostThreads";

    /// <summary>Most parts of a job: more than there are cores would only wait for each other.</summary>
    internal static int MostParts { get; set; } = Math.Min(Configured ?? Environment.ProcessorCount, MaxWorkers + 1);

    private static int? Configured =>
        int.TryParse(AppContext.GetData(ConfigurationSetting)?.ToString(), CultureInfo.InvariantCulture, out int most) && most > 0 ? most : null;

    private static readonly Lock Gate = new();
    private static Worker? s_idle;
    private static int s_created;

    /// <summary>
    /// Calls <c>body(target, state, part, parts)</c> for every part, each on a thread of its own so that parts may wait for each other, and returns when
    /// all are done. There are fewer parts than asked for where the system gives no more threads.
    /// </summary>
    /// <param name="parts">Parts wanted, at least 1.</param>
    /// <param name="body">What to run; called from several threads at once.</param>
    /// <param name="target">Passed on.</param>
    /// <param name="state">Passed on; what it points at must stay in place until the method returns.</param>
    /// <exception cref="Exception">The exception of the lowest part that threw; every part has ended by then.</exception>
    internal static void Run(int parts, delegate*<object, void*, int, int, void> body, object target, void* state)
    {
        Worker? workers = Acquire(parts - 1, out int acquired);
        parts = acquired + 1;
        int part = 1;
        for (Worker? worker = workers; worker is not null; worker = worker.Next)
            worker.Start(body, target, state, part++, parts);

        ExceptionDispatchInfo? failure = null;
        try
        {
            body(target, state, 0, parts);
        }
        catch (Exception e)
        {
            failure = ExceptionDispatchInfo.Capture(e);
        }

        for (Worker? worker = workers; worker is not null; worker = worker.Next)
        {
            ExceptionDispatchInfo? workerFailure = worker.Join();
            failure ??= workerFailure;
        }
        Release(workers);
        failure?.Throw();
    }

    private static Worker? Acquire(int count, out int acquired)
    {
        Worker? list = null;
        acquired = 0;
        lock (Gate)
        {
            for (; acquired < count; acquired++)
            {
                Worker? worker = s_idle;
                if (worker is not null)
                    s_idle = worker.Next;
                else if (s_created < MaxWorkers && (worker = TryCreate()) is not null)
                    s_created++;
                else
                    break;
                worker.Next = list;
                list = worker;
            }
        }
        return list;
    }

    // Where the system gives no more threads, the others do the work.
    private static Worker? TryCreate()
    {
        try
        {
            return new Worker();
        }
        catch (Exception e) when (e is OutOfMemoryException or ThreadStartException)
        {
            return null;
        }
    }

    private static void Release(Worker? list)
    {
        if (list is null)
            return;
        Worker last = list;
        while (last.Next is not null)
            last = last.Next;
        lock (Gate)
        {
            last.Next = s_idle;
            s_idle = list;
        }
    }

    /// <summary>A background thread that waits for a part, runs it and waits again.</summary>
    private sealed class Worker
    {
        private readonly Signal _started = new();
        private readonly Signal _finished = new();
        private delegate*<object, void*, int, int, void> _body;
        private object? _target;
        private void* _state;
        private int _part;
        private int _parts;
        private ExceptionDispatchInfo? _failure;

        internal Worker()
        {
            var thread = new Thread(Loop, maxStackSize: 0) { IsBackground = true, Name = "EfficientConv worker" };
            thread.UnsafeStart();
        }

        /// <summary>The next of the list that the worker is in: the idle ones or one region's.</summary>
        internal Worker? Next { get; set; }

        internal void Start(delegate*<object, void*, int, int, void> body, object target, void* state, int part, int parts)
        {
            _body = body;
            _target = target;
            _state = state;
            _part = part;
            _parts = parts;
            _started.Set();
        }

        internal ExceptionDispatchInfo? Join()
        {
            _finished.Wait();
            ExceptionDispatchInfo? failure = _failure;
            _failure = null;
            return failure;
        }

        private void Loop()
        {
            while (true)
            {
                _started.Wait();
                try
                {
                    _body(_target!, _state, _part, _parts);
                }
                catch (Exception e)
                {
                    _failure = ExceptionDispatchInfo.Capture(e);
                }
                // A parked thread must keep nothing alive.
                _target = null;
                _finished.Set();
            }
        }
    }
}
