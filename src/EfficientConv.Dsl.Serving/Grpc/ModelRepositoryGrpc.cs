using EfficientConv.Dsl.Serving.Grpc;
using Grpc.AspNetCore.Server.Model;
using Grpc.Core;

namespace EfficientConv.Dsl.Serving;

/// <summary>
/// The protocol's model repository extension over gRPC. By the protocol its methods are the inference service's; here they are a class of their own, which is mapped by
/// itself, because not everybody who may infer may take a model away.
/// </summary>
internal sealed class ModelRepositoryGrpc(RepositoryService repository)
{
    public Task<RepositoryIndexResponse> RepositoryIndex(RepositoryIndexRequest request, ServerCallContext context)
    {
        RepositoryIndexResponse response = new();
        foreach (RepositoryEntry entry in repository.Index(request.Ready))
        {
            response.Models.Add(
                new RepositoryIndexResponse.Types.ModelIndex { Name = entry.Name, Version = entry.Version ?? "", State = entry.State, Reason = entry.Reason ?? "" });
        }

        return Task.FromResult(response);
    }

    public async Task<RepositoryModelLoadResponse> RepositoryModelLoad(RepositoryModelLoadRequest request, ServerCallContext context)
    {
        try
        {
            await repository.LoadAsync(request.ModelName, context.CancellationToken).ConfigureAwait(false);
            return new RepositoryModelLoadResponse();
        }
        catch (InferenceException exception)
        {
            throw GrpcMethods.ToRpc(exception);
        }
    }

    public async Task<RepositoryModelUnloadResponse> RepositoryModelUnload(RepositoryModelUnloadRequest request, ServerCallContext context)
    {
        try
        {
            await repository.UnloadAsync(request.ModelName).ConfigureAwait(false);
            return new RepositoryModelUnloadResponse();
        }
        catch (InferenceException exception)
        {
            throw GrpcMethods.ToRpc(exception);
        }
    }

    public sealed class Methods : IServiceMethodProvider<ModelRepositoryGrpc>
    {
        public void OnServiceMethodDiscovery(ServiceMethodProviderContext<ModelRepositoryGrpc> context)
        {
            GrpcMethods.Add(context, nameof(RepositoryIndex), RepositoryIndexRequest.Parser, static (service, request, call) => service.RepositoryIndex(request, call));
            GrpcMethods.Add(context, nameof(RepositoryModelLoad), RepositoryModelLoadRequest.Parser, static (service, request, call) => service.RepositoryModelLoad(request, call));
            GrpcMethods.Add(
                context, nameof(RepositoryModelUnload), RepositoryModelUnloadRequest.Parser, static (service, request, call) => service.RepositoryModelUnload(request, call));
        }
    }
}
