using EfficientConv.Dsl.Compiler.Declarations;
using EfficientConv.Dsl.Compiler.Findings;
using EfficientConv.Dsl.Compiler.Model;
using EfficientConv.Dsl.Compiler.Shapes;

namespace EfficientConv.Dsl.Compiler.Graph;

/// <summary>The place where an operator is to stand, and the checks that several operators share.</summary>
/// <param name="Operator">The operator.</param>
/// <param name="Inputs">Shapes of what it reads.</param>
/// <param name="Name">The layer's name.</param>
/// <param name="Origin">Where the layer comes from.</param>
/// <param name="Attribute">The attribute, for its arguments; null where none is known.</param>
internal sealed record OperatorSite(Operator Operator, IReadOnlyList<Shape> Inputs, string Name, LayerOrigin Origin, AttributeDeclaration? Attribute)
{
    /// <summary>Largest size, count or element count of a tensor: every offset of the generated code is an <see cref="int"/>.</summary>
    private const long MaxElements = int.MaxValue / 8;

    /// <summary>Shape of what it reads first.</summary>
    public Shape Input => Inputs[0];

    /// <summary>A finding: the place, and <paramref name="fact"/> with the rule in brackets.</summary>
    public Finding Broken(Rule rule, string? argument, FormattableString fact, params FindingProperty[] properties) => new(
        rule.Id, Origin.AttributeIndex, argument, $"{LayerPlace.Of(Operator, Input, Name, Origin, Attribute)} {FormattableString.Invariant(fact)}", properties.ToEquatableArray());

    /// <summary>Both inputs must have one shape. What attributes lead together is compared before, with the layers that made the shapes differ.</summary>
    public Finding? SameShapes() => Inputs[0] == Inputs[1] ? null : Broken(RuleCatalog.ImpossibleShortcut, null, $"reads {Inputs[0]} and {Inputs[1]} (both shapes must be equal)");

    /// <summary>Groups must divide the channels of both sides.</summary>
    public Finding? Groups(int groups, int outChannels)
    {
        if (Input.Channels % groups != 0)
            return Broken(RuleCatalog.GroupsInput, "groups", $"has groups {groups}, which do not divide its {Input.Channels} input channels (inChannels must be divisible by groups)", Divisors(outChannels, groups));
        return outChannels % groups != 0
            ? Broken(RuleCatalog.GroupsOutput, "groups", $"has groups {groups}, which do not divide its {outChannels} output channels (outChannels must be divisible by groups)", Divisors(outChannels, groups))
            : null;
    }

    /// <summary>Groups of a shuffle must divide the channels.</summary>
    public Finding? ShuffleGroups(int groups) => Input.Channels % groups == 0 ? null : Broken(
        RuleCatalog.ShuffleGroups, "groups", $"has groups {groups}, which do not divide its {Input.Channels} channels (channels must be divisible by groups)", Divisors(Input.Channels, groups));

    /// <summary>A tensor must have 32-bit offsets.</summary>
    public Finding? Size(double count, string what) =>
        count <= MaxElements ? null : Broken(RuleCatalog.InvalidValue, null, $"has {count:0} {what} (at most {MaxElements} are supported)");

    /// <summary>The output must have 32-bit offsets.</summary>
    public Finding? OutputSize() => Size(Operator.Output(Inputs).Count, "outputs");

    /// <summary>A window must fit into the padded input, and the output have 32-bit offsets.</summary>
    public Finding? Window(Extent kernel, Extent dilation, Padding padding, int largestPadding = int.MaxValue)
    {
        Shape output = Operator.Output(Inputs);
        if (output.Height > 0 && output.Width > 0)
            return OutputSize();

        int effectiveHeight = ShapeInference.EffectiveKernel(kernel.Height, dilation.Height), effectiveWidth = ShapeInference.EffectiveKernel(kernel.Width, dilation.Width);
        int needed = Math.Max((effectiveHeight - Input.Height + 1) / 2, (effectiveWidth - Input.Width + 1) / 2);
        string[] axes = [.. output.Height <= 0 ? ["Height"] : Array.Empty<string>(), .. output.Width <= 0 ? ["Width"] : Array.Empty<string>()];
        string? argument = LayerPlace.Written(Attribute, [.. axes.Select(axis => "Kernel" + axis), "kernelSize", .. axes.Select(axis => "Dilation" + axis), "dilation"]);
        return Broken(
            RuleCatalog.EmptyOutput, argument,
            $"has an empty output: its kernel of {effectiveHeight} x {effectiveWidth} pixels (dilation included) is larger than the padded input of {Input.Height + padding.Top + padding.Bottom} x {Input.Width + padding.Left + padding.Right} pixels (the effective kernel must fit)",
            Paddings(padding, Sizes().Where(p => p <= largestPadding).Select(p => Padding.Symmetric(p, p))));

        // The smallest that fits, then the one that keeps the size.
        IEnumerable<int> Sizes()
        {
            yield return needed;
            if (effectiveHeight == effectiveWidth && effectiveHeight % 2 == 1 && effectiveHeight / 2 > needed)
                yield return effectiveHeight / 2;
        }
    }

    /// <summary>Fixes that put one of <paramref name="wanted"/>, best first, in the place of the padding that there is.</summary>
    public FindingProperty[] Paddings(Padding current, IEnumerable<Padding> wanted) =>
        Attribute is null ? [] : [.. wanted.Distinct().Select((padding, rank) => FixProposal.Set(rank, PaddingArguments.Edits(Attribute, current, padding)))];

    /// <summary>The group counts nearest to the wrong one that divide both channel counts.</summary>
    private FindingProperty[] Divisors(int outChannels, int wrong) => FixProposal.Alternatives(
        "groups", FixProposal.Nearest(wrong, Math.Min(Input.Channels, outChannels), d => Input.Channels % d == 0 && outChannels % d == 0, 3));
}
