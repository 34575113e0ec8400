using System.Buffers.Binary;

namespace EfficientConv.Dsl.Import.TfLite;

/// <summary>
/// Reads TensorFlow Lite files. Operators become those of ONNX, which have their images' channels first: a tensor of four dimensions is there in the file's order and, by a
/// transposition, in ONNX's, and what works on images reads and makes the latter.
/// </summary>
internal sealed partial class TfLiteReader
{
    /// <summary>The operators that nodes are written in.</summary>
    private const int Opset = 18;

    /// <summary>After the name of a tensor in the order that ONNX's operators have.</summary>
    private const string ChannelsFirst = ":NCHW";

    /// <summary>Marks the transpositions between both orders.</summary>
    private const string Reordering = "reordering";

    private static readonly byte[] s_identifier = "TFL3"u8.ToArray();

    private readonly TfLiteFile _file;
    private readonly List<Node> _nodes = [];
    private readonly Dictionary<string, Tensor> _constants = [];
    private readonly Dictionary<int, Tensor> _values = [];

    /// <summary>Constants that are another one's values in single precision.</summary>
    private readonly Dictionary<int, int> _same = [];

    /// <summary>Tensors that are there in the file's order, and in ONNX's.</summary>
    private readonly HashSet<int> _last = [], _first = [];
    private readonly SortedSet<string> _notes = [];

    private TfLiteReader(TfLiteFile file) => _file = file;

    /// <summary>Whether a file is one of TensorFlow Lite, whatever it is called.</summary>
    public static bool IsModel(string path)
    {
        try
        {
            using FileStream stream = new(path, FileMode.Open, FileAccess.Read);
            byte[] start = new byte[8];
            return stream.ReadAtLeast(start, start.Length, throwOnEndOfStream: false) == start.Length && start.AsSpan(4).SequenceEqual(s_identifier);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new ImportException($"{path} cannot be read: {exception.Message}");
        }
    }

    /// <summary>Reads <paramref name="path"/>.</summary>
    /// <param name="path">The file.</param>
    /// <param name="inputShape">Channels, height and width in place of the file's.</param>
    /// <param name="until">Tensors that are the outputs in place of the file's; none for those.</param>
    /// <exception cref="ImportException">It is no model that can be read.</exception>
    public static Model Read(string path, IReadOnlyList<int>? inputShape, IReadOnlyList<string> until)
    {
        try
        {
            TfLiteFile file = new(new FlatFile(File.ReadAllBytes(path)));
            return new TfLiteReader(file).Read(path, file, inputShape, [.. until.Select(name => name.EndsWith(ChannelsFirst, StringComparison.Ordinal)
                ? name[..^ChannelsFirst.Length] : name)]);
        }
        catch (ImportException exception) when (!exception.Message.StartsWith(path, StringComparison.Ordinal))
        {
            throw new ImportException($"{path}: {exception.Message.TrimEnd('.')}.");
        }
        catch (Exception exception) when (exception is ArgumentException or IndexOutOfRangeException or OverflowException or InvalidOperationException)
        {
            throw new ImportException($"{path} is damaged or cut off: a part of it points out of the file.");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new ImportException($"{path} cannot be read: {exception.Message}");
        }
    }

    private Model Read(string path, TfLiteFile file, IReadOnlyList<int>? inputShape, string[] until)
    {
        if (file.Operators.Count == 0)
            throw new ImportException("it holds no operators");
        int[] inputs = [.. file.Inputs.Where(input => !IsConstant(input))];
        if (inputs.Length != 1)
            throw new ImportException($"it has {inputs.Length} inputs ({string.Join(", ", inputs.Take(8).Select(input => file.Tensors[input].Name))}; expected one, an image)");
        int[] dims = InputDims(file.Tensors[inputs[0]], inputShape);
        _last.Add(inputs[0]);
        if (dims.Length == 4)
            First(inputs[0]);
        foreach (TfLiteOperator op in file.Operators)
            Add(op);
        string[] outputs = until.Length > 0 ? until : [.. file.Outputs.Select(output => file.Tensors[output].Name)];
        foreach (string name in outputs)
        {
            // Outputs have the file's order.
            for (int i = 0; i < file.Tensors.Count; i++)
            {
                if (file.Tensors[i].Name == name && (IsThere(i)))
                    Last(i);
            }
        }

        if (file.Tensors.Any(tensor => tensor.Kind == TfLiteType.Half))
            _notes.Add("Weights in half precision became single precision.");
        if (file.Tensors.Any(tensor => tensor.IsQuantized))
            _notes.Add("Quantised weights became the numbers that they stand for: "
                + "the network computes in single precision, takes and gives those numbers, and does not round or saturate.");
        if (file.Tensors.Any(tensor => tensor.Source.Table(6) is not null))
            _notes.Add("Sparse weights became dense.");
        return new Model
        {
            File = Path.GetFileName(path), Producer = file.Description.Trim().TrimEnd('.') is { Length: > 0 } producer ? producer : "TensorFlow Lite", Opset = Opset,
            Version = $"TFLite schema {file.Version}",
            Constants = _constants, Nodes = NodeOrder.Sort(path, _nodes, [.. _constants.Keys, file.Tensors[inputs[0]].Name, string.Empty], outputs),
            Input = file.Tensors[inputs[0]].Name, InputDims = dims, IsChannelsLast = dims.Length == 4,
            Outputs = outputs, Notes = [.. _notes],
        };
    }

    private static int[] InputDims(TfLiteTensor input, IReadOnlyList<int>? given)
    {
        if (input.Kind is not (TfLiteType.Single or TfLiteType.Half or TfLiteType.Byte or TfLiteType.SByte or TfLiteType.Int16))
            throw new ImportException($"the input \"{input.Name}\" has elements of type {input.Kind} (expected real numbers, or bytes that stand for them)");
        if (input.Dims.Length is not (2 or 4))
            throw new ImportException($"the input \"{input.Name}\" has {input.Dims.Length} dimensions (expected 4, an image)");
        if (input.IsOpen && given is null)
            throw new ImportException($"the input \"{input.Name}\" leaves sizes open (--input-shape CxHxW sets them)");
        int[] dims = given is null ? [1, .. input.Dims[1..]] : input.Dims.Length == 4 ? [1, given[1], given[2], given[0]]
            : throw new ImportException($"the input \"{input.Name}\" has 2 dimensions and is no image of {string.Join(" x ", given)}");
        return input.Dims[0] > 1 ? throw new ImportException($"the input \"{input.Name}\" has {input.Dims[0]} images (expected one)")
            : dims.All(size => size > 0) ? dims : throw new ImportException($"the input \"{input.Name}\" has the shape {Tensor.Text(input.Dims)}");
    }

    /// <summary>The nodes of an operator; where it cannot be said, one that tells why.</summary>
    private void Add(TfLiteOperator op)
    {
        if (op.Outputs.Length == 0)
            throw new ImportException($"{op.Name} makes no tensor");
        foreach (int input in op.Inputs)
        {
            if (input >= 0 && !IsThere(input))
                throw new ImportException($"{op.Name} reads \"{_file.Tensors[input].Name}\", which nothing before it makes");
        }

        foreach (int output in op.Outputs)
        {
            if (IsThere(output))
                throw new ImportException($"the tensor \"{_file.Tensors[output].Name}\" is made twice");
        }

        int count = _nodes.Count;
        try
        {
            Convert(op);
        }
        catch (ImportException exception)
        {
            // Transpositions that were added for it stay: others may read them.
            Node[] added = [.. _nodes.Skip(count).Where(node => node.Attributes.ContainsKey(Reordering))];
            _nodes.RemoveRange(count, _nodes.Count - count);
            _nodes.AddRange(added);
            _nodes.Add(new Node(op.Name, NameOf(op), [.. op.Inputs.Where(input => input >= 0).Select(Last)], [.. op.Outputs.Select(output => _file.Tensors[output].Name)],
                new Dictionary<string, object> { ["why"] = exception.Message }));
            _first.ExceptWith(op.Outputs);
            _last.UnionWith(op.Outputs);
        }
    }

    private bool IsThere(int tensor) => _last.Contains(tensor) || _first.Contains(tensor) || IsConstant(tensor);

    private bool IsConstant(int tensor) => _same.ContainsKey(tensor) || _file.HasValues(_file.Tensors[tensor]);

    /// <summary>A constant's values.</summary>
    private Tensor Values(int tensor)
    {
        int source = _same.GetValueOrDefault(tensor, tensor);
        return _values.TryGetValue(source, out Tensor? known) ? known : _values[source] = _file.Constant(_file.Tensors[source]);
    }

    private int Rank(int tensor) => _file.Tensors[tensor].Dims.Length;

    private int[] Dims(int tensor) => _file.Tensors[tensor].Dims;

    /// <summary>Name of a tensor in the file's order.</summary>
    private string Last(int tensor)
    {
        string name = _file.Tensors[tensor].Name;
        if (IsConstant(tensor))
            _constants[name] = Values(tensor);
        else if (_last.Add(tensor))
            _nodes.Add(new Node("Transpose", name, [name + ChannelsFirst], [name], Reorder(0, 2, 3, 1)));
        return name;
    }

    /// <summary>Name of an image in ONNX's order; a constant is widened to four dimensions.</summary>
    private string First(int tensor)
    {
        string name = _file.Tensors[tensor].Name, first = name + ChannelsFirst;
        if (IsConstant(tensor))
        {
            if (!_constants.ContainsKey(first))
            {
                Tensor constant = Values(tensor);
                int[] wide = [.. Enumerable.Repeat(1, Math.Max(0, 4 - constant.Dims.Length)), .. constant.Dims];
                _constants[first] = constant.Count == 1 ? constant.Reshape([]) : Permuted(constant.Reshape(wide), 0, 3, 1, 2);
            }
        }
        else if (Rank(tensor) != 4)
        {
            throw new ImportException($"it works on a tensor of shape {Tensor.Text(Dims(tensor))} (expected an image, 4 dimensions)");
        }
        else if (_first.Add(tensor))
        {
            _nodes.Add(new Node("Transpose", first, [name], [first], Reorder(0, 3, 1, 2)));
        }

        return first;
    }

    /// <summary>A constant with its dimensions in another order.</summary>
    private static Tensor Permuted(Tensor tensor, params int[] order)
    {
        if (tensor.Dims.Length != order.Length)
            throw new ImportException($"its weights have the shape {tensor} (expected {order.Length} dimensions)");
        int[] dims = [.. order.Select(axis => tensor.Dims[axis])], moved = [.. order.Where(axis => tensor.Dims[axis] != 1)], strides = new int[order.Length], steps;
        if (moved.SequenceEqual(moved.Order()))
            return tensor.Reshape(dims);
        for (int axis = order.Length - 1, step = 1; axis >= 0; step *= tensor.Dims[axis--])
            strides[axis] = step;
        steps = [.. order.Select(axis => strides[axis])];
        float[] from = tensor.Singles(), to = new float[from.Length];
        int[] index = new int[order.Length];
        for (int i = 0, at = 0; i < to.Length; i++)
        {
            to[i] = from[at];
            for (int d = order.Length - 1; d >= 0; d--)
            {
                at += steps[d];
                if (++index[d] < dims[d])
                    break;
                at -= steps[d] * dims[d];
                index[d] = 0;
            }
        }

        return Tensor.Of(dims, to);
    }

    /// <summary>A constant of the nodes' own.</summary>
    private string Constant(string name, Tensor tensor)
    {
        _constants[name] = tensor;
        return name;
    }

    private string Constant(string name, params long[] values) => Constant(name, Tensor.Of([values.Length], values));

    private static Dictionary<string, object> Reorder(params long[] order) => new() { ["perm"] = order, [Reordering] = 1L };

    /// <summary>What a node is called: its output, of which the writer joins several names where it joined operators.</summary>
    private string NameOf(TfLiteOperator op) => _file.Tensors[op.Outputs[0]].Name.Split(';')[0];

    /// <summary>The whole numbers of an input.</summary>
    private int[] Integers(TfLiteOperator op, int index, string what) => index < op.Inputs.Length && op.Inputs[index] >= 0 && IsConstant(op.Inputs[index])
        ? Array.ConvertAll(Values(op.Inputs[index]).Integers(), value => (int)Math.Clamp(value, int.MinValue, int.MaxValue))
        : throw new ImportException($"its {what} are computed (expected constants)");

    /// <summary>The three numbers that MediaPipe's transposed convolution has in place of the schema's options: padding, columns and rows of its stride.</summary>
    private static (bool IsSame, int Width, int Height) CustomStride(byte[] options) => options.Length >= 12
        ? (BinaryPrimitives.ReadInt32LittleEndian(options) == 1, BinaryPrimitives.ReadInt32LittleEndian(options.AsSpan(4)),
            BinaryPrimitives.ReadInt32LittleEndian(options.AsSpan(8)))
        : throw new ImportException($"its options have {options.Length} bytes (expected 12)");
}
