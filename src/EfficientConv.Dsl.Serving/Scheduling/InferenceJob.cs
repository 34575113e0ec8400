using System.Diagnostics;

namespace EfficientConv.Dsl.Serving;

/// <summary>Images of one request that wait for workers or are run by them. What the scheduler changes, it changes under its lock.</summary>
internal abstract class InferenceJob(ServedModel model, int images)
{
    private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public ServedModel Model => model;

    /// <summary>How many images are to be run; fewer once it was cancelled.</summary>
    internal int Images { get; set; } = images;

    internal int Taken { get; set; }

    internal int Finished { get; set; }

    internal Exception? Failure { get; set; }

    internal long Queued { get; set; }

    internal LinkedListNode<InferenceJob>? Node { get; set; }

    internal CancellationToken Cancellation { get; set; }

    /// <summary>From the queue's end to a worker, for the first image.</summary>
    public TimeSpan Waited { get; internal set; }

    /// <summary>All images' time on workers.</summary>
    public TimeSpan Ran { get; internal set; }

    internal Task Done => _done.Task;

    /// <summary>Runs an image, on a worker. Several of them may run at once.</summary>
    internal abstract void Run(int image, int threads);

    internal void Complete()
    {
        if (Failure is not null)
            _done.SetException(Failure);
        else
            _done.SetResult();
    }

    internal void Start() => Waited = Stopwatch.GetElapsedTime(Queued);
}
