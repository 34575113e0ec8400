namespace EfficientConv.Dsl.Serving;

/// <summary>The models of a server, as <c>AddConvNets</c> is told of them.</summary>
public sealed class ConvNetModels
{
    private readonly Dictionary<string, ModelSource> _sources = new(StringComparer.Ordinal);

    internal IReadOnlyDictionary<string, ModelSource> Sources => _sources;

    /// <summary>Adds a model.</summary>
    /// <typeparam name="TNetwork">The network's class.</typeparam>
    /// <param name="name">What clients call it.</param>
    /// <param name="path">
    /// Its weights: a .safetensors file, the index of several (.json), packed weights (.packed); or a folder that has a folder with one such file for each version
    /// (<c>1/weights.safetensors</c>, <c>2/weights.safetensors</c>).
    /// </param>
    /// <param name="configure">Version, load options, pictures.</param>
    /// <exception cref="ArgumentException">There is a model of this name already.</exception>
    public ConvNetModels Add<TNetwork>(string name, string path, Action<ModelOptions>? configure = null)
        where TNetwork : class, IConvNet<TNetwork>
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return Add(name, path, (file, options) => IsPacked(file) ? TNetwork.LoadPacked(file, options.Load) : TNetwork.Load(file, options.Load), configure);
    }

    /// <summary>Adds a model whose weights the program has itself: from a resource, a stream, or random ones.</summary>
    /// <typeparam name="TNetwork">The network's class.</typeparam>
    /// <param name="name">What clients call it.</param>
    /// <param name="load">Makes the network, at the start and whenever it is loaded again.</param>
    /// <param name="configure">Version, pictures.</param>
    /// <exception cref="ArgumentException">There is a model of this name already.</exception>
    public ConvNetModels Add<TNetwork>(string name, Func<TNetwork> load, Action<ModelOptions>? configure = null)
        where TNetwork : class, IConvNet<TNetwork>
    {
        ArgumentNullException.ThrowIfNull(load);
        return Add(name, null, (_, _) => load(), configure);
    }

    internal void Begin()
    {
        foreach (ModelSource source in _sources.Values)
            source.Begin();
    }

    private ConvNetModels Add<TNetwork>(string name, string? path, Func<string, ModelOptions, TNetwork> load, Action<ModelOptions>? configure)
        where TNetwork : class, IConvNet<TNetwork>
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        if (name.Contains('/'))
            throw new ArgumentException($"A model's name is a part of its address and must not have a slash, found \"{name}\".", nameof(name));
        ModelOptions options = new();
        configure?.Invoke(options);
        ModelSource source = new(name, path, options, (version, file, images) => new ServedModel<TNetwork>(name, version, load(file, options), images));
        source.CheckImages(TNetwork.InputShape);
        if (!_sources.TryAdd(name, source))
            throw new ArgumentException($"There is a model \"{name}\" already.", nameof(name));
        return this;
    }

    private static bool IsPacked(string path) => path.EndsWith(".packed", StringComparison.OrdinalIgnoreCase);
}

/// <summary>What else there is to say of a model.</summary>
public sealed class ModelOptions
{
    /// <summary>The version of weights that are one file.</summary>
    public string Version { get; set; } = "1";

    /// <summary>Prefix, strictness and instruction set.</summary>
    public LoadOptions? Load { get; set; }

    /// <summary>How pictures become its input.</summary>
    public ImageOptions Images { get; } = new();
}
