using EfficientConv.Dsl.Serving.Grpc;
using Grpc.Core;

namespace EfficientConv.Dsl.Serving;

/// <summary>
/// The protocol's model repository extension over gRPC. By the protocol its methods are the inference service's; here they are a class of their own, which is mapped by
/// itself, because not everybody who may infer may take a model away.
/// </summary>
[BindServiceMethod(typeof(ModelRepositoryGrpc), nameof(Bind))]
internal class ModelRepositoryGrpc(RepositoryService repository)
{
    public static void Bind(ServiceBinderBase binder, ModelRepositoryGrpc? service)
    {
        GrpcMethods.Add<RepositoryIndexRequest, RepositoryIndexResponse>(
            binder, nameof(RepositoryIndex), RepositoryIndexRequest.Parser, service is null ? null! : service.RepositoryIndex);
        GrpcMethods.Add<RepositoryModelLoadRequest, RepositoryModelLoadResponse>(
            binder, nameof(RepositoryModelLoad), RepositoryModelLoadRequest.Parser, service is null ? null! : service.RepositoryModelLoad);
        GrpcMethods.Add<RepositoryModelUnloadRequest, RepositoryModelUnloadResponse>(
            binder, nameof(RepositoryModelUnload), RepositoryModelUnloadRequest.Parser, service is null ? null! : service.RepositoryModelUnload);
    }

    public virtual Task<RepositoryIndexResponse> RepositoryIndex(RepositoryIndexRequest request, ServerCallContext context)
    {
        RepositoryIndexResponse response = new();
        foreach (RepositoryEntry entry in repository.Index(request.Ready))
        {
            response.Models.Add(
                new RepositoryIndexResponse.Types.ModelIndex { Name = entry.Name, Version = entry.Version ?? "", State = entry.State, Reason = entry.Reason ?? "" });
        }

        return Task.FromResult(response);
    }

    public virtual async Task<RepositoryModelLoadResponse> RepositoryModelLoad(RepositoryModelLoadRequest request, ServerCallContext context)
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

    public virtual async Task<RepositoryModelUnloadResponse> RepositoryModelUnload(RepositoryModelUnloadRequest request, ServerCallContext context)
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
}
