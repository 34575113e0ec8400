using System.Collections.Immutable;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace EfficientConv.Dsl.Serving;

using Versions = ImmutableSortedDictionary<string, ServedModel>;

/// <summary>
/// The models that are served. They are loaded, replaced and unloaded while requests run: a version is published when it is whole, in one step with all others of its
/// model, and a request that has begun keeps the one it has.
/// </summary>
public sealed class ModelRepository
{
    private readonly IReadOnlyDictionary<string, ModelSource> _sources;
    private readonly ILogger _logger;
    private readonly int _threads;
    private readonly Lock _loading = new();
    private Task? _beginning;
    private ImmutableDictionary<string, Versions> _served = ImmutableDictionary.Create<string, Versions>(StringComparer.Ordinal);

    internal ModelRepository(ConvNetModels models, IOptions<ConvNetServerOptions> options, ILogger<ModelRepository> logger)
    {
        _sources = models.Sources;
        _threads = options.Value.ThreadsPerImage;
        _logger = logger;
    }

    /// <summary>Names and versions that are served now.</summary>
    public IReadOnlyList<(string Name, string Version)> Served =>
        [.. Volatile.Read(ref _served).OrderBy(model => model.Key, StringComparer.Ordinal).SelectMany(model => model.Value.Keys.Select(version => (model.Key, version)))];

    /// <summary>Names of all models, served or not.</summary>
    public IReadOnlyCollection<string> Names => [.. _sources.Keys.Order(StringComparer.Ordinal)];

    /// <summary>
    /// Loads a model from where its weights are, or loads it again: all versions that are there now take the place of those that were served. When anything is wrong with
    /// one of them, nothing changes.
    /// </summary>
    /// <param name="name">The model.</param>
    /// <param name="cancellationToken">A load that has begun is finished all the same.</param>
    /// <exception cref="KeyNotFoundException">The server was told of no such model.</exception>
    /// <exception cref="Exception">What <see cref="IConvNet{TSelf}.Load(string, LoadOptions?)"/> throws.</exception>
    public async Task LoadAsync(string name, CancellationToken cancellationToken = default)
    {
        if (!_sources.TryGetValue(name, out ModelSource? source))
            throw new KeyNotFoundException($"There is no model {ServedModel.Quoted(name)}.");
        try
        {
            await Task.Run(() => Publish(source, source.LoadVersions), cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            Log.ModelFailed(_logger, name, exception);
            throw;
        }
    }

    /// <summary>Serves a model, or a version of it, no longer. What runs is finished; the memory is free when the last request has ended.</summary>
    /// <param name="name">The model.</param>
    /// <param name="version">Its version; null for all.</param>
    /// <returns>Whether it was served.</returns>
    public bool Unload(string name, string? version = null)
    {
        lock (_loading)
        {
            if (!_served.TryGetValue(name, out Versions? versions) || (version is not null && !versions.ContainsKey(version)))
                return false;
            Versions left = version is null ? versions.Clear() : versions.Remove(version);
            Volatile.Write(ref _served, left.IsEmpty ? _served.Remove(name) : _served.SetItem(name, left));
            foreach (string gone in versions.Keys.Except(left.Keys))
                Log.ModelUnloaded(_logger, name, gone);
            return true;
        }
    }

    /// <summary>A model by name and version, the newest where none is named.</summary>
    /// <exception cref="InferenceException">It is not served.</exception>
    internal ServedModel Get(string? name, string? version)
    {
        if (Find(name, version) is { } model)
            return model;
        string what = string.IsNullOrEmpty(version) ? $"model {ServedModel.Quoted(name)}" : $"version {ServedModel.Quoted(version)} of model {ServedModel.Quoted(name)}";
        throw new InferenceException(InferenceError.NotFound, $"{what} is not served here");
    }

    internal ServedModel? Find(string? name, string? version)
    {
        if (name is null || !Volatile.Read(ref _served).TryGetValue(name, out Versions? versions))
            return null;
        return string.IsNullOrEmpty(version) ? versions.Values.Last() : versions.GetValueOrDefault(version);
    }

    internal IEnumerable<string> VersionsOf(string name) => Volatile.Read(ref _served).TryGetValue(name, out Versions? versions) ? versions.Keys : [];

    /// <summary>Begins to load all models, beside what else there is to do until the server starts.</summary>
    internal void BeginToLoadAll() => _beginning ??= Task.Run(LoadAll);

    /// <summary>Returns when all models are there; loads them where that was not begun.</summary>
    internal Task LoadAllAsync(CancellationToken cancellationToken)
    {
        BeginToLoadAll();
        return _beginning!.WaitAsync(cancellationToken);
    }

    private void LoadAll()
    {
        foreach (ModelSource source in _sources.Values)
        {
            try
            {
                Publish(source, source.LoadBegun);
            }
            catch (Exception exception)
            {
                Log.ModelFailed(_logger, source.Name, exception);
                throw;
            }
        }
    }

    private void Publish(ModelSource source, Func<int, IReadOnlyList<LoadedVersion>> load)
    {
        lock (_loading)
        {
            IReadOnlyList<LoadedVersion> loaded = load(_threads);
            Versions versions = Versions.Empty.WithComparers(ServedModel.VersionOrder).AddRange(loaded.Select(version => KeyValuePair.Create(version.Version, version.Model)));
            IEnumerable<string> before = VersionsOf(source.Name);
            Volatile.Write(ref _served, _served.SetItem(source.Name, versions));
            foreach ((string version, string from, ServedModel model, TimeSpan time) in loaded)
                Log.ModelLoaded(_logger, source.Name, version, model.NetworkName, from, model.InstructionSet, model.WeightBytes, (long)time.TotalMilliseconds);
            foreach (string gone in before.Where(version => !versions.ContainsKey(version)))
                Log.ModelUnloaded(_logger, source.Name, gone);
        }
    }
}
