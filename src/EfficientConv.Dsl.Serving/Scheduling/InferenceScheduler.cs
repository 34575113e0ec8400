using System.Diagnostics;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace EfficientConv.Dsl.Serving;

/// <summary>
/// A bounded queue and threads that run one image each at a time. A batch is no faster than its images one by one, so nothing waits for company; the images of one request
/// are shared out among the workers that are free. What was cancelled or is too late leaves the queue at once.
/// </summary>
internal sealed class InferenceScheduler : IDisposable
{
    private readonly ConvNetServerOptions _options;
    private readonly Telemetry _telemetry;
    private readonly LinkedList<InferenceJob> _queue = new();
    private readonly Thread[] _workers;
    private int _queued;
    private int _busy;
    private int _requests;
    private int _arriving;
    private bool _stopping;

    public InferenceScheduler(IOptions<ConvNetServerOptions> options, Telemetry telemetry, ILogger<InferenceScheduler> logger)
    {
        _options = options.Value;
        _options.Check();
        _telemetry = telemetry;
        telemetry.Observe(() => Volatile.Read(ref _queued), () => Volatile.Read(ref _busy), _options.EffectiveWorkers);
        _workers = new Thread[_options.EffectiveWorkers];
        for (int i = 0; i < _workers.Length; i++)
        {
            _workers[i] = new Thread(Work) { IsBackground = true, Name = $"convnet worker {i}" };
            _workers[i].UnsafeStart();
        }

        Log.Started(logger, _workers.Length, _options.ThreadsPerImage, _options.QueueCapacity);
    }

    /// <summary>
    /// Admits a request before its body is read, so that one too many costs nearly nothing. Those whose bodies are on their way have the last places of the queue before
    /// them, else most would be read for nothing when it is nearly full. They have a few of the places only: clients that send slowly must not hold all.
    /// </summary>
    /// <param name="admission">To be disposed of when the request has been answered; null where it is not admitted.</param>
    /// <returns>Why it is not admitted: the queue is full, or there are too many requests. Null where it is.</returns>
    public InferenceException? TryEnter(out Admission? admission)
    {
        admission = null;
        int held = Math.Min(Volatile.Read(ref _arriving), Math.Min(2 * _workers.Length, _options.QueueCapacity / 2));
        if (Volatile.Read(ref _queued) + held >= _options.QueueCapacity)
            return Full();
        if (Interlocked.Increment(ref _requests) > _options.MaxConcurrentRequests)
        {
            Interlocked.Decrement(ref _requests);
            return new InferenceException(InferenceError.Overloaded, $"the server has {_options.MaxConcurrentRequests} requests already, as many as it takes at once");
        }

        Interlocked.Increment(ref _arriving);
        admission = new Admission(this);
        return null;
    }

    /// <summary>Runs a job's images and returns when all have ended: whoever owns their memory may use it again.</summary>
    /// <exception cref="InferenceException">The queue is full.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled before all its images had begun.</exception>
    public async Task RunAsync(InferenceJob job, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        job.Cancellation = cancellationToken;
        lock (_queue)
        {
            // A request of more images than may wait runs when nothing else does.
            if (_queued + job.Images > _options.QueueCapacity && _queued > 0)
                throw Full();
            _queued += job.Images;
            job.Queued = Stopwatch.GetTimestamp();
            job.Node = _queue.AddLast(job);
            if (job.Images == 1)
                Monitor.Pulse(_queue);
            else
                Monitor.PulseAll(_queue);
        }

        CancellationTokenRegistration registration = cancellationToken.UnsafeRegister(static state => ((Cancellable)state!).Cancel(), new Cancellable(this, job));
        await using (registration.ConfigureAwait(false))
            await job.Done.ConfigureAwait(false);
    }

    /// <summary>Ends the workers when the queue is empty.</summary>
    public void Stop()
    {
        lock (_queue)
        {
            _stopping = true;
            Monitor.PulseAll(_queue);
        }

        foreach (Thread worker in _workers)
            worker.Join();
    }

    public void Dispose() => Stop();

    private InferenceException Full() => new(InferenceError.Overloaded, $"the server is busy: {_options.QueueCapacity} images wait already, as many as may");

    private void Work()
    {
        WorkerPriority.Lower();
        while (Take() is (InferenceJob job, int image))
        {
            long begun = Stopwatch.GetTimestamp();
            Exception? failure = null;
            try
            {
                job.Run(image, _options.ThreadsPerImage);
            }
            catch (Exception exception)
            {
                failure = exception;
            }

            Finish(job, Stopwatch.GetElapsedTime(begun), failure);
        }
    }

    private (InferenceJob Job, int Image)? Take()
    {
        InferenceJob job;
        int image;
        lock (_queue)
        {
            while (_queue.First is null)
            {
                if (_stopping)
                    return null;
                Monitor.Wait(_queue);
            }

            job = _queue.First.Value;
            image = job.Taken++;
            _queued--;
            _busy++;
            if (job.Taken == job.Images)
                Remove(job);
            if (image == 0)
                job.Start();
        }

        if (image == 0)
            _telemetry.Waited(job.Model, job.Waited);
        return (job, image);
    }

    private void Finish(InferenceJob job, TimeSpan time, Exception? failure)
    {
        bool last;
        lock (_queue)
        {
            _busy--;
            job.Failure ??= failure;
            job.Ran += time;
            last = ++job.Finished == job.Images;
        }

        if (failure is null)
            _telemetry.Ran(job.Model, time);
        if (last)
            job.Complete();
    }

    private void Cancel(InferenceJob job)
    {
        lock (_queue)
        {
            if (job.Node is null)
                return;
            // What has begun is finished, the rest is not begun.
            Remove(job);
            _queued -= job.Images - job.Taken;
            job.Images = job.Taken;
            job.Failure ??= new OperationCanceledException(job.Cancellation);
            if (job.Finished < job.Taken)
                return;
        }

        job.Complete();
    }

    private void Remove(InferenceJob job)
    {
        _queue.Remove(job.Node!);
        job.Node = null;
    }

    /// <summary>A request that has been admitted.</summary>
    public sealed class Admission(InferenceScheduler scheduler) : IDisposable
    {
        private bool _isThere;
        private bool _isOver;

        /// <summary>Its body has been read.</summary>
        public void Arrived()
        {
            if (_isThere)
                return;
            _isThere = true;
            Interlocked.Decrement(ref scheduler._arriving);
        }

        public void Dispose()
        {
            if (_isOver)
                return;
            _isOver = true;
            Arrived();
            Interlocked.Decrement(ref scheduler._requests);
        }
    }

    private sealed class Cancellable(InferenceScheduler scheduler, InferenceJob job)
    {
        public void Cancel() => scheduler.Cancel(job);
    }
}
