using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Model;

namespace EfficientConv.Dsl.Import;

/// <summary>What a model became.</summary>
/// <param name="Graph">The layers.</param>
/// <param name="Weights">The tensors of the checkpoint: name, shape as PyTorch has it, values.</param>
/// <param name="Outputs">For each of the model's outputs, how many elements of the network's span it is.</param>
/// <param name="IsInputChannelsLast">Whether the model's own image has its channels last.</param>
/// <param name="OwnNames">Names of the layers that are a state dict's, and not a converter's count.</param>
internal sealed record MappedModel(
    LayerGraph Graph, IReadOnlyList<(string Name, int[] Shape, float[] Values)> Weights, IReadOnlyList<int> Outputs, bool IsInputChannelsLast, IReadOnlySet<string> OwnNames);

/// <summary>Makes layers of a model's nodes. Tensors that only show a layer's memory in another shape or order are views of it and cost nothing.</summary>
internal sealed partial class GraphMapper
{
    private readonly Model _model;
    private readonly IReadOnlyDictionary<string, Tensor> _tensors;
    private readonly IReadOnlyDictionary<Node, string> _failed;
    private readonly GraphBuilder _builder = new();
    private readonly Dictionary<string, View> _views = [];
    private readonly List<(string Name, int[] Shape, float[] Values)> _weights = [];
    private readonly List<ImportProblem> _problems = [];
    private readonly HashSet<string> _names = ["input"];
    private readonly HashSet<string> _ownNames = [];

    // Tensors with channels of zeros after those of the layer that they are a view of; only sums read them.
    private readonly HashSet<string> _narrow = [];
    private bool _isInputChannelsLast;

    private GraphMapper(Model model, IReadOnlyDictionary<string, Tensor> tensors, IReadOnlyDictionary<Node, string> failed) => (_model, _tensors, _failed) = (model, tensors, failed);

    /// <summary>Maps <paramref name="model"/>, whose tensors have the shapes <paramref name="tensors"/>.</summary>
    /// <exception cref="ImportException">Some nodes cannot be said; all of them are listed.</exception>
    public static MappedModel Map(Model model, IReadOnlyDictionary<string, Tensor> tensors, IReadOnlyDictionary<Node, string> failed)
    {
        GraphMapper mapper = new(model, tensors, failed);
        mapper.AddInput();
        int unreached = 0;
        foreach (Node node in model.Nodes)
        {
            if (node.Inputs.Any(name => name.Length > 0 && !mapper._views.ContainsKey(name) && !mapper.IsConstant(name)))
                unreached++;
            else
                mapper.Add(node);
        }

        bool isChannelsLast = false;
        List<int> outputs = mapper._problems.Count == 0 ? mapper.AddOutputs(out isChannelsLast) : [];
        if (mapper._problems.Count > 0)
        {
            string behind = unreached > 0 ? $"; {unreached} of {model.Nodes.Count} nodes lie behind them" : string.Empty;
            throw new ImportException($"{model.File} has {mapper._problems.Count} node(s) that no attribute says{behind}.", mapper._problems);
        }

        return new MappedModel(mapper._builder.Build(isChannelsLast), mapper._weights, outputs, mapper._isInputChannelsLast, mapper._ownNames);
    }

    /// <summary>A tensor that is a layer's memory, or several layers' one after the other.</summary>
    /// <param name="Layers">The layers.</param>
    /// <param name="IsChannelsLast">Whether the elements stand in the order rows, columns, channels, and not channels, rows, columns.</param>
    /// <param name="Dims">The dimensions that the model sees.</param>
    private sealed record View(IReadOnlyList<int> Layers, bool IsChannelsLast, int[] Dims)
    {
        public int Layer => Layers.Count == 1 ? Layers[0] : throw new ImportException("reads several maps that lie one behind the other as one tensor");
    }

    private bool IsConstant(string name) => _model.Constants.ContainsKey(name) || (_tensors.TryGetValue(name, out Tensor? tensor) && tensor.IsKnown);

    private Tensor Constant(string name) => _model.Constants.TryGetValue(name, out Tensor? constant) ? constant : _tensors[name];

    private Shape ShapeOf(View view) => _builder.ShapeOf(view.Layer);

    private void AddInput()
    {
        int[] dims = _model.InputDims;
        // The first node that is no arithmetic with constants says how the pixels stand.
        string tensor = _model.Input;
        while (_model.Nodes.FirstOrDefault(node => node.Inputs.Contains(tensor)) is { Operator: "Add" or "Sub" or "Mul" or "Div" or "Pad" } node)
            tensor = node.Output;
        _isInputChannelsLast = _model.IsChannelsLast || _model.Nodes.Any(node => node.Operator == "Transpose" && node.Input(0) == tensor && node.Integers("perm") is [0, 3, 1, 2]);
        Shape shape = dims.Length == 4 ? _isInputChannelsLast ? new Shape(dims[3], dims[1], dims[2]) : new Shape(dims[1], dims[2], dims[3]) : new Shape(dims[1], 1, 1);
        _builder.AddInput(shape, LayerOrigin.Of($"input \"{_model.Input}\" of {_model.File}"));
        _views[_model.Input] = new View([0], _isInputChannelsLast && shape.Pixels > 1, dims);
    }

    private List<int> AddOutputs(out bool isChannelsLast)
    {
        List<int> sizes = [];
        bool? order = _isInputChannelsLast ? true : null;
        bool isMixed = false;
        HashSet<string> taken = [];
        foreach (string name in _model.Outputs)
        {
            if (!_views.TryGetValue(name, out View? view))
            {
                _problems.Add(new ImportProblem($"output \"{name}\"", string.Empty, "it does not depend on the image", "name another tensor with --until"));
                continue;
            }

            sizes.Add(Tensor.Size(view.Dims));
            for (int i = 0; i < view.Layers.Count; i++)
            {
                if (_builder.ShapeOf(view.Layers[i]).Pixels > 1 && _builder.ShapeOf(view.Layers[i]).Channels > 1)
                {
                    isMixed |= order is { } known && known != view.IsChannelsLast;
                    order = view.IsChannelsLast;
                }

                string legal = Legal(name, "output"), own = view.Layers.Count == 1 ? legal : FormattableString.Invariant($"{legal}.{i}");
                for (int copy = 2; !taken.Add(own); copy++)
                    own = FormattableString.Invariant($"{legal}_{copy}");
                _builder.ContinueFrom(view.Layers[i]);
                _builder.AddOutput(own);
            }
        }

        isChannelsLast = order ?? false;
        if (isMixed)
        {
            _problems.Add(new ImportProblem(
                "outputs", string.Empty, "the input and the outputs have their channels in different places, and a network has one layout for all of them", "cut in front of the Transpose with --until"));
        }

        return sizes;
    }

    private void Add(Node node)
    {
        try
        {
            if (_failed.TryGetValue(node, out string? why))
                throw new ImportException(why);
            Map(node);
        }
        catch (Exception exception) when (exception is ImportException or ArgumentException or IndexOutOfRangeException or KeyNotFoundException or ArithmeticException or InvalidOperationException)
        {
            string reads = string.Join(", ", node.Inputs.Where(name => name.Length > 0 && _tensors.ContainsKey(name) && !IsConstant(name)).Select(name => _tensors[name].ToString()));
            string makes = string.Join(", ", node.Outputs.Where(_tensors.ContainsKey).Select(name => _tensors[name].ToString()));
            string message = exception is ImportException ? exception.Message.TrimEnd('.') : "its inputs do not fit it";
            _problems.Add(new ImportProblem(node.ToString(), $"{reads} -> {(makes.Length > 0 ? makes : "?")}", message, Advice(node)));
        }
    }

    private string Advice(Node node)
    {
        string[] cuts = [.. node.Inputs.Where(_views.ContainsKey).Take(3)];
        return cuts.Length == 0 ? "no way around it is known" : $"--until {string.Join(" --until ", cuts)} cuts the model in front of it";
    }

    /// <summary>A layer after <paramref name="inputs"/>; the id of its output.</summary>
    private int Layer(Node node, string name, Operator op, params int[] inputs)
    {
        return _builder.TryAdd(name, op, LayerOrigin.Of($"{node} of {_model.File}"), inputs) is { } finding ? throw new ImportException(finding.Message) : _builder.Current;
    }

    /// <summary>A name that no layer has: of the weights where they have a telling one, else of the node.</summary>
    private string Name(Node node, string? weights = null)
    {
        bool isKey = weights is { } name && name.LastIndexOf('.') is > 0 and var dot && name[(dot + 1)..] is "weight" or "bias" or "gamma" or "kernel";
        string wanted = isKey ? LegalKey(weights![..weights!.LastIndexOf('.')], node.Operator) : Legal(Short(node), node.Operator.ToLowerInvariant());
        string free = wanted;
        for (int i = 2; !_names.Add(free); i++)
            free = FormattableString.Invariant($"{wanted}_{i}");
        if (isKey || node.Name.StartsWith('/'))
            _ownNames.Add(free);
        return free;
    }

    /// <summary>
    /// PyTorch's exporter writes the way to a module, each part of it as its parent calls it, and then the operator: <c>/features/features.1/conv/conv.0/Conv</c> is the
    /// state dict's <c>features.1.conv.0</c>.
    /// </summary>
    private static string Short(Node node)
    {
        string[] parts = node.Name.Split('/', StringSplitOptions.RemoveEmptyEntries);
        if (parts.Length > 1 && parts[^1].StartsWith(node.Operator, StringComparison.Ordinal))
            parts = parts[..^1];
        return string.Join('.', parts.Where((part, i) => i == parts.Length - 1 || !parts[i + 1].StartsWith(part + ".", StringComparison.Ordinal)));
    }

    /// <summary>A name of a state dict, which may be a number.</summary>
    private static string LegalKey(string name, string fallback) =>
        string.Concat(name.Select(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-' or '.' ? c : '_')).Trim('.', '_') is { Length: > 0 } legal ? legal : fallback;

    private static string Legal(string name, string fallback)
    {
        string legal = LegalKey(name, fallback);
        return char.IsAsciiDigit(legal[0]) && !legal.Contains('.', StringComparison.Ordinal) ? $"{fallback}_{legal}" : legal;
    }

    private static TensorKey Key(string name) => new(name, name);

    private void Weight(string name, int[] shape, float[] values) => _weights.Add((name, shape, values));

    private View ViewOf(Node node, int index) => node.Input(index) is { } name && _views.TryGetValue(name, out View? view) ? view : throw new ImportException($"its input {index} is a constant");

    /// <summary>A layer whose channels, rows and columns are the tensor's last three dimensions.</summary>
    private int MapOf(View view)
    {
        Shape shape = ShapeOf(view);
        if (!view.IsChannelsLast && view.Dims.SequenceEqual([1, shape.Channels, shape.Height, shape.Width]))
            return view.Layer;
        throw new ImportException($"it reads a tensor of shape {Tensor.Text(view.Dims)} as an image, which is a map of {shape} in another order");
    }

    /// <summary>The dimension that counts the channels; -1 where there is none.</summary>
    private int ChannelAxis(View view)
    {
        Shape shape = ShapeOf(view);
        if (!view.IsChannelsLast && view.Dims.SequenceEqual([1, shape.Channels, shape.Height, shape.Width]))
            return 1;
        bool isLast = view.IsChannelsLast || shape.Pixels == 1;
        int rest = Tensor.Size(view.Dims[..^1]);
        return isLast && view.Dims[^1] == shape.Channels && rest == shape.Pixels ? view.Dims.Length - 1
            : !view.IsChannelsLast && view.Dims.Length >= 2 && view.Dims[0] == 1 && view.Dims[1] == shape.Channels ? 1 : -1;
    }

    private int[] DimsOf(string tensor) => _tensors.TryGetValue(tensor, out Tensor? found) ? found.Dims : throw new ImportException("its output's shape is not known");

    private void Set(Node node, int layer, View like) => _views[node.Output] = new View([layer], like.IsChannelsLast, DimsOf(node.Output));

    private void SetMap(Node node, int layer) => _views[node.Output] = new View([layer], false, DimsOf(node.Output));
}
