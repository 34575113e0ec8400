using System.Runtime.InteropServices;
using EfficientConv.Dsl.Import.Onnx.Messages;
using Google.Protobuf;

namespace EfficientConv.Dsl.Import.Onnx;

/// <summary>Reads ONNX files: any opset from 7 on, constants as initialisers, nodes or external files, in single or half precision or quantised.</summary>
internal static class OnnxReader
{
    private const int OldestOpset = 7;

    /// <summary>Element types, numbered as ONNX numbers them.</summary>
    private enum ElementKind
    {
        Single = 1, Byte = 2, SByte = 3, UInt16 = 4, Int16 = 5, Int32 = 6, Int64 = 7, Boolean = 9, Half = 10, Double = 11, UInt32 = 12, UInt64 = 13, BFloat16 = 16,
    }

    /// <summary>Reads <paramref name="path"/>.</summary>
    /// <param name="path">The file.</param>
    /// <param name="inputShape">Channels, height and width in place of the file's.</param>
    /// <param name="until">Tensors that are the outputs in place of the file's; none for those.</param>
    /// <exception cref="ImportException">It is no model that can be read.</exception>
    public static Model Read(string path, IReadOnlyList<int>? inputShape, IReadOnlyList<string> until)
    {
        ModelProto model = Parse(path);
        if (model.Graph is not { Node.Count: > 0 } graph)
            throw new ImportException($"{path} holds no graph: it is no ONNX model.");
        if (model.Functions.Count > 0)
            throw new ImportException($"{path} has functions of its own ({model.Functions[0].Name}); expected operators of ONNX alone (export it with its functions inlined).");
        if (graph.SparseInitializer.Count > 0)
            throw new ImportException($"{path} has sparse weights; expected dense ones.");
        int opset = (int)Math.Min(int.MaxValue, model.OpsetImport.Where(set => set.Domain is "" or "ai.onnx").Select(set => set.Version).DefaultIfEmpty(0).Max());
        if (opset < OldestOpset)
            throw new ImportException($"{path} is of operator set {opset}; expected {OldestOpset} or newer (export it anew, or convert it).");

        HashSet<string> notes = [];
        Dictionary<string, Tensor> constants = [];
        foreach (TensorProto tensor in graph.Initializer)
        {
            constants[tensor.Name] = Read(tensor, path, notes);

            // The weights are in memory once.
            tensor.RawData = ByteString.Empty;
            tensor.FloatData.Clear();
        }

        ValueInfoProto[] inputs = [.. graph.Input.Where(input => !constants.ContainsKey(input.Name))];
        if (inputs.Length != 1)
            throw new ImportException($"{path} has {inputs.Length} inputs ({string.Join(", ", inputs.Select(input => input.Name))}); expected one, an image.");

        List<Node> nodes = [];
        foreach (NodeProto proto in graph.Node)
        {
            string name = proto.Name.Length > 0 ? proto.Name : proto.Output.FirstOrDefault(output => output.Length > 0) ?? $"node{nodes.Count}";
            if (proto.Output.Count == 0)
                throw new ImportException($"{path}: {proto.OpType} \"{name}\" makes no tensor.");
            if (proto.Domain is not ("" or "ai.onnx" or "com.microsoft"))
                throw new ImportException($"{path}: {proto.OpType} \"{name}\" is an operator of {proto.Domain}; expected those of ONNX.");
            if (proto.Attribute.GroupBy(attribute => attribute.Name).FirstOrDefault(group => group.Count() > 1) is { Key: var twice })
                throw new ImportException($"{path}: {proto.OpType} \"{name}\" has the attribute {twice} more than once; expected it once.");
            nodes.Add(new Node(proto.OpType, name, [.. proto.Input], [.. proto.Output], proto.Attribute.ToDictionary(a => a.Name, a => Value(a, path, name, notes))));
        }

        // The messages are as large as the file, and nothing reads them any more; the runtime would keep them until it needs room.
        const int Large = 1 << 25;
        if (constants.Values.Sum(constant => (long)constant.Count) > Large / sizeof(float))
            GC.Collect();
        string[] outputs = until.Count > 0 ? [.. until] : [.. graph.Output.Select(output => output.Name)];
        return new Model
        {
            File = Path.GetFileName(path), Producer = $"{model.ProducerName} {model.ProducerVersion}".Trim(), Opset = opset, Version = $"opset {opset}", Constants = constants,
            Nodes = NodeOrder.Sort(path, nodes, [.. constants.Keys, inputs[0].Name, string.Empty], outputs), Input = inputs[0].Name, InputDims = Dims(path, inputs[0], inputShape), Outputs = outputs, Notes = [.. notes],
        };
    }

    private static ModelProto Parse(string path)
    {
        try
        {
            // Read from the map each tensor is in memory once; a stream would gather a large one in pieces first.
            using MappedFile file = new(path);
            return file.Length <= int.MaxValue ? ModelProto.Parser.ParseFrom(file.Span(0, file.Length))
                : throw new ImportException($"{path} has {file.Length:N0} bytes, more than one message of Protocol Buffers may; expected its weights in a file beside it (external data).");
        }
        catch (InvalidProtocolBufferException exception)
        {
            throw new ImportException($"{path} is no ONNX model, or is cut off: {exception.Message}");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw new ImportException($"{path} cannot be read: {exception.Message}");
        }
    }

    /// <summary>The image's dimensions, with one image where the file leaves their number open.</summary>
    private static int[] Dims(string path, ValueInfoProto input, IReadOnlyList<int>? given)
    {
        TypeProto.Types.TensorTypeProto? type = input.Type?.TensorType;
        long[] dims = [.. type?.Shape?.Dim.Select(dimension => dimension.ValueCase == TensorShapeProto.Types.Dimension.ValueOneofCase.DimValue ? dimension.DimValue : 0) ?? []];
        if (type is { ElemType: not (0 or (int)ElementKind.Single or (int)ElementKind.Half) })
            throw new ImportException($"{path}: the input \"{input.Name}\" has elements of type {(ElementKind)type.ElemType}; expected Single or Half.");
        if (dims.Length is not (0 or 2 or 4))
            throw new ImportException($"{path}: the input \"{input.Name}\" has {dims.Length} dimensions; expected 4, an image.");
        bool isChannelsLast = dims.Length == 4 && dims[1] is not (1 or 3) && dims[3] is 1 or 3;
        int[] found = given is not null ? isChannelsLast ? [1, given[1], given[2], given[0]] : [1, .. given]
            : dims.Length == 0 ? throw new ImportException($"{path}: the input \"{input.Name}\" has no shape in the file (--input-shape CxHxW gives one).")
            : [1, .. dims.Skip(1).Select(dimension => (int)Math.Min(dimension, int.MaxValue))];
        return dims.Length > 0 && dims[0] > 1 ? throw new ImportException($"{path}: the input \"{input.Name}\" has {dims[0]} images; expected one.")
            : found.All(dimension => dimension > 0) ? found
            : throw new ImportException($"{path}: the input \"{input.Name}\" has the shape {string.Join(" x ", dims.Select(d => d == 0 ? "?" : $"{d}"))}, which leaves sizes open (--input-shape CxHxW sets them).");
    }

    private static object Value(AttributeProto attribute, string path, string node, HashSet<string> notes)
    {
        const int Float = 1, Int = 2, String = 3, TensorValue = 4, Floats = 6, Ints = 7, Strings = 8;
        return attribute.Type switch
        {
            Float => attribute.F,
            Int => attribute.I,
            String => attribute.S.ToStringUtf8(),
            TensorValue when attribute.T is { } tensor => Read(tensor, path, notes),
            Floats => attribute.Floats.ToArray(),
            Ints => attribute.Ints.ToArray(),
            Strings => attribute.Strings.Select(text => text.ToStringUtf8()).ToArray(),
            _ => throw new ImportException($"{path}: the attribute {attribute.Name} of \"{node}\" is of a kind that is not read ({attribute.Type}): graphs inside of nodes (If, Loop, Scan) have no fixed shape."),
        };
    }

    private static Tensor Read(TensorProto tensor, string path, HashSet<string> notes)
    {
        if (tensor.Dims.Any(dimension => dimension is < 0 or > int.MaxValue))
            throw new ImportException($"{path}: the tensor \"{tensor.Name}\" has the shape {string.Join(" x ", tensor.Dims)}.");
        int[] dims = [.. tensor.Dims.Select(dimension => (int)dimension)];
        int count = Tensor.Size(dims);
        using MappedFile? external = tensor.DataLocation == 1 ? External(tensor, path) : null;
        ReadOnlySpan<byte> raw = external is null ? tensor.RawData.Span : Part(tensor, path, external);
        ElementKind kind = (ElementKind)tensor.DataType;
        if (kind is ElementKind.Half or ElementKind.BFloat16 or ElementKind.Double)
            notes.Add($"Weights of type {kind} became single precision.");
        return kind switch
        {
            ElementKind.Single => Tensor.Of(dims, raw.Length > 0 ? Cast<float>(raw) : Checked([.. tensor.FloatData])),
            ElementKind.Double => Tensor.Of(dims, raw.Length > 0 ? Cast<double>(raw) : Checked([.. tensor.DoubleData])),
            ElementKind.Half => Tensor.Of(dims, Array.ConvertAll(raw.Length > 0 ? Cast<Half>(raw) : Checked(Array.ConvertAll([.. tensor.Int32Data], bits => BitConverter.UInt16BitsToHalf((ushort)bits))), value => (float)value)),
            ElementKind.BFloat16 => Tensor.Of(dims, Array.ConvertAll(raw.Length > 0 ? Cast<ushort>(raw) : Checked(Array.ConvertAll([.. tensor.Int32Data], bits => (ushort)bits)), bits => BitConverter.UInt32BitsToSingle((uint)bits << 16))),
            ElementKind.Int64 => Tensor.Of(dims, raw.Length > 0 ? Cast<long>(raw) : Checked([.. tensor.Int64Data])),
            ElementKind.UInt64 => Tensor.Of(dims, Array.ConvertAll(raw.Length > 0 ? Cast<ulong>(raw) : Checked([.. tensor.Uint64Data]), value => (long)value)),
            ElementKind.Int32 => Whole<int>(raw, value => value),
            ElementKind.UInt32 => Tensor.Of(dims, Array.ConvertAll(raw.Length > 0 ? Cast<uint>(raw) : Checked(Array.ConvertAll([.. tensor.Uint64Data], value => (uint)value)), value => (long)value)),
            ElementKind.Int16 => Whole<short>(raw, value => value),
            ElementKind.UInt16 => Whole<ushort>(raw, value => value),
            ElementKind.SByte => Whole<sbyte>(raw, value => value),
            ElementKind.Byte or ElementKind.Boolean => Whole<byte>(raw, value => value),
            _ => throw new ImportException($"{path}: the tensor \"{tensor.Name}\" has elements of type {tensor.DataType}, which is not read."),
        };

        Tensor Whole<T>(ReadOnlySpan<byte> bytes, Converter<T, long> convert)
            where T : unmanaged => Tensor.Of(dims, bytes.Length > 0 ? Array.ConvertAll(Cast<T>(bytes), convert) : Checked(Array.ConvertAll([.. tensor.Int32Data], value => (long)value)));

        T[] Cast<T>(ReadOnlySpan<byte> bytes)
            where T : unmanaged
        {
            if (bytes.Length != count * (long)Marshal.SizeOf<T>())
                throw new ImportException($"{path}: the tensor \"{tensor.Name}\" of shape {Tensor.Text(dims)} has {bytes.Length:N0} bytes; expected {count * (long)Marshal.SizeOf<T>():N0}.");
            T[] values = MemoryMarshal.Cast<byte, T>(bytes).ToArray();
            if (!BitConverter.IsLittleEndian)
            {
                Span<byte> reversed = MemoryMarshal.AsBytes(values.AsSpan());
                for (int i = 0; i < reversed.Length; i += Marshal.SizeOf<T>())
                    reversed.Slice(i, Marshal.SizeOf<T>()).Reverse();
            }

            return values;
        }

        T[] Checked<T>(T[] values) => values.Length == count ? values
            : throw new ImportException($"{path}: the tensor \"{tensor.Name}\" of shape {Tensor.Text(dims)} has {values.Length:N0} values; expected {count:N0}.");
    }

    /// <summary>The file beside the model that holds a tensor's values, of any size.</summary>
    private static MappedFile External(TensorProto tensor, string path)
    {
        string location = Entry(tensor, "location") ?? string.Empty, folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        string file = Path.GetFullPath(Path.Combine(folder, location));
        if (location.Length == 0 || Path.IsPathRooted(location) || !file.StartsWith(folder + Path.DirectorySeparatorChar, StringComparison.Ordinal))
            throw new ImportException($"{path}: the tensor \"{tensor.Name}\" lies in \"{location}\"; expected a file beside the model.");
        try
        {
            return new MappedFile(file);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw new ImportException($"{path}: the weights of \"{tensor.Name}\" cannot be read: {exception.Message}");
        }
    }

    /// <summary>A tensor's part of its file.</summary>
    private static ReadOnlySpan<byte> Part(TensorProto tensor, string path, MappedFile file)
    {
        long offset = Number("offset") ?? 0, length = Number("length") ?? file.Length - offset;
        return offset >= 0 && length is >= 0 and <= int.MaxValue / 2 && offset <= file.Length - length ? file.Span(offset, length)
            : throw new ImportException($"{path}: the tensor \"{tensor.Name}\" is {length:N0} bytes at {offset:N0} of {Entry(tensor, "location")}, which has {file.Length:N0}.");

        long? Number(string key) => Entry(tensor, key) is not { } text ? null
            : long.TryParse(text, out long number) ? number : throw new ImportException($"{path}: the tensor \"{tensor.Name}\" has \"{text}\" where a number is expected.");
    }

    private static string? Entry(TensorProto tensor, string key) => tensor.ExternalData.LastOrDefault(entry => entry.Key == key)?.Value;
}
