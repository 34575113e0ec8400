using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace EfficientConv.Dsl.Serving;

/// <summary>The protocol's model repository extension.</summary>
internal static class RepositoryEndpoints
{
    public static IEndpointConventionBuilder Map(IEndpointRouteBuilder endpoints, InferenceService service)
    {
        RouteGroupBuilder group = endpoints.MapGroup("/v2/repository");
        Post("/index", context => JsonModels.WriteAsync(context, StatusCodes.Status200OK, Index(service.Models), JsonModels.Default.RepositoryEntryArray));
        Post("/models/{model}/load", async context =>
        {
            string model = RestEndpoints.Model(context)!;
            try
            {
                await service.Models.LoadAsync(model, context.RequestAborted).ConfigureAwait(false);
            }
            catch (KeyNotFoundException exception)
            {
                await Fail(context, StatusCodes.Status404NotFound, exception.Message).ConfigureAwait(false);
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or SafetensorsException or WeightsException or PackedWeightsException or InvalidDataException)
            {
                // The log has the whole text, with the server's paths.
                await Fail(context, StatusCodes.Status400BadRequest, $"model {ServedModel.Quoted(model)} could not be loaded ({exception.GetType().Name}); the server's log says why").ConfigureAwait(false);
            }
        });
        Post("/models/{model}/unload", async context =>
        {
            string model = RestEndpoints.Model(context)!;
            // It waits while a model is loaded.
            if (!await Task.Run(() => service.Models.Unload(model)).ConfigureAwait(false))
                await Fail(context, StatusCodes.Status404NotFound, $"model {ServedModel.Quoted(model)} is not served here").ConfigureAwait(false);
        });
        return group;

        void Post(string pattern, RequestDelegate handler) => group.MapMethods(pattern, [HttpMethods.Post], handler);
        static Task Fail(HttpContext context, int status, string message) => JsonModels.WriteAsync(context, status, new ErrorMessage(message), JsonModels.Default.ErrorMessage);
    }

    private static RepositoryEntry[] Index(ModelRepository models)
    {
        IReadOnlyList<(string Name, string Version)> served = models.Served;
        return
        [
            .. served.Select(model => new RepositoryEntry(model.Name, model.Version, "READY", null)),
            .. models.Names.Except(served.Select(model => model.Name)).Select(name => new RepositoryEntry(name, null, "UNAVAILABLE", "unloaded")),
        ];
    }
}
