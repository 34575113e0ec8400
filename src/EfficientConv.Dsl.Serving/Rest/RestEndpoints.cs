using System.Buffers;
using System.Globalization;
using System.IO.Pipelines;
using System.Runtime.InteropServices;
using System.Text.Json;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;

namespace EfficientConv.Dsl.Serving;

/// <summary>The protocol over REST, with its extension for binary tensors, and the classification of pictures.</summary>
internal sealed class RestEndpoints(InferenceService service)
{
    /// <summary>Says how many bytes at a body's beginning are JSON; tensors follow.</summary>
    private const string JsonLengthHeader = "Inference-Header-Content-Length";

    /// <summary>Bytes of the JSON before binary tensors.</summary>
    private const int MaxJsonHeader = 64 << 10;

    public static IEndpointConventionBuilder Map(IEndpointRouteBuilder endpoints, InferenceService service)
    {
        RestEndpoints rest = new(service);
        RouteGroupBuilder group = endpoints.MapGroup("/v2");
        Get("", rest.GetServer);
        Get("/health/live", static context => JsonModels.WriteAsync(context, StatusCodes.Status200OK, new Liveness(true), JsonModels.Default.Liveness)).AllowAnonymous();
        Get("/health/ready", rest.GetReady).AllowAnonymous();
        foreach (string model in (string[])["/models/{model}", "/models/{model}/versions/{version}"])
        {
            Get(model, rest.GetModel);
            Get(model + "/ready", rest.GetModelReady).AllowAnonymous();
            Post(model + "/infer", rest.InferAsync);
            Post(model + "/classify", rest.ClassifyAsync);
        }

        return group;

        IEndpointConventionBuilder Get(string pattern, RequestDelegate handler) => group.MapMethods(pattern, [HttpMethods.Get], rest.Guard(handler));
        void Post(string pattern, RequestDelegate handler) => group.MapMethods(pattern, [HttpMethods.Post], rest.Guard(handler));
    }

    public static string? Model(HttpContext context) => (string?)context.Request.RouteValues["model"];

    private static string? Version(HttpContext context) => (string?)context.Request.RouteValues["version"];

    /// <summary>Turns exceptions into the protocol's error object.</summary>
    private RequestDelegate Guard(RequestDelegate handler) => async context =>
    {
        try
        {
            await handler(context).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // Nobody is there to read an answer.
        }
        catch (Exception exception)
        {
            // Kestrel's own words for a body that is too large, too slow or cut off.
            if (exception is BadHttpRequestException bad)
            {
                exception = new InferenceException(
                    bad.StatusCode switch
                    {
                        StatusCodes.Status413PayloadTooLarge => InferenceError.TooLarge,
                        StatusCodes.Status408RequestTimeout => InferenceError.SlowRequest,
                        _ => InferenceError.InvalidArgument,
                    },
                    bad.Message, bad);
            }

            await RefuseAsync(context, exception).ConfigureAwait(false);
        }
    };

    private Task RefuseAsync(HttpContext context, Exception exception)
    {
        InferenceException error = service.Explain(exception, Model(context), Version(context));
        if (context.Response.HasStarted)
        {
            context.Abort();
            return Task.CompletedTask;
        }

        context.Response.Clear();
        if (error.Error == InferenceError.Overloaded)
            context.Response.Headers.RetryAfter = "1";
        return JsonModels.WriteAsync(context, Status(error.Error), new ErrorMessage(error.Message), JsonModels.Default.ErrorMessage);
    }

    public static int Status(InferenceError error) => error switch
    {
        InferenceError.InvalidArgument => StatusCodes.Status400BadRequest,
        InferenceError.NotFound => StatusCodes.Status404NotFound,
        InferenceError.SlowRequest => StatusCodes.Status408RequestTimeout,
        InferenceError.TooLarge => StatusCodes.Status413PayloadTooLarge,
        InferenceError.Overloaded => StatusCodes.Status429TooManyRequests,
        InferenceError.DeadlineExceeded => StatusCodes.Status504GatewayTimeout,
        _ => StatusCodes.Status500InternalServerError,
    };

    private Task GetServer(HttpContext context) => JsonModels.WriteAsync(
        context, StatusCodes.Status200OK, new ServerMetadata(service.Options.ServerName, Descriptions.Version, Descriptions.Extensions), JsonModels.Default.ServerMetadata);

    // The protocol wants a status of 400 to 499 where the answer is no.
    private Task GetReady(HttpContext context) => JsonModels.WriteAsync(
        context, service.State.IsReady ? StatusCodes.Status200OK : StatusCodes.Status400BadRequest, new Readiness(service.State.IsReady), JsonModels.Default.Readiness);

    private Task GetModelReady(HttpContext context)
    {
        ServedModel model = service.Models.Get(Model(context), Version(context));
        return JsonModels.WriteAsync(
            context, service.State.IsReady ? StatusCodes.Status200OK : StatusCodes.Status400BadRequest,
            new ModelReadiness(model.Name, service.State.IsReady), JsonModels.Default.ModelReadiness);
    }

    private Task GetModel(HttpContext context)
    {
        ServedModel model = service.Models.Get(Model(context), Version(context));
        ModelMetadata metadata = new(
            model.Name,
            [.. service.Models.VersionsOf(model.Name)],
            ServedModel.Platform,
            [new TensorMetadata(ServedModel.InputName, ServedModel.Datatype, [-1, .. model.InputDimensions])],
            [.. model.Outputs.Select((output, i) => new TensorMetadata(output.Name, ServedModel.Datatype, [-1, .. model.OutputDimensions[i]]))]);
        return JsonModels.WriteAsync(context, StatusCodes.Status200OK, metadata, JsonModels.Default.ModelMetadata);
    }

    private async Task InferAsync(HttpContext context)
    {
        ServedModel model = service.Models.Get(Model(context), Version(context));
        // Not thrown: under overload this is what most requests come to.
        if (service.TryEnter(out InferenceScheduler.Admission? admission) is { } full)
        {
            await RefuseAsync(context, full).ConfigureAwait(false);
            return;
        }

        using (admission)
        {
            using InferCall call = new();
            await ReadAsync(context, call, model).ConfigureAwait(false);
            admission!.Arrived();
            int[] outputs = call.FindOutputs();
            await service.RunAsync(call.CreateJob(), call.Timeout, context.RequestAborted).ConfigureAwait(false);
            WriteTimes(context, call.Job!);
            InferJsonWriter.Write(context.Response, call, outputs);
            await context.Response.BodyWriter.FlushAsync(context.RequestAborted).ConfigureAwait(false);
        }
    }

    private async Task ClassifyAsync(HttpContext context)
    {
        ServedModel model = service.Models.Get(Model(context), Version(context));
        PictureJob.CheckModel(model);
        int top = 5;
        if (context.Request.Query.TryGetValue("top", out Microsoft.Extensions.Primitives.StringValues asked)
            && (!int.TryParse(asked, NumberStyles.None, CultureInfo.InvariantCulture, out top) || top < 1 || top > model.OutputLength))
            throw ServedModel.Invalid($"top: expected 1 to {model.OutputLength}, found {ServedModel.Quoted(asked)}");
        if (service.TryEnter(out InferenceScheduler.Admission? admission) is { } full)
        {
            await RefuseAsync(context, full).ConfigureAwait(false);
            return;
        }

        using (admission)
        {
            using CancellationTokenSource body = StartBody(context);
            PipeReader reader = context.Request.BodyReader;
            PictureJob job;
            try
            {
                ReadOnlySequence<byte> file = await ReadToEndAsync(reader, service.Options.MaxRequestBytes, body.Token).ConfigureAwait(false);
                // One array: the decoders go to and fro in it.
                job = new PictureJob(model, file.ToArray(), service.Options.MaxImagePixels, top);
                reader.AdvanceTo(file.End);
            }
            catch (OperationCanceledException) when (!context.RequestAborted.IsCancellationRequested)
            {
                throw Slow();
            }

            admission!.Arrived();
            await service.RunAsync(job, null, context.RequestAborted).ConfigureAwait(false);
            WriteTimes(context, job);
            await JsonModels.WriteAsync(
                context, StatusCodes.Status200OK,
                new ClassifyAnswer(model.Name, model.Version, job.Width, job.Height, job.Classes), JsonModels.Default.ClassifyAnswer).ConfigureAwait(false);
        }
    }

    /// <summary>The times of a request, in a browser's own header for them.</summary>
    private static void WriteTimes(HttpContext context, InferenceJob job) => context.Response.Headers["Server-Timing"] =
        string.Create(CultureInfo.InvariantCulture, $"queue;dur={job.Waited.TotalMilliseconds:0.###}, infer;dur={job.Ran.TotalMilliseconds:0.###}");

    /// <summary>Sets the body's limits, of size and of time.</summary>
    private CancellationTokenSource StartBody(HttpContext context)
    {
        int most = service.Options.MaxRequestBytes;
        if (context.Request.ContentLength > most)
            throw TooLarge(most);
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
            size.MaxRequestBodySize = most;
        CancellationTokenSource source = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        source.CancelAfter(service.Options.BodyTimeout);
        return source;
    }

    private async Task ReadAsync(HttpContext context, InferCall call, ServedModel model)
    {
        using CancellationTokenSource body = StartBody(context);
        PipeReader reader = context.Request.BodyReader;
        try
        {
            long? binary;
            if (!context.Request.Headers.TryGetValue(JsonLengthHeader, out Microsoft.Extensions.Primitives.StringValues header))
            {
                ReadOnlySequence<byte> all = await ReadToEndAsync(reader, service.Options.MaxRequestBytes, body.Token).ConfigureAwait(false);
                binary = InferJsonReader.Read(all, call, model, service.Options.MaxBatch);
                reader.AdvanceTo(all.End);
                if (binary is not null)
                    throw ServedModel.Invalid($"the request has binary data, but no header {JsonLengthHeader} that says where they begin");
                return;
            }

            if (!int.TryParse(header, NumberStyles.None, CultureInfo.InvariantCulture, out int length))
                throw ServedModel.Invalid($"{JsonLengthHeader}: expected a number of bytes, found {ServedModel.Quoted(header)}");
            if (length > MaxJsonHeader && length != context.Request.ContentLength)
                throw new InferenceException(InferenceError.TooLarge, $"{JsonLengthHeader}: expected at most {MaxJsonHeader} bytes before binary data, found {length}");
            ReadOnlySequence<byte> json = await ReadAtLeastAsync(reader, length, body.Token).ConfigureAwait(false);
            binary = InferJsonReader.Read(json, call, model, service.Options.MaxBatch);
            reader.AdvanceTo(json.End);
            if (binary is not null)
                await ReadTensorAsync(reader, call.RentInput((int)(binary.Value / sizeof(float))), (int)binary.Value, body.Token).ConfigureAwait(false);
            await ExpectEndAsync(reader, body.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!context.RequestAborted.IsCancellationRequested)
        {
            throw Slow();
        }
    }

    /// <summary>From the socket's buffers to the kernel's input: the one copy that there is.</summary>
    private static async Task ReadTensorAsync(PipeReader reader, float[] destination, int length, CancellationToken cancellationToken)
    {
        int done = 0;
        while (done < length)
        {
            ReadResult result = await reader.ReadAsync(cancellationToken).ConfigureAwait(false);
            ReadOnlySequence<byte> part = result.Buffer.Slice(0, Math.Min(result.Buffer.Length, length - done));
            part.CopyTo(MemoryMarshal.AsBytes(destination.AsSpan())[done..]);
            done += (int)part.Length;
            reader.AdvanceTo(part.End);
            if (result.IsCompleted && done < length)
                throw ServedModel.Invalid($"binary data: expected {length} bytes behind the JSON, found {done}");
        }
    }

    private static async Task ExpectEndAsync(PipeReader reader, CancellationToken cancellationToken)
    {
        ReadResult result = await reader.ReadAsync(cancellationToken).ConfigureAwait(false);
        bool isEnd = result.Buffer.IsEmpty && result.IsCompleted;
        reader.AdvanceTo(result.Buffer.End);
        if (!isEnd && !result.Buffer.IsEmpty)
            throw ServedModel.Invalid("the request has bytes behind its tensors");
    }

    private static async Task<ReadOnlySequence<byte>> ReadAtLeastAsync(PipeReader reader, int length, CancellationToken cancellationToken)
    {
        ReadResult result = await reader.ReadAtLeastAsync(Math.Max(1, length), cancellationToken).ConfigureAwait(false);
        if (result.Buffer.Length >= length)
            return result.Buffer.Slice(0, length);
        throw ServedModel.Invalid($"{JsonLengthHeader}: the body ends before its {length} bytes of JSON, found {result.Buffer.Length}");
    }

    private static async Task<ReadOnlySequence<byte>> ReadToEndAsync(PipeReader reader, int most, CancellationToken cancellationToken)
    {
        while (true)
        {
            ReadResult result = await reader.ReadAsync(cancellationToken).ConfigureAwait(false);
            if (result.Buffer.Length > most)
                throw TooLarge(most);
            if (result.IsCompleted)
                return result.Buffer;
            reader.AdvanceTo(result.Buffer.Start, result.Buffer.End);
        }
    }

    private InferenceException Slow() =>
        new(InferenceError.SlowRequest, $"the request's body did not arrive within {service.Options.BodyTimeout.TotalMilliseconds:0} ms");

    private static InferenceException TooLarge(int most) => new(InferenceError.TooLarge, $"the request's body is larger than {most} bytes, the most that is taken");
}

/// <summary>What the server says of itself by both protocols.</summary>
internal static class Descriptions
{
    public static string Version { get; } = typeof(Descriptions).Assembly.GetName().Version?.ToString(3) ?? "0.0.0";

    public static string[] Extensions { get; } = ["binary_tensor_data", "model_repository", "classify_image"];
}
