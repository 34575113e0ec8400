using System.Globalization;
using EfficientConv.Dsl.Serving.Grpc;
using Grpc.AspNetCore.Server.Model;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace EfficientConv.Dsl.Serving;

/// <summary>
/// The protocol over gRPC. Its methods are bound here, not by the protocol compiler, so that a tensor goes from the socket's buffers to the kernel's input in one copy and no
/// message of its size is made of it.
/// </summary>
internal sealed class OpenInferenceGrpc(InferenceService service)
{
    public static IEndpointConventionBuilder Map(IEndpointRouteBuilder endpoints, InferenceService service)
    {
        GrpcServiceEndpointConventionBuilder builder = endpoints.MapGrpcService<OpenInferenceGrpc>();
        builder.Add(endpoint =>
        {
            string? route = (endpoint as RouteEndpointBuilder)?.RoutePattern.RawText;
            if (endpoint.RequestDelegate is { } next && route?.EndsWith("/" + nameof(ModelInfer), StringComparison.Ordinal) == true)
                endpoint.RequestDelegate = context => AdmitAsync(context, next, service);
        });
        return builder;
    }

    public static Task<ServerLiveResponse> ServerLive(ServerLiveRequest request, ServerCallContext context) => Task.FromResult(new ServerLiveResponse { Live = true });

    public Task<ServerReadyResponse> ServerReady(ServerReadyRequest request, ServerCallContext context) =>
        Task.FromResult(new ServerReadyResponse { Ready = service.State.IsReady });

    public Task<ModelReadyResponse> ModelReady(ModelReadyRequest request, ServerCallContext context) =>
        Task.FromResult(new ModelReadyResponse { Ready = service.State.IsReady && service.Models.Find(request.Name, request.Version) is not null });

    public Task<ServerMetadataResponse> ServerMetadata(ServerMetadataRequest request, ServerCallContext context) => Task.FromResult(
        new ServerMetadataResponse { Name = service.Options.ServerName, Version = Descriptions.Version, Extensions = { Descriptions.Extensions } });

    public Task<ModelMetadataResponse> ModelMetadata(ModelMetadataRequest request, ServerCallContext context)
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
            throw GrpcMethods.ToRpc(service.Explain(exception, request.Name, request.Version));
        }

        static ModelMetadataResponse.Types.TensorMetadata Describe(string name, long[] dimensions) =>
            new() { Name = name, Datatype = ServedModel.Datatype, Shape = { -1L, dimensions } };
    }

    public async Task<GrpcInfer> ModelInfer(GrpcInfer request, ServerCallContext context)
    {
        context.GetHttpContext().Features.Get<Arrival>()?.Stop();
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
            throw GrpcMethods.ToRpc(service.Explain(exception, message.ModelName, message.ModelVersion));
        }
    }

    /// <summary>Admits a request before its message is read, and limits the time that it takes to arrive.</summary>
    private static async Task AdmitAsync(HttpContext context, RequestDelegate next, InferenceService service)
    {
        if (service.TryEnter(out InferenceScheduler.Admission? admission) is { } full)
        {
            InferenceException error = service.Explain(full, null, null);
            context.Response.ContentType = "application/grpc";
            context.Response.Headers["grpc-status"] = ((int)GrpcMethods.ToStatus(error.Error)).ToString(CultureInfo.InvariantCulture);
            context.Response.Headers["grpc-message"] = Uri.EscapeDataString(error.Message);
            return;
        }

        using Arrival arrival = new(admission!, context, service.Options.BodyTimeout);
        context.Features.Set(arrival);
        await next(context).ConfigureAwait(false);
    }

    public sealed class Methods : IServiceMethodProvider<OpenInferenceGrpc>
    {
        public void OnServiceMethodDiscovery(ServiceMethodProviderContext<OpenInferenceGrpc> context)
        {
            GrpcMethods.Add(context, nameof(ServerLive), ServerLiveRequest.Parser, static (_, request, call) => ServerLive(request, call), isOpen: true);
            GrpcMethods.Add(context, nameof(ServerReady), ServerReadyRequest.Parser, static (service, request, call) => service.ServerReady(request, call), isOpen: true);
            GrpcMethods.Add(context, nameof(ModelReady), ModelReadyRequest.Parser, static (service, request, call) => service.ModelReady(request, call), isOpen: true);
            GrpcMethods.Add(context, nameof(ServerMetadata), ServerMetadataRequest.Parser, static (service, request, call) => service.ServerMetadata(request, call));
            GrpcMethods.Add(context, nameof(ModelMetadata), ModelMetadataRequest.Parser, static (service, request, call) => service.ModelMetadata(request, call));
            GrpcMethods.Add(
                context, nameof(ModelInfer), new Marshaller<GrpcInfer>(GrpcInfer.NotSent, GrpcInfer.Read), new Marshaller<GrpcInfer>(GrpcInfer.Write, GrpcInfer.NotRead),
                static (service, request, call) => service.ModelInfer(request, call));
        }
    }

    /// <summary>A call that was admitted; it is ended where its message does not arrive.</summary>
    private sealed class Arrival(InferenceScheduler.Admission admission, HttpContext context, TimeSpan time) : IDisposable
    {
        private readonly Timer _timer = new(static state => ((HttpContext)state!).Abort(), context, time, Timeout.InfiniteTimeSpan);

        /// <summary>The message is there.</summary>
        public void Stop()
        {
            _timer.Change(Timeout.Infinite, Timeout.Infinite);
            admission.Arrived();
        }

        public void Dispose()
        {
            _timer.Dispose();
            admission.Dispose();
        }
    }
}
