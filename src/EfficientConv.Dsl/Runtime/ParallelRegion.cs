using System.Runtime.ExceptionServices;

namespace EfficientConv.Dsl.Runtime;

/// <summary>
/// Runs the parts of a job on the calling thread and on parked background threads, without allocating. The threads are
/// shared by the whole process, are made when first needed and use no processor time between jobs.
/// </summary>
internal static unsafe class ParallelRegion
{
    /// <summary>More parts than this run on the calling thread.</summary>
    private const int MaxWorkers = 256;

    private static readonly Lock Gate = new();
    private static Worker? s_idle;
    private static int s_created;

    /// <summary>Calls <c>body(target, state, part)</c> for every part from 0 on and returns when all are done.</summary>
    /// <param name="parts">Parts, at least 1.</param>
    /// <param name="body">What to run; called from several threads at once.</param>
    /// <param name="target">Passed on.</param>
    /// <param name="state">Passed on; what it points at must stay in place until the method returns.</param>
    /// <exception cref="Exception">The exception of the lowest part that threw; every part has ended by then.</exception>
    internal static void Run(int parts, delegate*<object, void*, int, void> body, object target, void* state)
    {
        Worker? workers = Acquire(parts - 1, out int acquired);
        int part = 1;
        for (Worker? worker = workers; worker is not null; worker = worker.Next)
            worker.Start(body, target, state, part++);

        ExceptionDispatchInfo? failure = null;
        int failedPart = int.MaxValue;
        for (int own = 0; own < parts; own = own == 0 ? acquired + 1 : own + 1)
        {
            try
            {
                body(target, state, own);
            }
            catch (Exception e) when (failure is null)
            {
                failure = ExceptionDispatchInfo.Capture(e);
                failedPart = own;
            }
            catch
            {
                // An earlier part's exception is the one to report.
            }
        }
        part = 1;
        for (Worker? worker = workers; worker is not null; worker = worker.Next, part++)
        {
            ExceptionDispatchInfo? workerFailure = worker.Join();
            if (workerFailure is not null && part < failedPart)
            {
                failure = workerFailure;
                failedPart = part;
            }
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

    // Where the system gives no more threads, the caller does the work itself.
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
        private delegate*<object, void*, int, void> _body;
        private object? _target;
        private void* _state;
        private int _part;
        private ExceptionDispatchInfo? _failure;

        internal Worker()
        {
            var thread = new Thread(Loop, maxStackSize: 0) { IsBackground = true, Name = "EfficientConv worker" };
            thread.UnsafeStart();
        }

        /// <summary>The next of the list that the worker is in: the idle ones or one region's.</summary>
        internal Worker? Next { get; set; }

        internal void Start(delegate*<object, void*, int, void> body, object target, void* state, int part)
        {
            _body = body;
            _target = target;
            _state = state;
            _part = part;
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
                    _body(_target!, _state, _part);
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
