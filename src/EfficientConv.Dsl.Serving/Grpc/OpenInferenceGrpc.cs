using System.Globalization;
using EfficientConv.Dsl.Serving.Grpc;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace EfficientConv.Dsl.Serving;

/// <summary>
/// The protocol over gRPC. Its methods are bound here, not by the protocol compiler, so that a tensor goes from the socket's buffers to the kernel's input in one copy and no
/// message of its size is made of it. They are virtual because the binder looks for no others.
/// </summary>
[BindServiceMethod(typeof(OpenInferenceGrpc), nameof(Bind))]
internal class OpenInferenceGrpc(InferenceService service)
{
    private const string ServiceName = "inference.GRPCInferenceService";

    public static IEndpointConventionBuilder Map(IEndpointRouteBuilder endpoints, InferenceService service)
    {
        GrpcServiceEndpointConventionBuilder builder = endpoints.MapGrpcService<OpenInferenceGrpc>();
        builder.Add(endpoint =>
        {
            if (endpoint is RouteEndpointBuilder { RoutePattern.RawText: { } route, RequestDelegate: { } next } && route.EndsWith("/" + nameof(ModelInfer), StringComparison.Ordinal))
                endpoint.RequestDelegate = context => AdmitAsync(context, next, service);
        });
        return builder;
    }

    public static void Bind(ServiceBinderBase binder, OpenInferenceGrpc? service)
    {
        Add<ServerLiveRequest, ServerLiveResponse>(nameof(ServerLive), ServerLiveRequest.Parser, service is null ? null! : service.ServerLive);
        Add<ServerReadyRequest, ServerReadyResponse>(nameof(ServerReady), ServerReadyRequest.Parser, service is null ? null! : service.ServerReady);
        Add<ModelReadyRequest, ModelReadyResponse>(nameof(ModelReady), ModelReadyRequest.Parser, service is null ? null! : service.ModelReady);
        Add<ServerMetadataRequest, ServerMetadataResponse>(nameof(ServerMetadata), ServerMetadataRequest.Parser, service is null ? null! : service.ServerMetadata);
        Add<ModelMetadataRequest, ModelMetadataResponse>(nameof(ModelMetadata), ModelMetadataRequest.Parser, service is null ? null! : service.ModelMetadata);
        binder.AddMethod(
            new Method<GrpcInfer, GrpcInfer>(MethodType.Unary, ServiceName, nameof(ModelInfer), new Marshaller<GrpcInfer>(GrpcInfer.NotSent, GrpcInfer.Read), new Marshaller<GrpcInfer>(GrpcInfer.Write, GrpcInfer.NotRead)),
            service is null ? null! : service.ModelInfer);

        void Add<TRequest, TResponse>(string name, MessageParser<TRequest> parser, UnaryServerMethod<TRequest, TResponse> handler)
            where TRequest : class, IMessage<TRequest>, new()
            where TResponse : class, IMessage<TResponse>, new() => binder.AddMethod(
                new Method<TRequest, TResponse>(
                    MethodType.Unary, ServiceName, name,
                    new Marshaller<TRequest>(Send, context => parser.ParseFrom(context.PayloadAsReadOnlySequence())),
                    new Marshaller<TResponse>(Send, static _ => throw new NotSupportedException("a server reads no answers"))),
                handler);

        static void Send<T>(T message, SerializationContext context)
            where T : IMessage
        {
            context.SetPayloadLength(message.CalculateSize());
            message.WriteTo(context.GetBufferWriter());
            context.Complete();
        }
    }

    [AllowAnonymous]
    public virtual Task<ServerLiveResponse> ServerLive(ServerLiveRequest request, ServerCallContext context) => Task.FromResult(new ServerLiveResponse { Live = true });

    [AllowAnonymous]
    public virtual Task<ServerReadyResponse> ServerReady(ServerReadyRequest request, ServerCallContext context) => Task.FromResult(new ServerReadyResponse { Ready = service.State.IsReady });

    [AllowAnonymous]
    public virtual Task<ModelReadyResponse> ModelReady(ModelReadyRequest request, ServerCallContext context) =>
        Task.FromResult(new ModelReadyResponse { Ready = service.State.IsReady && service.Models.Find(request.Name, request.Version) is not null });

    public virtual Task<ServerMetadataResponse> ServerMetadata(ServerMetadataRequest request, ServerCallContext context) => Task.FromResult(
        new ServerMetadataResponse { Name = service.Options.ServerName, Version = Descriptions.Version, Extensions = { Descriptions.Extensions } });

    public virtual Task<ModelMetadataResponse> ModelMetadata(ModelMetadataRequest request, ServerCallContext context)
    {
        try
        {
            ServedModel model = service.Models.Get(request.Name, request.Version);
            ModelMetadataResponse response = new() { Name = model.Name, Platform = ServedModel.Platform, Versions = { service.Models.VersionsOf(model.Name) } };
            response.Inputs.Add(Describe(ServedModel.InputName, model.InputDimensions));
            response.Outputs.Add(model.Outputs.Select((output, i) => Describe(output.Name, model.OutputDimensions[i])));
            return Task.FromResult(response);
        }
        catch (InferenceException exception)
        {
            throw ToRpc(service.Explain(exception, request.Name, request.Version));
        }

        static ModelMetadataResponse.Types.TensorMetadata Describe(string name, long[] dimensions) =>
            new() { Name = name, Datatype = ServedModel.Datatype, Shape = { -1L, dimensions } };
    }

    public virtual async Task<GrpcInfer> ModelInfer(GrpcInfer request, ServerCallContext context)
    {
        BodyTimer? timer = context.GetHttpContext().Features.Get<BodyTimer>();
        timer?.Stop();
        InferCall call = request.Call;
        // The answer is written after this method has returned, from the call's memory.
        context.GetHttpContext().Response.RegisterForDispose(call);
        ModelInferRequest message = request.Message;
        try
        {
            ServedModel model = service.Models.Get(message.ModelName, message.ModelVersion);
            request.CheckInput(model, service.Options.MaxBatch);
            request.Prepare();
            await service.RunAsync(call.CreateJob(), call.Timeout, context.CancellationToken).ConfigureAwait(false);
            return request;
        }
        catch (OperationCanceledException) when (context.CancellationToken.IsCancellationRequested)
        {
            bool isLate = context.Deadline <= DateTime.UtcNow;
            throw new RpcException(new Status(isLate ? StatusCode.DeadlineExceeded : StatusCode.Cancelled, isLate ? "the deadline has passed" : "the client went away"));
        }
        catch (Exception exception)
        {
            throw ToRpc(service.Explain(exception, message.ModelName, message.ModelVersion));
        }
    }

    /// <summary>Admits a request before its message is read, and limits the time that it takes to arrive.</summary>
    private static async Task AdmitAsync(HttpContext context, RequestDelegate next, InferenceService service)
    {
        try
        {
            service.Enter();
        }
        catch (InferenceException exception)
        {
            InferenceException error = service.Explain(exception, null, null);
            context.Response.ContentType = "application/grpc";
            context.Response.Headers["grpc-status"] = ((int)ToStatus(error.Error)).ToString(CultureInfo.InvariantCulture);
            context.Response.Headers["grpc-message"] = Uri.EscapeDataString(error.Message);
            return;
        }

        try
        {
            using BodyTimer timer = new(context, service.Options.BodyTimeout);
            context.Features.Set(timer);
            await next(context).ConfigureAwait(false);
        }
        finally
        {
            service.Leave();
        }
    }

    private static RpcException ToRpc(InferenceException exception) => new(new Status(ToStatus(exception.Error), exception.Message));

    private static StatusCode ToStatus(InferenceError error) => error switch
    {
        InferenceError.InvalidArgument => StatusCode.InvalidArgument,
        InferenceError.NotFound => StatusCode.NotFound,
        InferenceError.TooLarge or InferenceError.Overloaded => StatusCode.ResourceExhausted,
        InferenceError.SlowRequest or InferenceError.DeadlineExceeded => StatusCode.DeadlineExceeded,
        _ => StatusCode.Internal,
    };

    /// <summary>Ends a call whose message does not arrive.</summary>
    private sealed class BodyTimer : IDisposable
    {
        private readonly Timer _timer;

        public BodyTimer(HttpContext context, TimeSpan time) => _timer = new Timer(static state => ((HttpContext)state!).Abort(), context, time, Timeout.InfiniteTimeSpan);

        public void Stop() => _timer.Change(Timeout.Infinite, Timeout.Infinite);

        public void Dispose() => _timer.Dispose();
    }
}
