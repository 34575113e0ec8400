using System.Buffers.Binary;

namespace EfficientConv.Dsl.Import.TfLite;

/// <summary>A tensor of the file.</summary>
/// <param name="Name">A name that no other one has.</param>
/// <param name="Dims">Its dimensions, 1 where the file leaves one open.</param>
/// <param name="IsOpen">Whether the file leaves a dimension other than the first one open.</param>
/// <param name="Kind">Type of its elements.</param>
/// <param name="IsQuantized">Whether its elements stand for numbers by scales.</param>
/// <param name="Source">Its table.</param>
internal sealed record TfLiteTensor(string Name, int[] Dims, bool IsOpen, TfLiteType Kind, bool IsQuantized, FlatTable Source);

/// <summary>An operator of the file.</summary>
/// <param name="Name">The schema's name of what it computes, or the writer's own one.</param>
/// <param name="Inputs">Tensors by number, -1 for those that are left out.</param>
/// <param name="Outputs">Tensors by number.</param>
/// <param name="Options">Its options; null where it has none.</param>
/// <param name="Custom">The options of an operator that the schema does not have.</param>
internal sealed record TfLiteOperator(string Name, int[] Inputs, int[] Outputs, FlatTable? Options, byte[] Custom);

/// <summary>Types of elements as the published schema numbers them.</summary>
internal enum TfLiteType
{
    Single = 0, Half = 1, Int32 = 2, Byte = 3, Int64 = 4, Text = 5, Boolean = 6, Int16 = 7, Complex = 8, SByte = 9, Double = 10, UInt64 = 12, UInt32 = 15, UInt16 = 16, Int4 = 17,
    BFloat16 = 18,
}

/// <summary>A TensorFlow Lite file: the main graph's tensors and operators, and the values of its constants.</summary>
internal sealed class TfLiteFile
{
    private const int MostDimensions = 8;

    /// <summary>
    /// Values for each byte of the file, all constants together. Four-bit weights have two and sparse ones a few more; tensors that share a buffer over and over have more without
    /// bound.
    /// </summary>
    private const int ValuesPerByte = 4;

    private readonly FlatTable[] _buffers;
    private readonly FlatFile _file;
    private readonly int _length;
    private long _values;

    /// <summary>Reads the tables of <paramref name="file"/>; the constants are read one by one.</summary>
    public TfLiteFile(FlatFile file)
    {
        (_file, _length) = (file, file.Bytes.Length);
        FlatTable model = file.Root;
        Version = model.Integer(0);
        Description = model.Text(3) ?? string.Empty;
        _buffers = model.Tables(4);
        string[] operators = [.. model.Tables(1).Select(OperatorName)];
        FlatTable[] graphs = model.Tables(2);
        if (graphs.Length == 0)
            throw new ImportException("it holds no graph");
        GraphCount = graphs.Length;
        FlatTable graph = graphs[0];
        HashSet<string> names = [];
        Tensors = [.. graph.Tables(0).Select((tensor, i) => Tensor(tensor, i, names))];
        Inputs = graph.Integers(1);
        Outputs = graph.Integers(2);
        Operators = [.. graph.Tables(3).Select(table => new TfLiteOperator(
            table.Integer(0) is var code && code >= 0 && code < operators.Length ? operators[code]
                : throw new ImportException($"an operator has the code {code} of {operators.Length}"),
            table.Integers(1), table.Integers(2), table.Table(4), table.Bytes(5).ToArray()))];
        foreach (int tensor in Operators.SelectMany(o => o.Inputs.Where(input => input != -1).Concat(o.Outputs)).Concat(Inputs).Concat(Outputs))
        {
            if (tensor < 0 || tensor >= Tensors.Count)
                throw new ImportException($"an operator has the tensor {tensor} of {Tensors.Count}");
        }
    }

    /// <summary>The schema's version.</summary>
    public int Version { get; }

    /// <summary>What the writer says of the file.</summary>
    public string Description { get; }

    /// <summary>Number of graphs; those after the first are parts of loops and branches.</summary>
    public int GraphCount { get; }

    /// <summary>The tensors.</summary>
    public IReadOnlyList<TfLiteTensor> Tensors { get; }

    /// <summary>The operators in the order in which they are run.</summary>
    public IReadOnlyList<TfLiteOperator> Operators { get; }

    /// <summary>Tensors that come in.</summary>
    public int[] Inputs { get; }

    /// <summary>Tensors that go out.</summary>
    public int[] Outputs { get; }

    /// <summary>Whether the file has a tensor's values.</summary>
    public bool HasValues(TfLiteTensor tensor) => !Stored(tensor).IsEmpty;

    /// <summary>The values of a tensor, dequantised and dense.</summary>
    public Tensor Constant(TfLiteTensor tensor)
    {
        ReadOnlySpan<byte> bytes = Stored(tensor);
        int count = Import.Tensor.Size(tensor.Dims);
        if ((_values += count) > (long)ValuesPerByte * _length)
            throw new ImportException($"its constants have more values than {ValuesPerByte} for each of its {_length:N0} bytes");
        int[]? places = tensor.Source.Table(6) is { } sparsity ? SparseTensor.Places(sparsity, tensor.Dims) : null;
        int stored = places?.Length ?? count;
        long expected = tensor.Kind == TfLiteType.Int4 ? (stored + 1L) / 2 : (long)stored * SizeOf(tensor);
        if (bytes.Length != expected)
            throw new ImportException($"the tensor \"{tensor.Name}\" of shape {Import.Tensor.Text(tensor.Dims)} has {bytes.Length:N0} bytes (expected {expected:N0})");
        if (tensor.Kind is TfLiteType.Single or TfLiteType.Half or TfLiteType.Double or TfLiteType.BFloat16)
        {
            float[] values = new float[stored];
            for (int i = 0; i < stored; i++)
            {
                values[i] = tensor.Kind switch
                {
                    TfLiteType.Single => BinaryPrimitives.ReadSingleLittleEndian(bytes[(4 * i)..]),
                    TfLiteType.Half => (float)BinaryPrimitives.ReadHalfLittleEndian(bytes[(2 * i)..]),
                    TfLiteType.Double => (float)BinaryPrimitives.ReadDoubleLittleEndian(bytes[(8 * i)..]),
                    _ => BitConverter.UInt32BitsToSingle((uint)BinaryPrimitives.ReadUInt16LittleEndian(bytes[(2 * i)..]) << 16),
                };
            }

            return Import.Tensor.Of(tensor.Dims, Spread(values, places, count));
        }

        if (!tensor.IsQuantized)
        {
            long[] whole = new long[stored];
            for (int i = 0; i < stored; i++)
                whole[i] = Whole(bytes, tensor.Kind, i);
            return Import.Tensor.Of(tensor.Dims, Spread(whole, places, count));
        }

        return Import.Tensor.Of(tensor.Dims, Dequantized(tensor, bytes, places, count));
    }

    private ReadOnlySpan<byte> Stored(TfLiteTensor tensor)
    {
        int number = tensor.Source.Integer(2);
        return number > 0 && number < _buffers.Length ? Buffer(_buffers[number]) : number == 0 ? []
            : throw new ImportException($"the tensor \"{tensor.Name}\" has the buffer {number} of {_buffers.Length}");
    }

    /// <summary>A buffer's bytes, which stand in it or, where a writer put them after the tables, at a place of the file.</summary>
    private ReadOnlySpan<byte> Buffer(FlatTable buffer)
    {
        (long offset, long size) = (buffer.Long(1), buffer.Long(2));
        return offset <= 1 ? buffer.Bytes(0) : size >= 0 && offset <= _length - size ? _file.Bytes.Slice((int)offset, (int)size)
            : throw new ImportException($"a buffer has {size:N0} bytes at {offset:N0} of {_length:N0}");
    }

    private static float[] Dequantized(TfLiteTensor tensor, ReadOnlySpan<byte> bytes, int[]? places, int count)
    {
        FlatTable quantization = tensor.Source.Table(4)!.Value;
        float[] scales = quantization.Singles(2), values = new float[count];
        long[] zeros = quantization.Longs(3);
        int axis = scales.Length == 1 ? 0 : quantization.Integer(6), inner = 1;
        if (scales.Length > 1 && (axis < 0 || axis >= tensor.Dims.Length || tensor.Dims[axis] != scales.Length))
            throw new ImportException($"the tensor \"{tensor.Name}\" of shape {Import.Tensor.Text(tensor.Dims)} has {scales.Length} scales along dimension {axis}");
        if (zeros.Length > 1 && zeros.Length != scales.Length)
            throw new ImportException($"the tensor \"{tensor.Name}\" has {scales.Length} scales and {zeros.Length} zero points");
        if (scales.Length > 1)
            inner = Import.Tensor.Size(tensor.Dims[(axis + 1)..]);
        for (int i = 0; i < (places?.Length ?? count); i++)
        {
            int place = places?[i] ?? i, channel = scales.Length == 1 ? 0 : place / inner % scales.Length;
            values[place] = (float)((Whole(bytes, tensor.Kind, i) - (zeros.Length == 0 ? 0 : zeros[zeros.Length == 1 ? 0 : channel])) * (double)scales[channel]);
        }

        return values;
    }

    private static T[] Spread<T>(T[] values, int[]? places, int count)
    {
        if (places is null)
            return values;
        T[] dense = new T[count];
        for (int i = 0; i < places.Length; i++)
            dense[places[i]] = values[i];
        return dense;
    }

    private static long Whole(ReadOnlySpan<byte> bytes, TfLiteType kind, int i) => kind switch
    {
        TfLiteType.Int4 => (sbyte)(i % 2 == 0 ? bytes[i / 2] << 4 : bytes[i / 2]) >> 4,
        TfLiteType.SByte => (sbyte)bytes[i],
        TfLiteType.Byte or TfLiteType.Boolean => bytes[i],
        TfLiteType.Int16 => BinaryPrimitives.ReadInt16LittleEndian(bytes[(2 * i)..]),
        TfLiteType.UInt16 => BinaryPrimitives.ReadUInt16LittleEndian(bytes[(2 * i)..]),
        TfLiteType.Int32 => BinaryPrimitives.ReadInt32LittleEndian(bytes[(4 * i)..]),
        TfLiteType.UInt32 => BinaryPrimitives.ReadUInt32LittleEndian(bytes[(4 * i)..]),
        _ => BinaryPrimitives.ReadInt64LittleEndian(bytes[(8 * i)..]),
    };

    private static int SizeOf(TfLiteTensor tensor) => tensor.Kind switch
    {
        TfLiteType.SByte or TfLiteType.Byte or TfLiteType.Boolean => 1,
        TfLiteType.Half or TfLiteType.BFloat16 or TfLiteType.Int16 or TfLiteType.UInt16 => 2,
        TfLiteType.Single or TfLiteType.Int32 or TfLiteType.UInt32 => 4,
        TfLiteType.Int64 or TfLiteType.UInt64 or TfLiteType.Double => 8,
        _ => throw new ImportException($"the constant \"{tensor.Name}\" has elements of type {tensor.Kind}, which is not read"),
    };

    private static string OperatorName(FlatTable code)
    {
        // The byte came first and ends at 127; newer writers have the larger of both.
        int number = Math.Max((byte)code.Byte(0), code.Integer(3));
        return number == (int)BuiltinOperator.CUSTOM ? code.Text(1) ?? "CUSTOM" : Enum.GetName((BuiltinOperator)number) ?? $"operator {number}";
    }

    private static TfLiteTensor Tensor(FlatTable table, int index, HashSet<string> names)
    {
        int[] dims = table.Integers(0), open = table.Integers(7);
        string given = table.Text(3) is { Length: > 0 } text ? text : $"tensor{index}", name = given;
        for (int copy = 2; !names.Add(name); copy++)
            name = $"{given}_{copy}_{index}";
        if (dims.Length > MostDimensions || dims.Any(size => size < 0))
            throw new ImportException($"the tensor \"{name}\" has the shape {(dims.Length > MostDimensions ? $"of {dims.Length:N0} dimensions" : string.Join(" x ", dims))}");
        return new TfLiteTensor(name, dims, open.Skip(1).Any(size => size < 0), (TfLiteType)table.Byte(1), table.Table(4) is { } quantization
            && quantization.Singles(2).Length > 0, table);
    }
}
