using System.Runtime.InteropServices;
using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Model;
using Google.Protobuf;

namespace EfficientConv.Dsl.Measuring.Onnx;

/// <summary>
/// Builds an ONNX file. Only the few messages and fields that a convolutional network needs are written, straight through
/// <see cref="CodedOutputStream"/>: no generated classes and no protocol compiler. Field numbers are those of onnx.proto.
/// </summary>
internal sealed class OnnxModelWriter
{
    private const int IrVersion = 9;
    private const int FloatType = 1;
    private const int Int64Type = 7;

    private readonly List<byte[]> _nodes = [];
    private readonly List<byte[]> _initializers = [];

    /// <summary>Adds an operator with one output, which is called <paramref name="output"/>.</summary>
    public void AddNode(string type, string output, string[] inputs, IEnumerable<OnnxAttribute> attributes) => _nodes.Add(Message(stream =>
    {
        foreach (string input in inputs)
            WriteString(stream, 1, input);
        WriteString(stream, 2, output);
        WriteString(stream, 3, output);
        WriteString(stream, 4, type);
        foreach (OnnxAttribute attribute in attributes)
            WriteMessage(stream, 5, Attribute(attribute));
    }));

    /// <summary>Adds a constant of floats.</summary>
    public void AddInitializer(string name, IEnumerable<int> shape, float[] values) =>
        _initializers.Add(Tensor(name, [.. shape], FloatType, MemoryMarshal.AsBytes(values.AsSpan()).ToArray()));

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
            WriteInteger(stream, 2, OnnxForm.Opset);
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

    private static byte[] Attribute(OnnxAttribute attribute) => Message(stream =>
    {
        const int Float = 1, Integer = 2, Text = 3, Integers = 7;
        WriteString(stream, 1, attribute.Name);
        int type;
        switch (attribute.Value)
        {
            case float value:
                stream.WriteTag(2, WireFormat.WireType.Fixed32);
                stream.WriteFloat(value);
                type = Float;
                break;
            case long value:
                WriteInteger(stream, 3, value);
                type = Integer;
                break;
            case string value:
                WriteString(stream, 4, value);
                type = Text;
                break;
            case EquatableArray<long> values:
                foreach (long value in values)
                    WriteInteger(stream, 8, value);
                type = Integers;
                break;
            default:
                throw new InvalidOperationException($"The attribute {attribute.Name} cannot be written: {attribute.Value}.");
        }

        WriteInteger(stream, 20, type);
    });

    private static byte[] Message(Action<CodedOutputStream> write)
    {
        using MemoryStream memory = new();
        using (CodedOutputStream stream = new(memory, leaveOpen: true))
            write(stream);
        return memory.ToArray();
    }

    private static void WriteInteger(CodedOutputStream stream, int field, long value)
    {
        stream.WriteTag(field, WireFormat.WireType.Varint);
        stream.WriteInt64(value);
    }

    private static void WriteString(CodedOutputStream stream, int field, string value)
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
