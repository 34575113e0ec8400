using System.Diagnostics;

namespace EfficientConv.Dsl.Serving;

/// <summary>Where a model's versions come from, and how they are made.</summary>
internal sealed class ModelSource(string name, string? path, ModelOptions options, Func<string, string, ImageOptions, ServedModel> load)
{
    private static readonly string[] s_extensions = [".safetensors", ".packed", ".json"];

    private Task<IReadOnlyList<LoadedVersion>>? _begun;

    public string Name => name;

    /// <summary>Begins to load the versions that there are, beside what else a program does before it serves.</summary>
    public void Begin() => _begun = Task.Run(() => LoadVersions(threads: 1));

    /// <summary>What <see cref="Begin"/> began, once, or else the versions that there are now.</summary>
    public IReadOnlyList<LoadedVersion> LoadBegun(int threads)
    {
        if (Interlocked.Exchange(ref _begun, null) is not { } begun)
            return LoadVersions(threads);
        IReadOnlyList<LoadedVersion> versions = begun.GetAwaiter().GetResult();
        if (threads > 1)
        {
            foreach (LoadedVersion version in versions)
                Run(version.Model, threads);
        }

        return versions;
    }

    /// <summary>
    /// The versions that there are now, each whole: loaded, its labels read, and run once, so that the first client waits for no compiler and no page fault.
    /// </summary>
    public IReadOnlyList<LoadedVersion> LoadVersions(int threads)
    {
        List<LoadedVersion> versions = [];
        foreach ((string version, string? file) in Find())
        {
            long begun = Stopwatch.GetTimestamp();
            versions.Add(new LoadedVersion(version, Describe(file), Load(version, file, threads), Stopwatch.GetElapsedTime(begun)));
        }

        return versions;
    }

    private string Describe(string? file) => file ?? path ?? "the program";

    /// <summary>The versions that there are now, with their files.</summary>
    private List<(string Version, string? File)> Find()
    {
        if (path is null || !Directory.Exists(path))
            return [(options.Version, path)];
        List<(string Version, string? File)> found = [];
        foreach (string folder in Directory.GetDirectories(path).Order(StringComparer.Ordinal))
        {
            string[] files = [.. Directory.GetFiles(folder).Where(file => s_extensions.Contains(Path.GetExtension(file), StringComparer.OrdinalIgnoreCase))];
            // Of the parts of a checkpoint their index is what is loaded.
            string[] indexes = [.. files.Where(file => file.EndsWith(".index.json", StringComparison.OrdinalIgnoreCase))];
            if (indexes.Length == 1)
                files = indexes;
            if (files.Length != 1)
                throw new InvalidDataException($"{folder}: expected one file of weights ({string.Join(", ", s_extensions)}), found {files.Length}");
            found.Add((Path.GetFileName(folder), files[0]));
        }

        return found.Count > 0 ? found : throw new InvalidDataException($"{path}: expected a folder for each version of {name}, found none");
    }

    private ServedModel Load(string version, string? file, int threads)
    {
        ImageOptions images = options.Images;
        if (images.LabelsPath is { } labels)
            images = new ImageOptions { ShorterSide = images.ShorterSide, Mean = images.Mean, Std = images.Std, Softmax = images.Softmax, Labels = File.ReadAllLines(labels) };
        ServedModel model = load(version, file ?? string.Empty, images);
        Run(model, threads);
        return model;
    }

    private static void Run(ServedModel model, int threads) => model.Forward(new float[model.InputLength], new float[model.OutputLength], threads);

    /// <summary>A mean for each channel, unless the network takes no pictures at all.</summary>
    public void CheckImages(TensorShape input)
    {
        ImageOptions images = options.Images;
        if (images.Mean.Count != images.Std.Count || images.Std.Any(std => std == 0))
            throw new ArgumentException($"The pictures of {name} need as many standard deviations, none of them 0, as means; found {images.Std.Count} and {images.Mean.Count}.");
        if (input.Channels is 1 or 3 && images.Mean.Count != input.Channels && images.Mean is not [0.485f, 0.456f, 0.406f])
            throw new ArgumentException($"The pictures of {name} need a mean for each of its {input.Channels} channels, found {images.Mean.Count}.");
    }
}

/// <summary>A version that was loaded: its name, where it comes from, and how long it took.</summary>
internal sealed record LoadedVersion(string Version, string From, ServedModel Model, TimeSpan Time);
