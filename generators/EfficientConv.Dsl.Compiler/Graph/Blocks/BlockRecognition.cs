using EfficientConv.Dsl.Compiler.Declarations;
using EfficientConv.Dsl.Compiler.Graph.Keys;
using EfficientConv.Dsl.Compiler.Model;

namespace EfficientConv.Dsl.Compiler.Graph.Blocks;

/// <summary>Layers of a graph that one attribute says.</summary>
/// <param name="Attribute">The block.</param>
/// <param name="Input">The layer whose output it reads.</param>
/// <param name="Layers">Its layers in the order in which the block expands, the last of them its output.</param>
internal sealed record RecognizedBlock(AttributeDeclaration Attribute, int Input, EquatableArray<int> Layers)
{
    /// <summary>The layer that makes its output.</summary>
    public int Output => Layers[Layers.Count - 1];
}

/// <summary>
/// Finds published blocks in a graph of single layers. What a block is stands nowhere a second time: from the first few layers its arguments are guessed, the attribute is expanded,
/// and it is one where the graph has the very same layers, which nobody else reads.
/// </summary>
internal sealed class BlockRecognition
{
    private readonly LayerGraph _graph;
    private readonly List<Layer>[] _readers;
    private readonly bool[] _taken, _isOutput;

    private readonly bool _foldsBatchNorm;

    private BlockRecognition(LayerGraph graph, bool foldsBatchNorm)
    {
        (_graph, _foldsBatchNorm) = (graph, foldsBatchNorm);
        _readers = [.. graph.Layers.Select(_ => new List<Layer>())];
        foreach (Layer layer in graph.Layers)
        {
            foreach (int input in layer.Inputs.Distinct())
                _readers[input].Add(layer);
        }

        (_taken, _isOutput) = (new bool[graph.Layers.Count], new bool[graph.Layers.Count]);
        foreach (NetworkOutput output in graph.Outputs)
            _isOutput[output.Layer] = true;
    }

    /// <summary>The blocks of <paramref name="graph"/>, in the order of their outputs; no layer is in two.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="foldsBatchNorm">Whether blocks are looked for whose batch norms are folded into their convolutions.</param>
    public static IReadOnlyList<RecognizedBlock> Find(LayerGraph graph, bool foldsBatchNorm)
    {
        BlockRecognition recognition = new(graph, foldsBatchNorm);
        List<RecognizedBlock> blocks = [];
        foreach (Layer layer in graph.Layers.Skip(1).Where(layer => layer.Inputs.Count == 1))
        {
            if (!recognition._taken[layer.Id] && recognition.Guesses(layer).Select(guess => recognition.Match(guess, layer)).FirstOrDefault(block => block is not null) is { } found)
            {
                blocks.Add(found);
                foreach (int taken in found.Layers)
                    recognition._taken[taken] = true;
            }
        }

        return [.. blocks.OrderBy(block => block.Output)];
    }

    private IEnumerable<AttributeDeclaration> Guesses(Layer first)
    {
        IEnumerable<AttributeDeclaration> guesses = first.Operator switch
        {
            GlobalAveragePoolOperator => SqueezeExcitation(first),
            SliceOperator => ShuffleUnit(first),
            ConvolutionOperator when UnitAt(first) is { } unit => IsDepthwise(unit.Layer)
                ? [.. DepthwiseSeparable(unit), .. InvertedResidual(null, unit), .. Universal(unit), .. ShuffleUnit(first), .. ConvNeXt(unit)]
                :
                [
                    .. IsPointwise(unit.Layer) && Behind(unit.Last) is { } depthwise && IsDepthwise(depthwise.Layer) ? [.. InvertedResidual(unit, depthwise), .. Universal(unit)] : Enumerable.Empty<AttributeDeclaration>(),
                    .. ResNet(unit), .. Fire(unit), .. FusedMBConv(unit), .. Ghost(unit),
                ],
            _ => [],
        };
        return guesses.Where(guess => guess.Arguments.All(argument =>
            !argument.IsExplicit || argument.Value is not int number || BlockCatalog.Of(guess.Kind).Argument(argument.Name) is not { Default: not Enum } row || number >= row.Least));
    }

    /// <summary>The block as layers, each with its counterpart in the graph; null where one has none, or somebody else reads what is inside.</summary>
    private RecognizedBlock? Match(AttributeDeclaration attribute, Layer first)
    {
        GraphBuilder builder = new() { Attribute = attribute, FoldsBatchNorm = _foldsBatchNorm };
        int input = first.Inputs[0];
        builder.AddInput(_graph.Layers[input].Output, new LayerOrigin(0, string.Empty));
        LayerExpansion.Expand(builder, new AttributeReader(builder, attribute, 0, attribute.Kind), new TensorKey(attribute.Kind, attribute.Kind));
        if (builder.Failed || builder.Count < 2 || builder.Current != builder.Count - 1)
            return null;
        int[] found = new int[builder.Count];
        found[0] = input;
        HashSet<int> inside = [];
        foreach (Layer layer in builder.Layers.Skip(1))
        {
            AttributeDeclaration? wanted = Written(layer, builder.Layers);
            int[] reads = [.. layer.Inputs.Select(read => found[read])];
            Layer? counterpart = _readers[reads[0]].FirstOrDefault(candidate => !_taken[candidate.Id] && !inside.Contains(candidate.Id) && ReadsThe(candidate, reads) && Written(candidate, _graph.Layers) == wanted);
            if (wanted is null || counterpart is null)
                return null;
            found[layer.Id] = counterpart.Id;
            inside.Add(counterpart.Id);
        }

        return inside.Contains(first.Id) && found.Skip(1).Take(found.Length - 2).All(layer => !_isOutput[layer] && _readers[layer].All(reader => inside.Contains(reader.Id)))
            ? new RecognizedBlock(attribute, input, found.Skip(1).ToEquatableArray())
            : null;

        static bool ReadsThe(Layer candidate, int[] reads) => candidate.Operator is AddOperator
            ? candidate.Inputs.OrderBy(read => read).SequenceEqual(reads.OrderBy(read => read))
            : candidate.Inputs.SequenceEqual(reads);
    }

    /// <summary>What a layer computes, without its keys.</summary>
    private static AttributeDeclaration? Written(Layer layer, IReadOnlyList<Layer> layers) => layer.Operator.Attribute([.. layer.Inputs.Select(input => layers[input].Output)]);

    private IEnumerable<AttributeDeclaration> SqueezeExcitation(Layer mean)
    {
        if (Squeeze(mean) is not { } squeeze)
            yield break;
        int channels = _graph.Layers[mean.Inputs[0]].Output.Channels;
        bool isFraction = channels >= squeeze.Channels && channels / (channels / squeeze.Channels) == squeeze.Channels;
        yield return new WrittenAttribute("SqueezeExcitation").With("reduction", isFraction ? channels / squeeze.Channels : 4, 4).With("activation", squeeze.Activation, ActivationKind.ReLU).With("gate", squeeze.Gate, ActivationKind.Sigmoid)
            .With("squeezeChannels", isFraction ? AttributeDeclaration.Unset : squeeze.Channels, AttributeDeclaration.Unset).Done();
    }

    private IEnumerable<AttributeDeclaration> DepthwiseSeparable(Unit depthwise)
    {
        if (Behind(depthwise.Last) is { } pointwise && IsPointwise(pointwise.Layer))
            yield return Windowed("DepthwiseSeparable", depthwise, pointwise, [], depthwise).Done();
    }

    private IEnumerable<AttributeDeclaration> InvertedResidual(Unit? expand, Unit depthwise)
    {
        int input = InChannels(expand ?? depthwise), hidden = depthwise.Convolution.OutChannels;
        Layer last = depthwise.Last;
        (int Channels, ActivationKind Activation, ActivationKind Gate)? squeeze = null;
        if (_readers[last.Id].FirstOrDefault(reader => reader.Operator is GlobalAveragePoolOperator) is { } mean && (squeeze = Squeeze(mean)) is not null)
            last = _readers[last.Id].First(reader => reader.Operator is ScaleOperator);
        if (Behind(last) is not { Activation: ActivationKind.None } project || !IsPointwise(project.Layer))
            yield break;
        bool isFactor = hidden % input == 0;
        foreach (ShortcutMode shortcut in new[] { ShortcutMode.Auto, ShortcutMode.None })
        {
            WrittenAttribute attribute = Windowed(
                "InvertedResidual", depthwise, project, isFactor ? [("expansion", (double)hidden / input, 4.0)] : [("hiddenChannels", hidden, AttributeDeclaration.Unset)], expand ?? depthwise);
            if (squeeze is { } found)
                attribute = attribute.With("squeezeChannels", found.Channels).With("squeezeActivation", found.Activation, ActivationKind.ReLU).With("gate", found.Gate, ActivationKind.Sigmoid);

            yield return attribute.With("shortcut", shortcut, ShortcutMode.Auto).With("alwaysExpand", expand is not null && hidden == input, false).Done();
        }
    }

    private IEnumerable<AttributeDeclaration> ConvNeXt(Unit depthwise)
    {
        if (Next(depthwise.Layer) is { Operator: LayerNormOperator norm } normalized && Behind(normalized) is { } expand && IsPointwise(expand.Layer))
        {
            int channels = InChannels(depthwise), hidden = expand.Convolution.OutChannels;
            foreach (bool layerScale in new[] { true, false })
            {
                yield return new WrittenAttribute("ConvNeXtBlock").With("expansion", (double)hidden / channels, 4.0).With("kernelSize", depthwise.Convolution.Kernel.Height, 7)
                    .With("activation", expand.Activation, ActivationKind.GELU).With("layerScale", layerScale, true).With("Eps", norm.Epsilon, 1e-6).Done();
            }
        }
    }

    private IEnumerable<AttributeDeclaration> ResNet(Unit first)
    {
        if (Behind(first.Last) is not { } second)
            yield break;
        ConvolutionOperator one = first.Convolution, two = second.Convolution;
        if (!IsPointwise(first.Layer))
        {
            yield return Common(new WrittenAttribute("ResNetBasicBlock").With("outChannels", two.OutChannels).Stride(one.Stride), one).Done();
        }
        else if (Behind(second.Last) is { } third && IsPointwise(third.Layer) && third.Convolution.OutChannels % 4 == 0)
        {
            int planes = third.Convolution.OutChannels / 4, width = one.OutChannels * 64 / (planes * two.Groups);
            yield return Common(
                new WrittenAttribute("ResNetBottleneck").With("planes", planes).Stride(two.Stride).With("groups", two.Groups, 1).With("baseWidth", width, 64), two).Done();
        }

        if (IsPointwise(first.Layer) && Behind(second.Last) is { Activation: ActivationKind.None } last && IsPointwise(last.Layer))
        {
            int input = InChannels(first), output = last.Convolution.OutChannels;
            foreach (ShortcutMode shortcut in new[] { ShortcutMode.Auto, ShortcutMode.None }.Skip(output == input && two.Stride == Extent.Square(1) ? 0 : 1))
            {
                yield return new WrittenAttribute("Bottleneck").With("midChannels", one.OutChannels).With("outChannels", output == input ? AttributeDeclaration.Unset : output, AttributeDeclaration.Unset)
                    .With("kernelSize", two.Kernel.Height, 3).Stride(two.Stride).With("dilation", two.Dilation.Height, 1).With("groups", two.Groups, 1)
                    .With("activation", first.Activation, ActivationKind.ReLU).With("shortcut", shortcut, ShortcutMode.None)
                    .With("Eps", Epsilon(first), KeyScheme.DefaultEpsilon).Done();
            }
        }

        WrittenAttribute Common(WrittenAttribute attribute, ConvolutionOperator spatial) => attribute.With("activation", first.Activation, ActivationKind.ReLU)
            .With("dilation", spatial.Dilation.Height, 1).With("Eps", Epsilon(first), KeyScheme.DefaultEpsilon);
    }

    /// <summary>The expansion 1 is one convolution, which only a shortcut around it makes a block.</summary>
    private IEnumerable<AttributeDeclaration> FusedMBConv(Unit first)
    {
        if (IsPointwise(first.Layer) || first.Convolution.Groups != 1)
            yield break;
        int input = InChannels(first), hidden = first.Convolution.OutChannels;
        Unit? project = Behind(first.Last);
        if (project is { Activation: ActivationKind.None } && IsPointwise(project.Layer))
        {
            bool isFactor = hidden % input == 0;
            yield return Windowed(
                "FusedMBConv", first, project, isFactor ? [("expansion", (double)hidden / input, 4.0)] : [("hiddenChannels", hidden, AttributeDeclaration.Unset)], first, ActivationKind.SiLU).Done();
        }

        if (hidden == input && _readers[first.Layer.Inputs[0]].Any(reader => reader.Operator is AddOperator))
            yield return Windowed("FusedMBConv", first, first, [("expansion", 1.0, 4.0)], first, ActivationKind.SiLU).Done();
    }

    private IEnumerable<AttributeDeclaration> Universal(Unit first)
    {
        bool starts = IsDepthwise(first.Layer);
        if ((starts ? Behind(first.Last) : first) is not { } expand || !IsPointwise(expand.Layer) || (starts && first.Activation != ActivationKind.None) || Behind(expand.Last) is not { } next)
            yield break;
        Unit? middle = IsDepthwise(next.Layer) ? next : null;
        if ((middle is null ? next : Behind(middle.Last)) is not { } project || !IsPointwise(project.Layer))
            yield break;
        int input = InChannels(first), hidden = expand.Convolution.OutChannels;
        Unit? end = Behind(project.Last) is { Activation: ActivationKind.None } last && IsDepthwise(last.Layer) ? last : null;
        bool isFactor = hidden == BlockRules.MakeDivisible((double)input * (hidden / input), 8);
        foreach (Unit? closing in end is null ? [null] : new[] { end, null })
        {
            yield return new WrittenAttribute("UniversalInvertedBottleneck").With("outChannels", project.Convolution.OutChannels)
                .With("expansion", isFactor ? (double)(hidden / input) : 4.0, 4.0).With("startKernelSize", starts ? first.Convolution.Kernel.Height : 0, 0)
                .With("midKernelSize", middle?.Convolution.Kernel.Height ?? 0, 3).With("endKernelSize", closing?.Convolution.Kernel.Height ?? 0, 0)
                .With("stride", (middle ?? (starts ? first : closing))?.Convolution.Stride.Height ?? 1, 1).With("activation", expand.Activation, ActivationKind.ReLU)
                .With("hiddenChannels", isFactor ? AttributeDeclaration.Unset : hidden, AttributeDeclaration.Unset)
                .With("Eps", Epsilon(first), KeyScheme.DefaultEpsilon).Done();
        }
    }

    /// <summary>Half of the channels pass, or two branches read the input: the convolution after a half is a 1x1 one, that of the first branch is depthwise.</summary>
    private IEnumerable<AttributeDeclaration> ShuffleUnit(Layer first)
    {
        IEnumerable<Unit> begins = first.Operator is SliceOperator ? _readers[first.Inputs[0]].Select(slice => Behind(slice)).OfType<Unit>() : _readers[first.Inputs[0]].Select(UnitAt).OfType<Unit>();
        foreach (Unit expand in begins.Where(unit => IsPointwise(unit.Layer)))
        {
            if (Behind(expand.Last) is { } depthwise && IsDepthwise(depthwise.Layer))
            {
                yield return new WrittenAttribute("ShuffleUnitV2").With("outChannels", 2 * expand.Convolution.OutChannels).With("stride", depthwise.Convolution.Stride.Height, 1)
                    .With("kernelSize", depthwise.Convolution.Kernel.Height, 3).With("activation", expand.Activation, ActivationKind.ReLU)
                    .With("Eps", Epsilon(expand), KeyScheme.DefaultEpsilon).Done();
            }
        }
    }

    /// <summary>A ghost module's first half and its cheap other half, joined; after an optional depthwise convolution and squeeze-and-excitation the second module.</summary>
    private IEnumerable<AttributeDeclaration> Ghost(Unit primary)
    {
        if (!IsPointwise(primary.Layer) || GhostOf(primary) is not { } module)
            yield break;
        Layer last = module.Last;
        int stride = 1, kernel = 3;
        if (Behind(last) is { Activation: ActivationKind.None } depthwise && IsDepthwise(depthwise.Layer))
            (last, stride, kernel) = (depthwise.Last, depthwise.Convolution.Stride.Height, depthwise.Convolution.Kernel.Height);
        (int Channels, ActivationKind Activation, ActivationKind Gate)? squeeze = null;
        if (_readers[last.Id].FirstOrDefault(reader => reader.Operator is GlobalAveragePoolOperator) is { } mean && (squeeze = Squeeze(mean)) is not null)
            last = _readers[last.Id].First(reader => reader.Operator is ScaleOperator);
        if (Behind(last) is not { } second || GhostOf(second) is not { } closing)
            yield break;
        int hidden = module.Last.Output.Channels;
        WrittenAttribute attribute = new WrittenAttribute("GhostBottleneck").With("hiddenChannels", hidden)
            .With("outChannels", closing.Last.Output.Channels == InChannels(primary) ? AttributeDeclaration.Unset : closing.Last.Output.Channels, AttributeDeclaration.Unset)
            .With("kernelSize", kernel, 3).With("stride", stride, 1);
        if (squeeze is { } found)
            attribute = attribute.With("squeezeReduction", Enumerable.Range(1, 16).FirstOrDefault(reduction => BlockRules.MakeDivisible(hidden / (double)reduction, 4) == found.Channels)).With("gate", found.Gate, ActivationKind.HardSigmoid);
        yield return attribute.With("cheapKernelSize", module.Cheap.Convolution.Kernel.Height, 3).With("activation", primary.Activation, ActivationKind.ReLU)
            .With("Eps", Epsilon(primary), KeyScheme.DefaultEpsilon).Done();

        (Layer Last, Unit Cheap)? GhostOf(Unit half)
        {
            if (_readers[half.Last.Id].Where(reader => reader.Operator is ConvolutionOperator).Select(UnitAt).FirstOrDefault(unit => unit is not null && IsDepthwise(unit.Layer)) is not { } cheap
                || Next(cheap.Last) is not { Operator: ConcatOperator } joined)
                return null;
            return (Next(joined) is { Operator: SliceOperator } cut ? cut : joined, cheap);
        }
    }

    private IEnumerable<AttributeDeclaration> Fire(Unit squeeze)
    {
        Layer[] expand = [.. _readers[squeeze.Last.Id]];
        if (expand.Length != 2 || expand.Any(layer => layer.Operator is not ConvolutionOperator))
            yield break;
        foreach (Layer small in expand.Where(IsPointwise))
        {
            Layer large = expand[0] == small ? expand[1] : expand[0];
            yield return new WrittenAttribute("Fire").With("squeezeChannels", squeeze.Convolution.OutChannels).With("expand1x1Channels", small.Output.Channels)
                .With("expand3x3Channels", large.Output.Channels).With("activation", squeeze.Activation, ActivationKind.ReLU).Done();
        }
    }

    /// <summary>Output channels, kernel, stride, dilation, padding and activation of a block around a depthwise convolution.</summary>
    private static WrittenAttribute Windowed(string kind, Unit depthwise, Unit last, (string Name, object Value, object Usual)[] hidden, Unit first, ActivationKind usualActivation = ActivationKind.ReLU)
    {
        ConvolutionOperator c = depthwise.Convolution;
        Padding half = BlockRules.Half(c.Kernel, c.Dilation);
        WrittenAttribute attribute = new WrittenAttribute(kind).With("outChannels", last.Convolution.OutChannels);
        foreach ((string name, object value, object usual) in hidden)
            attribute = attribute.With(name, value, usual);
        attribute = attribute.With("kernelSize", c.Kernel.Height, 3).Stride(c.Stride);
        if (BlockCatalog.Of(kind).Argument("dilation") is not null)
            attribute = attribute.With("dilation", c.Dilation.Height, 1);
        return attribute.With("activation", depthwise.Activation, usualActivation)
            .With("Padding", c.Padding == half || c.Padding.Top != c.Padding.Bottom ? AttributeDeclaration.Unset : c.Padding.Top, AttributeDeclaration.Unset)
            .With("AutoPad", c.Padding.Top != c.Padding.Bottom ? AutoPadMode.SameUpper : AutoPadMode.Explicit, AutoPadMode.Explicit)
            .With("Eps", Epsilon(first), KeyScheme.DefaultEpsilon);
    }

    /// <summary>The squeeze-and-excitation that begins with <paramref name="mean"/>: what its guess needs.</summary>
    private (int Channels, ActivationKind Activation, ActivationKind Gate)? Squeeze(Layer mean) =>
        Behind(mean) is { } reduce && Behind(reduce.Last) is { } expand && Next(expand.Last) is { Operator: ScaleOperator } scale && scale.Inputs[0] == mean.Inputs[0]
            ? (reduce.Convolution.OutChannels, reduce.Activation, expand.Activation)
            : null;

    private static double Epsilon(Unit unit) => unit.Norm?.Epsilon ?? KeyScheme.DefaultEpsilon;

    private int InChannels(Unit unit) => _graph.Layers[unit.Layer.Inputs[0]].Output.Channels;

    private bool IsDepthwise(Layer layer) => layer.Operator is ConvolutionOperator { Groups: > 1 } c && c.Groups == c.OutChannels && _graph.Layers[layer.Inputs[0]].Output.Channels == c.Groups;

    private static bool IsPointwise(Layer layer) => layer.Operator is ConvolutionOperator { Groups: 1, IsLinear: false } c && c.Kernel == Extent.Square(1) && c.Stride == Extent.Square(1);

    private Layer? Next(Layer layer) => _readers[layer.Id] is { Count: 1 } readers && !_isOutput[layer.Id] ? readers[0] : null;

    private Unit? Behind(Layer layer) => Next(layer) is { } next ? UnitAt(next) : null;

    private Unit? UnitAt(Layer layer)
    {
        if (layer.Operator is not ConvolutionOperator { IsLinear: false } convolution)
            return null;
        Layer last = layer;
        BatchNormOperator? norm = null;
        ActivationKind activation = ActivationKind.None;
        if (Next(last) is { Operator: BatchNormOperator behind } normalized)
            (norm, last) = (behind, normalized);
        if (Next(last) is { Operator: ActivationOperator function } activated)
            (activation, last) = (function.Function.Kind, activated);
        return new Unit(layer, convolution, norm, activation, last);
    }

    /// <summary>A convolution with what follows it alone.</summary>
    private sealed record Unit(Layer Layer, ConvolutionOperator Convolution, BatchNormOperator? Norm, ActivationKind Activation, Layer Last);
}
