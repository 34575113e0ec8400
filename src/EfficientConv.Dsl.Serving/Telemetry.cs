using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace EfficientConv.Dsl.Serving;

/// <summary>What OpenTelemetry reads: a meter and a source of activities, both of the name <see cref="Name"/>. Durations are in seconds, as its conventions have them.</summary>
internal sealed class Telemetry : IDisposable
{
    public const string Name = ConvNetServing.TelemetryName;

    public static readonly ActivitySource Activities = new(Name);

    private readonly Meter _meter;
    private readonly Counter<long> _images;
    private readonly Counter<long> _rejections;
    private readonly Histogram<double> _queueTime;
    private readonly Histogram<double> _serviceTime;

    public Telemetry(IMeterFactory factory)
    {
        // From a fraction of a millisecond, a small network's time, to seconds.
        InstrumentAdvice<double> buckets = new() { HistogramBucketBoundaries = [0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5] };
        _meter = factory.Create(Name);
        _images = _meter.CreateCounter<long>("convnet.server.images", "{image}", "Images that a network ran on.");
        _rejections = _meter.CreateCounter<long>("convnet.server.rejections", "{request}", "Requests that got no answer, by error.type.");
        _queueTime = _meter.CreateHistogram("convnet.server.queue.duration", "s", "How long a request waited for a worker.", advice: buckets);
        _serviceTime = _meter.CreateHistogram("convnet.server.image.duration", "s", "How long a worker was busy with one image.", advice: buckets);
    }

    /// <summary>Makes the gauges, which ask the scheduler.</summary>
    public void Observe(Func<int> queued, Func<int> running, int workers)
    {
        _meter.CreateObservableUpDownCounter("convnet.server.queue.length", queued, "{image}", "Images that wait for a worker.");
        _meter.CreateObservableUpDownCounter("convnet.server.workers.busy", running, "{worker}", "Workers that run a network.");
        _meter.CreateObservableUpDownCounter("convnet.server.workers.limit", () => workers, "{worker}", "Workers.");
    }

    public void Waited(ServedModel model, TimeSpan time)
    {
        if (_queueTime.Enabled)
            _queueTime.Record(time.TotalSeconds, Tags(model));
    }

    public void Ran(ServedModel model, TimeSpan time)
    {
        if (!_images.Enabled && !_serviceTime.Enabled)
            return;
        TagList tags = Tags(model);
        _images.Add(1, tags);
        _serviceTime.Record(time.TotalSeconds, tags);
    }

    public void Rejected(ServedModel? model, InferenceError error)
    {
        if (!_rejections.Enabled)
            return;
        TagList tags = model is null ? default : Tags(model);
        tags.Add("error.type", error switch
        {
            InferenceError.InvalidArgument => "invalid_argument",
            InferenceError.NotFound => "not_found",
            InferenceError.SlowRequest => "slow_request",
            InferenceError.TooLarge => "too_large",
            InferenceError.Overloaded => "overloaded",
            InferenceError.DeadlineExceeded => "deadline_exceeded",
            _ => "internal",
        });
        _rejections.Add(1, tags);
    }

    /// <summary>A client that went away.</summary>
    public void Cancelled(ServedModel model)
    {
        if (!_rejections.Enabled)
            return;
        TagList tags = Tags(model);
        tags.Add("error.type", "cancelled");
        _rejections.Add(1, tags);
    }

    public void Dispose() => _meter.Dispose();

    private static TagList Tags(ServedModel model) => new() { { "convnet.model.name", model.Name }, { "convnet.model.version", model.Version } };
}
