using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace EfficientConv.Dsl.Serving;

/// <summary>The protocol's model repository extension over REST.</summary>
internal static class RepositoryEndpoints
{
    public static IEndpointConventionBuilder Map(IEndpointRouteBuilder endpoints, RepositoryService repository)
    {
        RouteGroupBuilder group = endpoints.MapGroup("/v2/repository");
        Post("/index", async context =>
        {
            RepositoryIndexQuery? query = await ReadAsync(context).ConfigureAwait(false);
            RepositoryEntry[] index = repository.Index(query is { Ready: true });
            await JsonModels.WriteAsync(context, StatusCodes.Status200OK, index, JsonModels.Default.RepositoryEntryArray).ConfigureAwait(false);
        });
        Post("/models/{model}/load", context => repository.LoadAsync(RestEndpoints.Model(context), context.RequestAborted));
        Post("/models/{model}/unload", context => repository.UnloadAsync(RestEndpoints.Model(context)));
        return group;

        void Post(string pattern, Func<HttpContext, Task> handler) => group.MapMethods(pattern, [HttpMethods.Post], async context =>
        {
            try
            {
                await handler(context).ConfigureAwait(false);
            }
            catch (InferenceException exception)
            {
                await JsonModels.WriteAsync(
                    context, RestEndpoints.Status(exception.Error), new ErrorMessage(exception.Message), JsonModels.Default.ErrorMessage).ConfigureAwait(false);
            }
        });
    }

    private static async Task<RepositoryIndexQuery?> ReadAsync(HttpContext context)
    {
        // Many clients ask without a body.
        if (context.Request.ContentLength is null or 0)
            return null;
        try
        {
            return await JsonSerializer.DeserializeAsync(context.Request.Body, JsonModels.Default.RepositoryIndexQuery, context.RequestAborted).ConfigureAwait(false);
        }
        catch (JsonException exception)
        {
            throw new InferenceException(InferenceError.InvalidArgument, "the request is no JSON object with \"ready\": true or false", exception);
        }
    }
}
