namespace EfficientConv.Dsl.Import;

/// <summary>A node of a model.</summary>
/// <param name="Operator">ONNX's name of what it computes.</param>
/// <param name="Name">Its name, never empty.</param>
/// <param name="Inputs">Names of the tensors that it reads; empty ones for those that are left out.</param>
/// <param name="Outputs">Names of the tensors that it makes.</param>
/// <param name="Attributes">Its attributes.</param>
internal sealed record Node(string Operator, string Name, IReadOnlyList<string> Inputs, IReadOnlyList<string> Outputs, IReadOnlyDictionary<string, object> Attributes)
{
    /// <summary>The first tensor that it makes.</summary>
    public string Output => Outputs[0];

    /// <summary>Name of an input; null where it is left out.</summary>
    public string? Input(int index) => index < Inputs.Count && Inputs[index].Length > 0 ? Inputs[index] : null;

    /// <summary>A whole number.</summary>
    public long Integer(string name, long fallback) => Attributes.TryGetValue(name, out object? value) ? value is long number ? number : throw Wrong(name, "an integer") : fallback;

    /// <summary>A number.</summary>
    public double Number(string name, double fallback) => Attributes.TryGetValue(name, out object? value) ? value is float number ? number : throw Wrong(name, "a number") : fallback;

    /// <summary>A text.</summary>
    public string Text(string name, string fallback) => Attributes.TryGetValue(name, out object? value) ? value as string ?? throw Wrong(name, "a text") : fallback;

    /// <summary>Whole numbers; null where the attribute is not there.</summary>
    public int[]? Integers(string name) => Attributes.TryGetValue(name, out object? value)
        ? value is long[] numbers ? Array.ConvertAll(numbers, number => (int)Math.Clamp(number, int.MinValue, int.MaxValue)) : throw Wrong(name, "a list of integers")
        : null;

    /// <summary>What a message calls it.</summary>
    public override string ToString() => $"{Operator} \"{Name}\"";

    private ImportException Wrong(string name, string expected) => new($"{this}: its attribute {name} is not {expected}.");
}

/// <summary>A model as nodes in topological order, constants apart.</summary>
internal sealed record Model
{
    /// <summary>File name, for messages and comments.</summary>
    public required string File { get; init; }

    /// <summary>Who wrote the file.</summary>
    public required string Producer { get; init; }

    /// <summary>Version of the operators' meaning.</summary>
    public required int Opset { get; init; }

    /// <summary>The format's version as the file counts it.</summary>
    public required string Version { get; init; }

    /// <summary>The nodes.</summary>
    public required IReadOnlyList<Node> Nodes { get; init; }

    /// <summary>Weights, shapes and other constants by name.</summary>
    public required IReadOnlyDictionary<string, Tensor> Constants { get; init; }

    /// <summary>Name of the image that comes in.</summary>
    public required string Input { get; init; }

    /// <summary>Its dimensions.</summary>
    public required int[] InputDims { get; init; }

    /// <summary>Whether images have their channels last in every file of the format; else the nodes show it.</summary>
    public bool IsChannelsLast { get; init; }

    /// <summary>Names of what comes out.</summary>
    public required IReadOnlyList<string> Outputs { get; init; }

    /// <summary>What was changed while reading: types that became single precision.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];
}
