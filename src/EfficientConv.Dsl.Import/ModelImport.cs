using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Import.Onnx;
using EfficientConv.Dsl.Import.TfLite;

namespace EfficientConv.Dsl.Import;

/// <summary>What an import asks for.</summary>
internal sealed record ImportRequest
{
    /// <summary>The model's file.</summary>
    public required string Path { get; init; }

    /// <summary>Name of the class.</summary>
    public required string Name { get; init; }

    /// <summary>Namespace of the class; empty for none.</summary>
    public string Namespace { get; init; } = string.Empty;

    /// <summary>Channels, height and width in place of the file's; null for those.</summary>
    public IReadOnlyList<int>? InputShape { get; init; }

    /// <summary>Tensors where the model is cut; none for its own outputs.</summary>
    public IReadOnlyList<string> Until { get; init; } = [];

    /// <summary>Whether the checkpoint is in half precision.</summary>
    public bool IsHalf { get; init; }
}

/// <summary>An imported model.</summary>
/// <param name="Source">The model as the file has it.</param>
/// <param name="Rewritten">The model with what exporters spelled out as one node each.</param>
/// <param name="Mapped">Its layers, with their weights and outputs.</param>
/// <param name="Written">The attributes of its layers.</param>
/// <param name="Text">The C# of its class.</param>
/// <param name="Explained">What was rewritten.</param>
internal sealed record ImportedModel(Model Source, Model Rewritten, MappedModel Mapped, WrittenGraph Written, string Text, IReadOnlyList<string> Explained)
{
    /// <summary>The tensors of the checkpoint by the keys that the attributes give them.</summary>
    public IEnumerable<(string Name, int[] Shape, float[] Values)> Weights
    {
        get
        {
            Dictionary<string, string> keys = Written.Keys.ToDictionary(pair => pair.Key, pair => pair.Value);
            return Mapped.Weights.Select(weight => weight with { Name = keys[weight.Name] });
        }
    }

    /// <summary>An image in the model's own order of dimensions as the network takes it.</summary>
    public float[] NetworkInput(float[] image)
    {
        Shape shape = Mapped.Graph.Input;
        int pixels = (int)shape.Pixels;
        if (Mapped.IsInputChannelsLast == Mapped.Graph.IsChannelsLast)
            return image;
        float[] ordered = new float[image.Length];
        for (int c = 0; c < shape.Channels; c++)
        {
            for (int p = 0; p < pixels; p++)
            {
                (int first, int last) = ((c * pixels) + p, (p * shape.Channels) + c);
                ordered[Mapped.Graph.IsChannelsLast ? last : first] = image[Mapped.Graph.IsChannelsLast ? first : last];
            }
        }

        return ordered;
    }

    /// <summary>The outputs of the file's own graph for an image, in the order of the network's span.</summary>
    /// <param name="image">The image in the model's own order of dimensions.</param>
    public double[] Reference(float[] image) => Outputs(Source, Run(image));

    /// <summary>All tensors of the file's own graph for an image.</summary>
    public IReadOnlyDictionary<string, Tensor> Run(float[] image) => Run(Source, Tensor.Of(Source.InputDims, image));

    /// <summary>All tensors of a model, each node of which can be run.</summary>
    /// <param name="model">The model.</param>
    /// <param name="image">The image.</param>
    /// <param name="isRounded">Whether what each node makes is rounded to single precision.</param>
    public static IReadOnlyDictionary<string, Tensor> Run(Model model, Tensor image, bool isRounded = false)
    {
        IReadOnlyDictionary<string, Tensor> tensors = Executor.Run(model, image, out IReadOnlyDictionary<Node, string> failed, isRounded);
        return failed.Count > 0 ? throw new ImportException($"{model.File}: {failed.First().Key} cannot be run: {failed.First().Value}") : tensors;
    }

    /// <summary>The outputs of a model, one after the other.</summary>
    public static double[] Outputs(Model model, IReadOnlyDictionary<string, Tensor> tensors) => [.. model.Outputs.SelectMany(name => tensors[name].Doubles())];
}

/// <summary>From a model's file to a class: read, normalise, map, write.</summary>
internal static class ModelImport
{
    /// <summary>Imports a model.</summary>
    /// <exception cref="ImportException">It cannot be read or said.</exception>
    public static ImportedModel Import(ImportRequest request) => Import(request, Read(request));

    /// <summary>Whether a file is one of TensorFlow Lite. What a file is stands in it; its name may say anything.</summary>
    public static bool IsTfLite(string path) => TfLiteReader.IsModel(path);

    /// <summary>Imports what a file was read to.</summary>
    /// <exception cref="ImportException">It cannot be said.</exception>
    public static ImportedModel Import(ImportRequest request, Model source)
    {
        Tensor image = Tensor.Unknown(source.InputDims);
        IReadOnlyDictionary<string, Tensor> shapes = Executor.Run(source, image, out _);
        Model rewritten = Rewriter.Rewrite(source, shapes, out IReadOnlyList<string> explained);
        IReadOnlyDictionary<string, Tensor> tensors = Executor.Run(rewritten, image, out IReadOnlyDictionary<Node, string> failed);
        MappedModel mapped = GraphMapper.Map(rewritten, tensors, failed);
        WrittenGraph written = AttributeWriter.WriteBlocks(mapped.Graph, layer => mapped.OwnNames.Contains(layer.Name) ? layer.Name : null, request.Name);
        if (written.Findings.Count > 0)
            throw new ImportException(string.Join("; ", written.Findings.Select(finding => finding.Message)));
        return new ImportedModel(source, rewritten, mapped, written, ClassText.Write(request, source, mapped.Graph, written, explained), explained);
    }

    private static Model Read(ImportRequest request) => IsTfLite(request.Path) ? TfLiteReader.Read(request.Path, request.InputShape, request.Until)
        : OnnxReader.Read(request.Path, request.InputShape, request.Until);
}
