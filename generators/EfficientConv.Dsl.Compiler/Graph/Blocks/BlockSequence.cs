using EfficientConv.Dsl.Compiler.Findings;
using EfficientConv.Dsl.Compiler.Graph.Keys;
using EfficientConv.Dsl.Compiler.Model;

namespace EfficientConv.Dsl.Compiler.Graph.Blocks;

/// <summary>
/// The modules of a block, one after the other. It counts them as PyTorch does, one by one and by units (a convolution with its batch norm and
/// activation), so that the key scheme can name them.
/// </summary>
internal sealed class BlockSequence(GraphBuilder builder, AttributeReader reader, TensorKey key)
{
    private readonly double _epsilon = reader.PositiveNumber("Eps", builder.Keys.Epsilon);
    private readonly int _firstLayer = builder.Count;
    private int _module, _unit;

    /// <summary>Whether the block begins with a 1x1 expansion; some schemes number batch norms by it.</summary>
    public bool Expands { get; init; }

    /// <summary>A bias-free convolution followed by batch norm, or one with a bias where the network's batch norms are folded.</summary>
    public void Convolution(
        string role, int outChannels, Extent kernel, Extent stride, Padding padding, Extent dilation, int groups, ConvolutionAlgorithm? algorithm = null)
    {
        ConvolutionOperator convolution = new(NextKey(role, isNorm: false), outChannels, kernel, stride, padding, dilation, groups, Bias: builder.FoldsBatchNorm);
        if (algorithm is { } chosen && convolution.IsDense3x3)
            convolution = convolution with { Algorithm = chosen };
        Add(role, convolution);
        TensorKey norm = NextKey(role, isNorm: true);
        if (!builder.FoldsBatchNorm)
            Add(role + "_bn", new BatchNormOperator(norm, _epsilon));
        _unit++;
    }

    /// <summary>A bias-free 1x1 convolution with stride 1, followed by batch norm.</summary>
    public void Pointwise(string role, int outChannels, int groups = 1) =>
        Convolution(role, outChannels, Extent.Square(1), Extent.Square(1), default, Extent.Square(1), groups);

    /// <summary>A bias-free depthwise convolution followed by batch norm, padded by half its kernel.</summary>
    public void Depthwise(string role, int kernelSize, int stride)
    {
        int channels = builder.Shape.Channels;
        Extent kernel = Extent.Square(kernelSize);
        Convolution(role, channels, kernel, Extent.Square(stride), BlockRules.Half(kernel, Extent.Square(1)), Extent.Square(1), channels);
    }

    /// <summary>A convolution with bias and without batch norm, padded by half its kernel.</summary>
    public void Biased(
        string role, int outChannels, Extent kernel, Extent dilation, int stride = 1, int groups = 1, ConvolutionAlgorithm algorithm = ConvolutionAlgorithm.Auto)
    {
        ConvolutionOperator convolution = new(
            NextKey(role, isNorm: false), outChannels, kernel, Extent.Square(stride), BlockRules.Half(kernel, dilation), dilation, groups, Bias: true);
        Add(role, convolution.IsDense3x3 ? convolution with { Algorithm = algorithm } : convolution);
        _unit++;
    }

    /// <summary>A batch norm that stands alone; it is folded where there is a convolution before it.</summary>
    public void BatchNorm(string role)
    {
        TensorKey norm = NextKey(role, isNorm: false);
        if (!builder.FoldsBatchNorm || builder.Layers[builder.Current].Operator is not ConvolutionOperator)
            Add(role, new BatchNormOperator(norm, _epsilon));
    }

    /// <summary>Any other module with tensors of its own.</summary>
    public void Module(string role, Func<TensorKey, Operator> module) => Add(role, module(NextKey(role, isNorm: false)));

    /// <summary>An activation, with tensors of its own where it is learned; none at all where the function is the identity.</summary>
    public void Activation(string role, ActivationFunction function)
    {
        if (function.Row.IsLearned)
        {
            Add(role, PReLUOperator.Of(function.Kind, NextKey(role, isNorm: false), builder.Shape));
            return;
        }

        _module++;
        Add(role, new ActivationOperator(function));
    }

    /// <summary>Squeeze-and-excitation; <paramref name="argument"/> is what a mistake is reported on.</summary>
    public void Squeeze(string argument, int squeezed, ActivationFunction activation, ActivationFunction gate)
    {
        string part = builder.Keys.Part(Part("se", isNorm: false));
        _module++;
        _unit++;
        SqueezeExpansion.Add(builder, reader, argument, key with { Key = TensorKey.Join(key.Key, part) }, squeezed, activation, gate);
    }

    /// <summary>
    /// A convolution with a bias that stands for the sum of several branches, each with a batch norm of its own (Ding et al. 2021, section 3.3). A checkpoint holds
    /// either the branches or their sum.
    /// </summary>
    public void Reparameterized(
        string role, int outChannels, Extent kernel, Extent stride, int groups, string fused, IEnumerable<(string? Convolution, string Norm, int KernelSize)> branches)
    {
        string module = TensorKey.Join(key.Key, builder.Keys.Part(Part(role, isNorm: false)));
        Reparameterization sum = new(
            branches.Select(b => new ReparameterizedBranch(b.Convolution is null ? null : TensorKey.Join(module, b.Convolution), TensorKey.Join(module, b.Norm), b.KernelSize)).ToEquatableArray(),
            _epsilon);
        Add(role, new ConvolutionOperator(
            new TensorKey(TensorKey.Join(module, fused), TensorKey.Join(key.Canonical, role)), outChannels, kernel, stride, BlockRules.Half(kernel, Extent.Square(1)), Extent.Square(1), groups, Bias: true)
        {
            Branches = sum,
        });
        _unit++;
        _module++;
    }

    /// <summary>The sum of the current tensor and the output of layer <paramref name="other"/>, which must have the same shape.</summary>
    public void AddTo(int other)
    {
        if (builder.Failed)
            return;
        Shape left = builder.Shape, right = builder.ShapeOf(other);
        if (left != right)
            Mismatch(left, right);
        else
            Plain("add", new AddOperator(), builder.Current, other);
    }

    /// <summary>The channels of both layers, one after the other; their heights and widths must be equal.</summary>
    public int Concat(string role, int first, int second)
    {
        if (builder.Failed)
            return builder.Current;
        Shape left = builder.ShapeOf(first), right = builder.ShapeOf(second);
        if (left.Height == right.Height && left.Width == right.Width)
            return Plain(role, new ConcatOperator(), first, second);
        Mismatch(left, right);
        return builder.Current;
    }

    /// <summary>Says which layer made another size: one with an even kernel, whose padding loses a pixel; else an odd map was halved.</summary>
    private void Mismatch(Shape left, Shape right)
    {
        string joins = $"{reader.Kind} \"{reader.Name}\" joins a branch of {left} and one of {right}";
        Layer? even = builder.Layers.Skip(_firstLayer).FirstOrDefault(layer => layer.Operator is ConvolutionOperator c && c.Kernel.Height % 2 == 0);
        if (even is not { Operator: ConvolutionOperator { Kernel: var kernel } })
        {
            builder.Report(
                RuleCatalog.ImpossibleShortcut, reader.Index, LayerPlace.Written(reader.Attribute, "stride"), $"{joins} (both must have the same size: a map that is halved must be even)");
            return;
        }

        string argument = even.Origin.Role.EndsWith("_cheap", StringComparison.Ordinal) ? "cheapKernelSize" : "kernelSize";
        Shape read = builder.ShapeOf(even.Inputs[0]);
        builder.Report(
            RuleCatalog.ImpossibleShortcut, reader.Index, LayerPlace.Written(reader.Attribute, argument),
            FormattableString.Invariant($"{joins}: its layer {even.Origin.Role} with an even kernel of {kernel} makes {even.Output.Height} x {even.Output.Width} pixels of {read.Height} x {read.Width} (both must have the same size, and padding of half a kernel keeps it for odd ones)"),
            FixProposal.Alternatives(argument, [kernel.Height - 1, kernel.Height + 1]));
    }

    /// <summary>An operator without tensors of its own that reads <paramref name="inputs"/>, or the current tensor; the id of its layer.</summary>
    public int Plain(string role, Operator op, params int[] inputs)
    {
        if (builder.Failed)
            return builder.Current;
        builder.Add($"{reader.Name}.{role}", op, reader.Origin(role), inputs.Length == 0 ? [builder.Current] : inputs);
        return builder.Current;
    }

    private void Add(string role, Operator op) => builder.Add($"{reader.Name}.{role}", op, reader.Origin(role));

    private TensorKey NextKey(string role, bool isNorm)
    {
        string part = builder.Keys.Part(Part(role, isNorm));
        _module++;
        return new TensorKey(TensorKey.Join(key.Key, part), TensorKey.Join(key.Canonical, isNorm ? role + "_bn" : role));
    }

    private BlockPart Part(string role, bool isNorm) => new(reader.Kind, role, isNorm, _module, _unit, Expands);
}
