using EfficientConv.Dsl.Import.TfLite;
using Google.FlatBuffers;

namespace EfficientConv.Dsl.Cli.Tests.Import;

/// <summary>Writes small TensorFlow Lite files. Fields have the numbers that the published schema gives them.</summary>
internal sealed class TfLiteWriter
{
    private readonly FlatBufferBuilder _builder = new(1024);
    private readonly List<int> _tensors = [], _operators = [], _buffers = [], _codes = [];
    private readonly Dictionary<int, int> _bufferOf = [];
    private readonly List<(string Name, int Number)> _kinds = [];

    public TfLiteWriter() => _buffers.Add(Table());

    /// <summary>The image, which is tensor 0.</summary>
    public int Input(params int[] dims) => Tensor("image", dims);

    public int Constant(int[] dims, params float[] values) => Tensor($"c{_tensors.Count}", dims, TfLiteType.Single, [.. values.SelectMany(BitConverter.GetBytes)]);

    public int Integers(params int[] values) => Tensor($"i{_tensors.Count}", [values.Length], TfLiteType.Int32, [.. values.SelectMany(BitConverter.GetBytes)]);

    public int Integer(int value) => Tensor($"i{_tensors.Count}", [], TfLiteType.Int32, BitConverter.GetBytes(value));

    public int Half(int[] dims, params float[] values) => Tensor($"h{_tensors.Count}", dims, TfLiteType.Half, [.. values.SelectMany(value => BitConverter.GetBytes((Half)value))]);

    public int Quantized(string name, int[] dims, TfLiteType kind, byte[]? data, float[] scales, long[] zeros, int axis = 0) =>
        Tensor(name, dims, kind, data, quantization: Table((2, scales), (3, zeros), (6, axis)));

    /// <summary>Sparse weights: the order of the levels, which dimensions have blocks, and for each level its dense size or its segments and indices.</summary>
    public int Sparse(int[] dims, int[] order, int[] blocked, (int Size, int[]? Segments, int[]? Indices)[] levels, params float[] values)
    {
        int[] tables = [.. levels.Select((level, i) => level.Segments is null
            ? Table((0, (sbyte)0), (1, level.Size))
            : Table((0, (sbyte)1), (2, (sbyte)1), (3, new Offset(Table((0, level.Segments)))), (4, (sbyte)3),
                (5, new Offset(Table((0, Array.ConvertAll(level.Indices!, index => (byte)index)))))))];
        return Tensor($"s{_tensors.Count}", dims, TfLiteType.Single, [.. values.SelectMany(BitConverter.GetBytes)],
            sparsity: Table((0, order), (1, blocked), (2, new Offsets(tables))));
    }

    public int Tensor(string name, int[] dims, TfLiteType kind = TfLiteType.Single, byte[]? data = null, int quantization = 0, int sparsity = 0, int[]? signature = null)
    {
        int buffer = 0;
        if (data is not null)
        {
            buffer = _buffers.Count;
            _buffers.Add(Table((0, data)));
        }

        List<(int, object)> fields = [(0, dims), (1, (sbyte)kind), (2, buffer), (3, name)];
        if (quantization != 0)
            fields.Add((4, new Offset(quantization)));
        if (sparsity != 0)
            fields.Add((6, new Offset(sparsity)));
        if (signature is not null)
            fields.Add((7, signature));
        _bufferOf[_tensors.Count] = buffer;
        _tensors.Add(Table([.. fields]));
        return _tensors.Count - 1;
    }

    /// <summary>A tensor that has another one's values as its own.</summary>
    public int Alias(int tensor, string name, int[] dims)
    {
        _tensors.Add(Table((0, dims), (1, (sbyte)TfLiteType.SByte), (2, _bufferOf[tensor]), (3, name), (4, new Offset(Table((2, new[] { 1f }), (3, new[] { 0L }))))));
        return _tensors.Count - 1;
    }

    /// <summary>An operator with one output; its number.</summary>
    public int Add(string kind, int[] inputs, int[] made, params (int Field, object Value)[] options) => Node(kind, inputs, [Tensor($"t{_tensors.Count}", made)], options);

    /// <summary>An operator with outputs that are there; the first one's number.</summary>
    public int Node(string kind, int[] inputs, int[] outputs, (int Field, object Value)[] options, byte[]? custom = null)
    {
        int code = _kinds.FindIndex(known => known.Name == kind);
        if (code < 0)
        {
            bool isKnown = Enum.TryParse(kind, out BuiltinOperator number);
            code = _kinds.Count;
            _kinds.Add((kind, isKnown ? (int)number : (int)BuiltinOperator.CUSTOM));
            _codes.Add(isKnown ? Table((0, (sbyte)Math.Min((int)number, 127)), (3, (int)number))
                : Table((0, (sbyte)BuiltinOperator.CUSTOM), (1, kind), (3, (int)BuiltinOperator.CUSTOM)));
        }

        List<(int, object)> fields = [(0, code), (1, inputs), (2, outputs)];
        if (custom is null)
            fields.AddRange([(3, (sbyte)1), (4, new Offset(Table(options)))]);
        else
            fields.Add((5, custom));
        _operators.Add(Table([.. fields]));
        return outputs[0];
    }

    public byte[] Write(params int[] outputs)
    {
        int graph = Table((0, new Offsets([.. _tensors])), (1, new[] { 0 }), (2, outputs), (3, new Offsets([.. _operators])));
        int model = Table((0, 3), (1, new Offsets([.. _codes])), (2, new Offsets([graph])), (3, "A test."), (4, new Offsets([.. _buffers])));
        _builder.Finish(model, "TFL3");
        return _builder.SizedByteArray();
    }

    private int Table(params (int Field, object Value)[] fields)
    {
        // What a table points to is written before it.
        (int Field, object Value)[] ready = [.. fields.Select(field => (field.Field, field.Value switch
        {
            string text => new Offset(_builder.CreateString(text).Value),
            int[] numbers => new Offset(Vector(4, numbers, _builder.AddInt)),
            float[] numbers => new Offset(Vector(4, numbers, _builder.AddFloat)),
            long[] numbers => new Offset(Vector(8, numbers, _builder.AddLong)),
            byte[] bytes => new Offset(Vector(1, bytes, _builder.AddByte)),
            Offsets tables => new Offset(Vector(4, tables.Places, _builder.AddOffset)),
            var value => value,
        }))];
        _builder.StartTable(fields.Length == 0 ? 0 : fields.Max(field => field.Field) + 1);
        foreach ((int field, object value) in ready)
        {
            switch (value)
            {
                case Offset offset: _builder.AddOffset(field, offset.Place, 0); break;
                case int number: _builder.AddInt(field, number, 0); break;
                case float number: _builder.AddFloat(field, number, 0); break;
                case sbyte number: _builder.AddSbyte(field, number, 0); break;
                case bool flag: _builder.AddBool(field, flag, false); break;
                default: throw new ArgumentException($"A field of type {value.GetType()} is not written.", nameof(fields));
            }
        }

        return _builder.EndTable();
    }

    private int Vector<T>(int size, T[] elements, Action<T> add)
    {
        _builder.StartVector(size, elements.Length, Math.Max(size, 4));
        for (int i = elements.Length - 1; i >= 0; i--)
            add(elements[i]);
        return _builder.EndVector().Value;
    }

    private sealed record Offset(int Place);

    private sealed record Offsets(int[] Places);
}
