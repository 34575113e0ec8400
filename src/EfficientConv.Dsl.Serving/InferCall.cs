using System.Buffers;
using System.Diagnostics;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace EfficientConv.Dsl.Serving;

/// <summary>A request to run a network on a tensor, whichever protocol it came by; owns the memory of its input and output.</summary>
internal sealed class InferCall : IDisposable
{
    private float[]? _input;
    private float[]? _output;

    public string? Id { get; set; }

    /// <summary>How long it may wait and run.</summary>
    public TimeSpan? Timeout { get; set; }

    /// <summary>The outputs that were asked for, in this order, and whether each is wanted in binary; all of them where null.</summary>
    public List<(string? Name, bool? Binary)>? Requested { get; set; }

    /// <summary>Whether outputs are wanted in binary of which the request does not say it one by one; REST alone.</summary>
    public bool IsBinaryOutput { get; set; }

    public ServedModel Model { get; private set; } = null!;

    public int Batch { get; private set; }

    public float[] Input => _input!;

    public ReadOnlySpan<float> Output => _output.AsSpan(0, Batch * Model.OutputLength);

    public InferenceJob? Job { get; private set; }

    /// <summary>Memory for an input of so many floats; what lies in it is undefined.</summary>
    public float[] RentInput(int length)
    {
        Debug.Assert(_input is null, "an input is read once");
        return _input = ArrayPool<float>.Shared.Rent(length);
    }

    public void Bind(ServedModel model, int batch)
    {
        Model = model;
        Batch = batch;
    }

    /// <summary>The outputs to answer with, as indices of the model's.</summary>
    public int[] FindOutputs() => Requested is null ? [.. Enumerable.Range(0, Model.Outputs.Length)] : [.. Requested.Select(output => Model.FindOutput(output.Name))];

    public InferenceJob CreateJob()
    {
        _output = ArrayPool<float>.Shared.Rent(Batch * Model.OutputLength);
        return Job = new TensorJob(Model, Batch, _input!, _output);
    }

    public void Dispose()
    {
        if (_input is not null)
            ArrayPool<float>.Shared.Return(_input);
        if (_output is not null)
            ArrayPool<float>.Shared.Return(_output);
        _input = _output = null;
    }
}

/// <summary>What both protocols do with a request that has been read.</summary>
internal sealed class InferenceService(
    ModelRepository models, InferenceScheduler scheduler, ServerState state, Telemetry telemetry, IOptions<ConvNetServerOptions> options, ILogger<InferenceService> logger)
{
    public ModelRepository Models => models;

    public ServerState State => state;

    public ConvNetServerOptions Options => options.Value;

    /// <summary>See <see cref="InferenceScheduler.TryEnter"/>.</summary>
    public InferenceException? TryEnter(out InferenceScheduler.Admission? admission) => scheduler.TryEnter(out admission);

    /// <summary>Runs a job until its deadline.</summary>
    /// <param name="job">The job.</param>
    /// <param name="timeout">What the request says; the server's own limit holds beside it.</param>
    /// <param name="clientGone">The client went away.</param>
    /// <exception cref="OperationCanceledException">The client went away.</exception>
    public async Task RunAsync(InferenceJob job, TimeSpan? timeout, CancellationToken clientGone)
    {
        using Activity? activity = Telemetry.Activities.StartActivity("infer", ActivityKind.Internal);
        if (activity is { IsAllDataRequested: true })
        {
            activity.DisplayName = $"infer {job.Model.Name}";
            activity.SetTag("convnet.model.name", job.Model.Name).SetTag("convnet.model.version", job.Model.Version).SetTag("convnet.images", job.Images);
        }

        TimeSpan? limit = timeout is null || options.Value.RequestTimeout < timeout ? options.Value.RequestTimeout : timeout;
        try
        {
            if (limit is null)
            {
                await scheduler.RunAsync(job, clientGone).ConfigureAwait(false);
            }
            else
            {
                using CancellationTokenSource deadline = CancellationTokenSource.CreateLinkedTokenSource(clientGone);
                deadline.CancelAfter(limit.Value);
                await scheduler.RunAsync(job, deadline.Token).ConfigureAwait(false);
            }

            activity?.SetTag("convnet.queue.duration", job.Waited.TotalSeconds).SetTag("convnet.image.duration", job.Ran.TotalSeconds);
        }
        catch (OperationCanceledException) when (clientGone.IsCancellationRequested)
        {
            activity?.SetStatus(ActivityStatusCode.Error, "cancelled");
            telemetry.Cancelled(job.Model);
            throw;
        }
        catch (OperationCanceledException)
        {
            activity?.SetStatus(ActivityStatusCode.Error, "deadline exceeded");
            throw new InferenceException(InferenceError.DeadlineExceeded, $"the request did not end within its {limit!.Value.TotalMilliseconds:0.###} ms");
        }
        catch (Exception exception)
        {
            activity?.SetStatus(ActivityStatusCode.Error, exception is InferenceException ? exception.Message : "internal error");
            throw;
        }
    }

    /// <summary>What the client is told of an exception, which is counted and logged.</summary>
    public InferenceException Explain(Exception exception, string? model, string? version)
    {
        if (exception is not InferenceException known)
        {
            Log.Failed(logger, model, exception);
            known = new InferenceException(InferenceError.Internal, "the server failed; its log says why", exception);
        }
        else
        {
            Log.Rejected(logger, model, known.Error, known.Message);
        }

        telemetry.Rejected(models.Find(model, version), known.Error);
        return known;
    }

    /// <summary>A timeout as Triton's parameter of this name has it, in microseconds; 0 means none.</summary>
    public static TimeSpan? ParseTimeout(long microseconds) =>
        microseconds is < 0 or > 3_600_000_000 ? throw ServedModel.Invalid($"parameter \"timeout\": expected 0 to 3600000000 microseconds, found {microseconds}")
        : microseconds == 0 ? null
        : TimeSpan.FromMicroseconds(microseconds);
}

/// <summary>Whether the server takes work. It is live whenever it answers.</summary>
internal sealed class ServerState
{
    private volatile bool _ready;

    public bool IsReady
    {
        get => _ready;
        set => _ready = value;
    }
}
