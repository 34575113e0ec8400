using System.Runtime.InteropServices;
using Google.Protobuf;

namespace EfficientConv.Dsl.Measuring.Onnx;

/// <summary>
/// Builds an ONNX file. Only the few messages and fields that a convolutional network needs are written, straight through
/// <see cref="CodedOutputStream"/>: no generated classes and no protocol compiler. Field numbers are those of onnx.proto.
/// </summary>
internal sealed class OnnxModelWriter
{
    /// <summary>The newest operators used: Gelu (20), Mish (18).</summary>
    private const int Opset = 20;
    private const int IrVersion = 9;
    private const int FloatType = 1;
    private const int Int64Type = 7;

    private readonly List<byte[]> _nodes = [];
    private readonly List<byte[]> _initializers = [];

    /// <summary>Adds an operator with one output, which is called <paramref name="output"/>.</summary>
    public void AddNode(string type, string output, string[] inputs, params OnnxAttribute[] attributes) => _nodes.Add(Message(stream =>
    {
        foreach (string input in inputs)
            WriteString(stream, 1, input);
        WriteString(stream, 2, output);
        WriteString(stream, 3, output);
        WriteString(stream, 4, type);
        foreach (OnnxAttribute attribute in attributes)
            WriteMessage(stream, 5, attribute.Encode());
    }));

    /// <summary>Adds a constant of floats.</summary>
    public void AddInitializer(string name, ReadOnlySpan<long> shape, float[] values) =>
        _initializers.Add(Tensor(name, shape.ToArray(), FloatType, MemoryMarshal.AsBytes(values.AsSpan()).ToArray()));

    /// <summary>Adds a one-dimensional constant of integers.</summary>
    public void AddInitializer(string name, long[] values) =>
        _initializers.Add(Tensor(name, [values.Length], Int64Type, MemoryMarshal.AsBytes(values.AsSpan()).ToArray()));

    /// <summary>The file's bytes.</summary>
    public byte[] Build(string graphName, string input, long[] inputShape, string output, long[] outputShape)
    {
        byte[] graph = Message(stream =>
        {
            foreach (byte[] node in _nodes)
                WriteMessage(stream, 1, node);
            WriteString(stream, 2, graphName);
            foreach (byte[] initializer in _initializers)
                WriteMessage(stream, 5, initializer);
            WriteMessage(stream, 11, ValueInfo(input, inputShape));
            WriteMessage(stream, 12, ValueInfo(output, outputShape));
        });
        byte[] operatorSet = Message(stream =>
        {
            WriteString(stream, 1, string.Empty);
            WriteInteger(stream, 2, Opset);
        });
        return Message(stream =>
        {
            WriteInteger(stream, 1, IrVersion);
            WriteString(stream, 2, "EfficientConv.Dsl.Benchmarks");
            WriteMessage(stream, 7, graph);
            WriteMessage(stream, 8, operatorSet);
        });
    }

    private static byte[] Tensor(string name, long[] shape, int type, byte[] data) => Message(stream =>
    {
        foreach (long dimension in shape)
            WriteInteger(stream, 1, dimension);
        WriteInteger(stream, 2, type);
        WriteString(stream, 8, name);
        WriteMessage(stream, 9, data);
    });

    private static byte[] ValueInfo(string name, long[] shape)
    {
        byte[] dimensions = Message(stream =>
        {
            foreach (long dimension in shape)
                WriteMessage(stream, 1, Message(value => WriteInteger(value, 1, dimension)));
        });
        byte[] tensor = Message(stream =>
        {
            WriteInteger(stream, 1, FloatType);
            WriteMessage(stream, 2, dimensions);
        });
        return Message(stream =>
        {
            WriteString(stream, 1, name);
            WriteMessage(stream, 2, Message(type => WriteMessage(type, 1, tensor)));
        });
    }

    internal static byte[] Message(Action<CodedOutputStream> write)
    {
        using MemoryStream memory = new();
        using (CodedOutputStream stream = new(memory, leaveOpen: true))
            write(stream);
        return memory.ToArray();
    }

    internal static void WriteInteger(CodedOutputStream stream, int field, long value)
    {
        stream.WriteTag(field, WireFormat.WireType.Varint);
        stream.WriteInt64(value);
    }

    internal static void WriteFloat(CodedOutputStream stream, int field, float value)
    {
        stream.WriteTag(field, WireFormat.WireType.Fixed32);
        stream.WriteFloat(value);
    }

    internal static void WriteString(CodedOutputStream stream, int field, string value)
    {
        stream.WriteTag(field, WireFormat.WireType.LengthDelimited);
        stream.WriteString(value);
    }

    private static void WriteMessage(CodedOutputStream stream, int field, byte[] message)
    {
        stream.WriteTag(field, WireFormat.WireType.LengthDelimited);
        stream.WriteBytes(UnsafeByteOperations.UnsafeWrap(message));
    }
}

/// <summary>A named constant of an operator.</summary>
internal readonly struct OnnxAttribute
{
    private enum Kind
    {
        Float = 1,
        Integer = 2,
        Text = 3,
        Integers = 7,
    }

    private readonly string _name;
    private readonly Kind _kind;
    private readonly float _float;
    private readonly long[] _integers;
    private readonly string _text;

    private OnnxAttribute(string name, Kind kind, float number = 0, long[]? integers = null, string text = "")
    {
        (_name, _kind, _float, _integers, _text) = (name, kind, number, integers ?? [], text);
    }

    public static OnnxAttribute Of(string name, float value) => new(name, Kind.Float, number: value);

    public static OnnxAttribute Of(string name, long value) => new(name, Kind.Integer, integers: [value]);

    public static OnnxAttribute Of(string name, string value) => new(name, Kind.Text, text: value);

    public static OnnxAttribute Of(string name, params long[] values) => new(name, Kind.Integers, integers: values);

    public byte[] Encode()
    {
        OnnxAttribute self = this;
        return OnnxModelWriter.Message(stream =>
        {
            OnnxModelWriter.WriteString(stream, 1, self._name);
            switch (self._kind)
            {
                case Kind.Float:
                    OnnxModelWriter.WriteFloat(stream, 2, self._float);
                    break;
                case Kind.Integer:
                    OnnxModelWriter.WriteInteger(stream, 3, self._integers[0]);
                    break;
                case Kind.Text:
                    OnnxModelWriter.WriteString(stream, 4, self._text);
                    break;
                case Kind.Integers:
                    foreach (long value in self._integers)
                        OnnxModelWriter.WriteInteger(stream, 8, value);
                    break;
            }

            OnnxModelWriter.WriteInteger(stream, 20, (long)self._kind);
        });
    }
}
