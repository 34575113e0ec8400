namespace EfficientConv.Dsl.Compiler.Graph;

/// <summary>All operators there are, and the attributes that become one of them.</summary>
public static class OperatorCatalog
{
    private static readonly TensorKey s_key = new("key", "key");

    /// <summary>One of every operator, in each form that has a name of its own.</summary>
    public static IReadOnlyList<Operator> All { get; } =
    [
        new InputOperator(),
        new ConvolutionOperator(s_key, 8, Extent.Square(3), Extent.Square(1), Padding.Symmetric(1, 1), Extent.Square(1), 1, Bias: true),
        new ConvolutionOperator(s_key, 8, Extent.Square(1), Extent.Square(1), default, Extent.Square(1), 1, Bias: true, IsLinear: true),
        new TransposedConvolutionOperator(s_key, 8, Extent.Square(2), Extent.Square(2), default, default, Extent.Square(1), 1, Bias: true),
        new BatchNormOperator(s_key, 1e-5), new LayerNormOperator(s_key, 1e-6), new LayerScaleOperator(s_key), new PReLUOperator(s_key, 1),
        .. Activations.All.Where(row => !row.IsLearned).Select(row => new ActivationOperator(row.Default)),
        new PoolOperator(true, Extent.Square(2), Extent.Square(2), default, Extent.Square(1), CeilMode: false, CountIncludePad: true),
        new PoolOperator(false, Extent.Square(2), Extent.Square(2), default, Extent.Square(1), CeilMode: false, CountIncludePad: true),
        new AdaptivePoolOperator(true, Extent.Square(3)), new AdaptivePoolOperator(false, Extent.Square(3)), new GlobalAveragePoolOperator(),
        new FlattenOperator(), new ChannelShuffleOperator(2), new PixelShuffleOperator(2), new UpsampleOperator(Extent.Square(8), InterpolationMode.Nearest, false, 0, 0),
        new AddOperator(), new MultiplyOperator(), new ScaleOperator(), new ConcatOperator(), new SliceOperator(0, 4), new SoftmaxOperator(),
    ];

    /// <summary>The attributes of one layer, and what makes its operator of the arguments, the input's shape and the key; null after a finding.</summary>
    internal static IReadOnlyDictionary<string, Func<AttributeReader, Shape, TensorKey, Operator?>> Attributes { get; } = WithActivations(new()
    {
        ["Conv2d"] = ConvolutionOperator.ReadConv2d,
        ["PointwiseConv2d"] = ConvolutionOperator.ReadPointwise,
        ["DepthwiseConv2d"] = ConvolutionOperator.ReadDepthwise,
        ["Linear"] = ConvolutionOperator.ReadLinear,
        ["ConvTranspose2d"] = TransposedConvolutionOperator.Read,
        ["BatchNorm"] = BatchNormOperator.Read,
        ["LayerNorm2d"] = LayerNormOperator.Read,
        ["LayerScale"] = LayerScaleOperator.Read,
        ["PReLU"] = PReLUOperator.Read,
        ["MaxPool2d"] = (reader, input, _) => PoolOperator.Read(reader, input, isMaximum: true),
        ["AvgPool2d"] = (reader, input, _) => PoolOperator.Read(reader, input, isMaximum: false),
        ["AdaptiveMaxPool2d"] = (reader, input, _) => AdaptivePoolOperator.Read(reader, input, isMaximum: true),
        ["AdaptiveAvgPool2d"] = (reader, input, _) => AdaptivePoolOperator.Read(reader, input, isMaximum: false),
        ["GlobalAvgPool"] = (_, _, _) => new GlobalAveragePoolOperator(),
        ["Flatten"] = (_, _, _) => new FlattenOperator(),
        ["ChannelShuffle"] = ChannelShuffleOperator.Read,
        ["PixelShuffle"] = PixelShuffleOperator.Read,
        ["Upsample"] = UpsampleOperator.Read,
        ["Softmax"] = (_, _, _) => new SoftmaxOperator(),
        ["Activation"] = ActivationOperator.Read,
    });

    /// <summary>What the operator called <paramref name="name"/> is to those who list layers.</summary>
    public static OperatorKind KindOf(string name) =>
        All.FirstOrDefault(op => op.Name == name)?.Kind ?? throw new ArgumentException($"No operator is called {name}.", nameof(name));

    /// <summary>The shorthands of the activations are named as the functions.</summary>
    private static Dictionary<string, Func<AttributeReader, Shape, TensorKey, Operator?>> WithActivations(Dictionary<string, Func<AttributeReader, Shape, TensorKey, Operator?>> attributes)
    {
        foreach (ActivationRow row in Activations.All.Where(row => row.HasShorthand && !row.IsLearned))
            attributes.Add(row.Kind.ToString(), (reader, _, _) => new ActivationOperator(row.Read(reader.Attribute)));
        return attributes;
    }
}
