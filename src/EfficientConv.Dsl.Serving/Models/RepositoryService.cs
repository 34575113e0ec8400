namespace EfficientConv.Dsl.Serving;

/// <summary>What both protocols do with the model repository.</summary>
internal sealed class RepositoryService(ModelRepository models)
{
    /// <summary>Every version that is served and, unless only these are asked for, every model that is not.</summary>
    public RepositoryEntry[] Index(bool isReady)
    {
        IReadOnlyList<(string Name, string Version)> served = models.Served;
        IEnumerable<string> others = isReady ? [] : models.Names.Except(served.Select(model => model.Name));
        return
        [
            .. served.Select(model => new RepositoryEntry(model.Name, model.Version, "READY", null)),
            .. others.Select(name => new RepositoryEntry(name, null, "UNAVAILABLE", "unloaded")),
        ];
    }

    /// <summary>Loads a model, or loads it again.</summary>
    /// <exception cref="InferenceException">There is none of this name, or it could not be loaded.</exception>
    public async Task LoadAsync(string? name, CancellationToken cancellationToken)
    {
        try
        {
            await models.LoadAsync(name ?? "", cancellationToken).ConfigureAwait(false);
        }
        catch (KeyNotFoundException exception)
        {
            throw new InferenceException(InferenceError.NotFound, exception.Message, exception);
        }
        catch (Exception exception) when (IsAboutWeights(exception))
        {
            // The log has the whole text, with the server's paths.
            string message = $"model {ServedModel.Quoted(name)} could not be loaded ({exception.GetType().Name}); the server's log says why";
            throw new InferenceException(InferenceError.InvalidArgument, message, exception);
        }
    }

    /// <summary>Serves a model no longer, none of its versions.</summary>
    /// <exception cref="InferenceException">It is not served.</exception>
    public async Task UnloadAsync(string? name)
    {
        // It waits while a model is loaded.
        if (!await Task.Run(() => models.Unload(name ?? "")).ConfigureAwait(false))
            throw new InferenceException(InferenceError.NotFound, $"model {ServedModel.Quoted(name)} is not served here");
    }

    private static bool IsAboutWeights(Exception exception) =>
        exception is IOException or UnauthorizedAccessException or SafetensorsException or WeightsException or PackedWeightsException or InvalidDataException;
}
