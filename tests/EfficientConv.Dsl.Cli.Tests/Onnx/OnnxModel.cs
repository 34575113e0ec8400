using Google.Protobuf;

namespace EfficientConv.Dsl.Cli.Tests.Onnx;

/// <summary>What a test looks at in an ONNX file, read field by field as onnx.proto numbers them.</summary>
internal sealed record OnnxModel(string Input, string Output, long[] OutputShape, IReadOnlyList<OnnxFileNode> Nodes, IReadOnlyList<OnnxInitializer> Initializers, long Opset)
{
    public static OnnxModel Read(byte[] file)
    {
        Dictionary<int, List<Field>> model = Fields(file), graph = Fields(model[7][0].Bytes), output = Fields(graph[12][0].Bytes);
        Dictionary<int, List<Field>> shape = Fields(Fields(Fields(output[2][0].Bytes)[1][0].Bytes)[2][0].Bytes);
        return new OnnxModel(
            Fields(graph[11][0].Bytes)[1][0].Text, output[1][0].Text, [.. shape[1].Select(dimension => Fields(dimension.Bytes)[1][0].Number)],
            [.. graph[1].Select(node => ReadNode(Fields(node.Bytes)))], [.. graph.GetValueOrDefault(5, []).Select(tensor => ReadTensor(Fields(tensor.Bytes)))],
            Fields(model[8][0].Bytes)[2][0].Number);
    }

    private static OnnxFileNode ReadNode(Dictionary<int, List<Field>> node) => new(
        node[4][0].Text, [.. node[1].Select(f => f.Text)], Assert.Single(node[2]).Text, [.. node.GetValueOrDefault(5, []).Select(f => Fields(f.Bytes)[1][0].Text)]);

    private static OnnxInitializer ReadTensor(Dictionary<int, List<Field>> tensor)
    {
        const int Float = 1;
        int size = tensor[2][0].Number == Float ? sizeof(float) : sizeof(long);
        return new OnnxInitializer(tensor[8][0].Text, [.. tensor.GetValueOrDefault(1, []).Select(f => f.Number)], tensor[9][0].Bytes.Length / size);
    }

    private static Dictionary<int, List<Field>> Fields(byte[] message)
    {
        Dictionary<int, List<Field>> fields = [];
        CodedInputStream stream = new(message);
        while (stream.ReadTag() is not 0 and var tag)
        {
            Field field = WireFormat.GetTagWireType(tag) switch
            {
                WireFormat.WireType.Varint => new Field(stream.ReadInt64(), []),
                WireFormat.WireType.Fixed32 => new Field(stream.ReadFixed32(), []),
                WireFormat.WireType.LengthDelimited => new Field(0, stream.ReadBytes().ToByteArray()),
                var other => throw new InvalidOperationException($"{other} is not written."),
            };
            if (!fields.TryGetValue(WireFormat.GetTagFieldNumber(tag), out List<Field>? list))
                fields.Add(WireFormat.GetTagFieldNumber(tag), list = []);
            list.Add(field);
        }

        return fields;
    }

    private readonly record struct Field(long Number, byte[] Bytes)
    {
        public string Text => System.Text.Encoding.UTF8.GetString(Bytes);
    }
}

/// <summary>A node.</summary>
internal sealed record OnnxFileNode(string Type, string[] Inputs, string Output, string[] Attributes);

/// <summary>A constant.</summary>
internal sealed record OnnxInitializer(string Name, long[] Shape, long Elements);
