using EfficientConv.Dsl.Compiler.Model;

namespace EfficientConv.Dsl.Compiler.Graph;

/// <summary>
/// How an operator is written in ONNX, as plain data: nodes in their order, of which the last one's output is the layer's; or why there is no such form.
/// A writer prints them, and a reader finds the operator whose nodes they are. Tensors are NCHW.
/// </summary>
/// <param name="Nodes">The nodes; none where there is no form.</param>
/// <param name="WhyNone">Why there is none; null where there is one.</param>
public sealed record OnnxForm(EquatableArray<OnnxNode> Nodes, string? WhyNone)
{
    /// <summary>The version of the operator set by which all forms are written: the newest operators are Gelu (20) and Mish (18).</summary>
    public const int Opset = 20;

    /// <summary>A form of some nodes.</summary>
    public static OnnxForm Of(params OnnxNode[] nodes) => new(nodes.ToEquatableArray(), null);

    /// <summary>A form of one node that reads what the layer reads, <paramref name="inputs"/> of them.</summary>
    public static OnnxForm Of(string type, int inputs, params OnnxAttribute[] attributes) =>
        Of(OnnxNode.Of(type, [.. Enumerable.Range(0, inputs).Select(OnnxInput.Layer)], attributes));

    /// <summary>No form.</summary>
    public static OnnxForm None(string because) => new([], because);
}

/// <summary>A node of one output.</summary>
/// <param name="Type">The operator's type in ONNX.</param>
/// <param name="Label">What the node makes, for names of tensors and for later nodes of the form; empty for the last one, which makes the layer's output.</param>
/// <param name="Inputs">What it reads.</param>
/// <param name="Attributes">Its attributes; those left out have their default.</param>
public sealed record OnnxNode(string Type, string Label, EquatableArray<OnnxInput> Inputs, EquatableArray<OnnxAttribute> Attributes)
{
    /// <summary>The last node of a form.</summary>
    public static OnnxNode Of(string type, OnnxInput[] inputs, params OnnxAttribute[] attributes) => new(type, string.Empty, inputs.ToEquatableArray(), attributes.ToEquatableArray());

    /// <summary>A node whose output later ones read as <see cref="OnnxInput.Result"/>.</summary>
    public OnnxNode As(string label) => this with { Label = label };

    /// <summary>Other dimensions of the same elements.</summary>
    public static OnnxNode Reshape(OnnxInput input, params long[] dimensions) => Of("Reshape", [input, OnnxInput.Integers("shape", dimensions)]);
}

/// <summary>What a node reads.</summary>
public abstract record OnnxInput
{
    /// <summary>An optional input that is left out.</summary>
    public static OnnxInput Absent { get; } = new OnnxNoInput();

    /// <summary>The first tensor that the layer reads.</summary>
    public static OnnxInput First { get; } = Layer(0);

    /// <summary>What the layer reads, by number.</summary>
    public static OnnxInput Layer(int index) => new OnnxLayerInput(index);

    /// <summary>What an earlier node of the form makes.</summary>
    public static OnnxInput Result(string label) => new OnnxResult(label);

    /// <summary>A tensor of the checkpoint with the dimensions that it has there, or with others.</summary>
    public static OnnxInput Parameter(ParameterTensor tensor, params int[] dimensions) =>
        new OnnxParameter(tensor.Key, dimensions.Length > 0 ? dimensions.ToEquatableArray() : tensor.Shape);

    /// <summary>A constant of integers in a row.</summary>
    public static OnnxInput Integers(string label, params long[] values) => new OnnxIntegers(label, values.ToEquatableArray());

    /// <summary>A constant without dimensions.</summary>
    public static OnnxInput Scalar(string label, float value) => new OnnxFloats(label, [], EquatableArray.Of(value));

    /// <summary>A constant of numbers in a row.</summary>
    public static OnnxInput Floats(string label, params float[] values) => new OnnxFloats(label, EquatableArray.Of(values.Length), values.ToEquatableArray());
}

/// <summary>An optional input that is left out.</summary>
public sealed record OnnxNoInput : OnnxInput;

/// <summary>What the layer reads.</summary>
/// <param name="Index">The number of the layer's input.</param>
public sealed record OnnxLayerInput(int Index) : OnnxInput;

/// <summary>What an earlier node of the form makes.</summary>
/// <param name="Label">That node's label.</param>
public sealed record OnnxResult(string Label) : OnnxInput;

/// <summary>A tensor of the checkpoint.</summary>
/// <param name="Key">Its name there.</param>
/// <param name="Shape">Its dimensions in ONNX.</param>
public sealed record OnnxParameter(TensorKey Key, EquatableArray<int> Shape) : OnnxInput;

/// <summary>A constant of 64-bit integers in a row.</summary>
/// <param name="Label">What it is, for its name.</param>
/// <param name="Values">Its elements.</param>
public sealed record OnnxIntegers(string Label, EquatableArray<long> Values) : OnnxInput;

/// <summary>A constant of floats.</summary>
/// <param name="Label">What it is, for its name.</param>
/// <param name="Shape">Its dimensions.</param>
/// <param name="Values">Its elements.</param>
public sealed record OnnxFloats(string Label, EquatableArray<int> Shape, EquatableArray<float> Values) : OnnxInput;

/// <summary>A named constant of a node.</summary>
/// <param name="Name">Its name in ONNX.</param>
/// <param name="Value"><see cref="long"/>, <see cref="float"/>, <see cref="string"/> or an <see cref="EquatableArray{T}"/> of <see cref="long"/>.</param>
public sealed record OnnxAttribute(string Name, object Value)
{
    /// <summary>An integer.</summary>
    public static OnnxAttribute Of(string name, long value) => new(name, value);

    /// <summary>A truth value, which ONNX writes as 1 or 0.</summary>
    public static OnnxAttribute Of(string name, bool value) => new(name, value ? 1L : 0L);

    /// <summary>A number.</summary>
    public static OnnxAttribute Of(string name, float value) => new(name, value);

    /// <summary>A text.</summary>
    public static OnnxAttribute Of(string name, string value) => new(name, value);

    /// <summary>Some integers.</summary>
    public static OnnxAttribute Of(string name, params long[] values) => new(name, values.ToEquatableArray());

    /// <summary>Rows and columns.</summary>
    public static OnnxAttribute Of(string name, Extent size) => Of(name, size.Height, size.Width);

    /// <summary>The four sides in ONNX's order: all beginnings first.</summary>
    public static OnnxAttribute Of(string name, Padding padding) => Of(name, padding.Top, padding.Left, padding.Bottom, padding.Right);
}
