using System.Diagnostics;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace EfficientConv.Dsl.Serving.Tests;

/// <summary>The queue by itself, with jobs that end when a test says so.</summary>
public sealed class SchedulerTests : IDisposable
{
    private static readonly TimeSpan s_long = TimeSpan.FromSeconds(30);

    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly ServedModel _model = new ServedModel<TinyNet>("tiny", "1", TestServer.Tiny, new ImageOptions());
    private readonly Telemetry _telemetry;

    public SchedulerTests() => _telemetry = new Telemetry(_services.GetRequiredService<IMeterFactory>());

    public void Dispose()
    {
        _telemetry.Dispose();
        _services.Dispose();
    }

    [Fact]
    public async Task FullQueue_RejectsAtOnce_AndTakesAgainWhenItHasRoom()
    {
        using InferenceScheduler scheduler = Create(workers: 1, capacity: 2);
        using GatedJob running = new(_model), first = new(_model), second = new(_model), third = new(_model);
        Task[] tasks = [scheduler.RunAsync(running, default), scheduler.RunAsync(first, default), default!];
        await running.Began(0);
        tasks[2] = scheduler.RunAsync(second, default);
        long begun = Stopwatch.GetTimestamp();
        InferenceException atOnce = await Assert.ThrowsAsync<InferenceException>(() => scheduler.RunAsync(third, default));
        InferenceException atTheDoor = Assert.IsType<InferenceException>(scheduler.TryEnter(out _));
        Assert.True(Stopwatch.GetElapsedTime(begun) < TimeSpan.FromSeconds(1));
        Assert.Equal((InferenceError.Overloaded, InferenceError.Overloaded), (atOnce.Error, atTheDoor.Error));
        Assert.Equal("the server is busy: 2 images wait already, as many as may", atOnce.Message);
        running.Open();
        await first.Began(0);
        Enter(scheduler).Dispose();
        Task last = scheduler.RunAsync(third, default);
        first.Open();
        second.Open();
        third.Open();
        await Task.WhenAll([.. tasks, last]).WaitAsync(s_long);
    }

    /// <summary>When one place is left, one request's body is read for it. Clients that send slowly have a part of the queue before them, and never all of it.</summary>
    [Fact]
    public async Task RequestsOnTheirWay_HaveAFewPlaces()
    {
        using InferenceScheduler scheduler = Create(workers: 1, capacity: 6);
        using GatedJob running = new(_model), batch = new(_model, images: 5);
        Task first = scheduler.RunAsync(running, default);
        await running.Began(0);
        Task second = scheduler.RunAsync(batch, default);
        using (InferenceScheduler.Admission lastPlace = Enter(scheduler))
        {
            Assert.Equal(InferenceError.Overloaded, scheduler.TryEnter(out InferenceScheduler.Admission? none)!.Error);
            Assert.Null(none);
            // What has arrived is in the queue or has been answered.
            lastPlace.Arrived();
            Enter(scheduler).Dispose();
        }

        running.Open();
        batch.Open();
        await Task.WhenAll(first, second).WaitAsync(s_long);
        InferenceScheduler.Admission[] slow = [.. Enumerable.Range(0, 50).Select(_ => Enter(scheduler))];
        Array.ForEach(slow, admission => admission.Dispose());
    }

    [Fact]
    public void RequestsAtOnce_AreBounded_AndCountedOnce()
    {
        using InferenceScheduler scheduler = Create(workers: 1, capacity: 6, requests: 2);
        InferenceScheduler.Admission first = Enter(scheduler), second = Enter(scheduler);
        Assert.Equal("the server has 2 requests already, as many as it takes at once", scheduler.TryEnter(out _)!.Message);
        first.Dispose();
        first.Dispose();
        InferenceScheduler.Admission third = Enter(scheduler);
        Assert.NotNull(scheduler.TryEnter(out _));
        second.Dispose();
        third.Dispose();
        Enter(scheduler).Dispose();
    }

    [Fact]
    public async Task Jobs_RunInTheirOrder()
    {
        using InferenceScheduler scheduler = Create(workers: 1, capacity: 8);
        using GatedJob running = new(_model);
        List<int> order = [];
        Task gate = scheduler.RunAsync(running, default);
        await running.Began(0);
        Task[] tasks = [.. Enumerable.Range(0, 5).Select(i => scheduler.RunAsync(new ActionJob(_model, () => order.Add(i)), default))];
        running.Open();
        await Task.WhenAll([gate, .. tasks]).WaitAsync(s_long);
        Assert.Equal([0, 1, 2, 3, 4], order);
    }

    [Fact]
    public async Task Batch_IsSharedOutAmongWorkers()
    {
        using InferenceScheduler scheduler = Create(workers: 3, capacity: 8);
        using GatedJob batch = new(_model, images: 3);
        Task task = scheduler.RunAsync(batch, default);
        // All three have begun, and none has ended.
        for (int image = 0; image < 3; image++)
            await batch.Began(image);
        Assert.False(task.IsCompleted);
        batch.Open();
        await task.WaitAsync(s_long);
        Assert.True(batch.Ran > TimeSpan.Zero);
    }

    [Fact]
    public async Task Cancelled_LeavesTheQueueAtOnce()
    {
        using InferenceScheduler scheduler = Create(workers: 1, capacity: 1);
        using GatedJob running = new(_model), waiting = new(_model), next = new(_model);
        using CancellationTokenSource client = new();
        Task first = scheduler.RunAsync(running, default);
        await running.Began(0);
        Task second = scheduler.RunAsync(waiting, client.Token);
        await client.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => second.WaitAsync(s_long));
        // Its place is free, though nothing has ended.
        Task third = scheduler.RunAsync(next, default);
        running.Open();
        next.Open();
        await Task.WhenAll(first, third).WaitAsync(s_long);
        Assert.Equal(0, waiting.Runs);
    }

    [Fact]
    public async Task CancelledInTheMiddle_FinishesWhatHasBegun_AndNoMore()
    {
        using InferenceScheduler scheduler = Create(workers: 1, capacity: 8);
        using GatedJob batch = new(_model, images: 4);
        using CancellationTokenSource client = new();
        Task task = scheduler.RunAsync(batch, client.Token);
        await batch.Began(0);
        await client.CancelAsync();
        Assert.False(task.IsCompleted);
        batch.Open();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => task.WaitAsync(s_long));
        Assert.Equal(1, batch.Runs);
        await scheduler.RunAsync(new ActionJob(_model, static () => { }), default).WaitAsync(s_long);
    }

    [Fact]
    public async Task Failure_IsTheRequestsAlone()
    {
        using InferenceScheduler scheduler = Create(workers: 1, capacity: 8);
        await Assert.ThrowsAsync<InvalidDataException>(() => scheduler.RunAsync(new ActionJob(_model, static () => throw new InvalidDataException()), default).WaitAsync(s_long));
        await scheduler.RunAsync(new ActionJob(_model, static () => { }), default).WaitAsync(s_long);
    }

    /// <summary>The threads that talk to clients go first, however the program itself was started.</summary>
    [Fact]
    public async Task Workers_HaveALowerPriority()
    {
        if (!OperatingSystem.IsLinux())
            return;
        using InferenceScheduler scheduler = Create(workers: 1, capacity: 8);
        int worker = 0;
        await scheduler.RunAsync(new ActionJob(_model, () => worker = Niceness()), default).WaitAsync(s_long);
        Assert.Equal(Math.Min(Niceness() + 5, 19), worker);

        // The 19th field; the thread's name, the second one, may have spaces.
        static int Niceness() => int.Parse(File.ReadAllText("/proc/thread-self/stat").Split(')')[^1].Split(' ')[17], System.Globalization.CultureInfo.InvariantCulture);
    }

    [Fact]
    public async Task Stop_FinishesWhatWaits()
    {
        InferenceScheduler scheduler = Create(workers: 2, capacity: 100);
        int runs = 0;
        Task[] tasks = [.. Enumerable.Range(0, 50).Select(_ => scheduler.RunAsync(new ActionJob(_model, () => Interlocked.Increment(ref runs)), default))];
        scheduler.Stop();
        await Task.WhenAll(tasks).WaitAsync(s_long);
        Assert.Equal(50, runs);
    }

    /// <summary>Cancellation at any moment: no job is lost, none is run twice, and the count of those that wait comes back to nothing.</summary>
    [Fact]
    public async Task Cancellation_AtAnyMoment_LosesNothing()
    {
        using InferenceScheduler scheduler = Create(workers: 3, capacity: 1000);
        Task[] clients = [.. Enumerable.Range(0, 8).Select(client => Task.Run(async () =>
        {
            Random random = new(client);
            for (int i = 0; i < 300; i++)
            {
                using CancellationTokenSource source = new();
                int runs = 0, images = random.Next(1, 5), spins = random.Next(2000);
                Task task = scheduler.RunAsync(new ActionJob(_model, () => { Interlocked.Increment(ref runs); Thread.SpinWait(200); }, images), source.Token);
                Thread.SpinWait(spins);
                source.Cancel();
                try
                {
                    await task.WaitAsync(s_long);
                    Assert.Equal(images, runs);
                }
                catch (OperationCanceledException)
                {
                    int atEnd = runs;
                    Assert.InRange(atEnd, 0, images);
                    Thread.SpinWait(100);
                    Assert.Equal(atEnd, runs);
                }
            }
        }))];
        await Task.WhenAll(clients);
        // A full queue would reject this.
        await scheduler.RunAsync(new ActionJob(_model, static () => { }, images: 1000), default).WaitAsync(s_long);
    }

    private static InferenceScheduler.Admission Enter(InferenceScheduler scheduler)
    {
        Assert.Null(scheduler.TryEnter(out InferenceScheduler.Admission? admission));
        return admission!;
    }

    private InferenceScheduler Create(int workers, int capacity, int requests = 100) => new(
        Options.Create(new ConvNetServerOptions { Workers = workers, QueueCapacity = capacity, MaxConcurrentRequests = requests }),
        _telemetry, NullLogger<InferenceScheduler>.Instance);

    private sealed class ActionJob(ServedModel model, Action action, int images = 1) : InferenceJob(model, images)
    {
        internal override void Run(int image, int threads) => action();
    }

    private sealed class GatedJob(ServedModel model, int images = 1) : InferenceJob(model, images), IDisposable
    {
        private readonly ManualResetEventSlim _gate = new();
        private readonly TaskCompletionSource[] _began = [.. Enumerable.Range(0, images).Select(_ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously))];
        private int _runs;

        public int Runs => _runs;

        public Task Began(int image) => _began[image].Task.WaitAsync(s_long);

        public void Open() => _gate.Set();

        public void Dispose() => _gate.Dispose();

        internal override void Run(int image, int threads)
        {
            Interlocked.Increment(ref _runs);
            _began[image].SetResult();
            _gate.Wait(s_long);
        }
    }
}
