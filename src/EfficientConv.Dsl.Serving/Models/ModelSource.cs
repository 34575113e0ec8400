namespace EfficientConv.Dsl.Serving;

/// <summary>Where a model's versions come from, and how they are made.</summary>
internal sealed class ModelSource(string name, string? path, ModelOptions options, Func<string, string, ImageOptions, ServedModel> load)
{
    private static readonly string[] s_extensions = [".safetensors", ".packed", ".json"];

    public string Name => name;

    public string Describe(string? file) => file ?? path ?? "the program";

    /// <summary>The versions that there are now, with their files.</summary>
    public IReadOnlyList<(string Version, string? File)> Find()
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

    /// <summary>A version, whole: loaded, its labels read, and run once, so that the first client waits for no compiler and no page fault.</summary>
    public ServedModel Load(string version, string? file, int threads)
    {
        ImageOptions images = options.Images;
        if (images.LabelsPath is { } labels)
            images = new ImageOptions { ShorterSide = images.ShorterSide, Mean = images.Mean, Std = images.Std, Softmax = images.Softmax, Labels = File.ReadAllLines(labels) };
        ServedModel model = load(version, file ?? string.Empty, images);
        model.Forward(new float[model.InputLength], new float[model.OutputLength], threads);
        return model;
    }

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
