using EfficientConv.Dsl.Compiler.Folding;
using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Model;

namespace EfficientConv.Dsl.Compiler.Fusion;

/// <summary>Stages that run as one loop nest, so that what lies between them never exists as a whole tensor.</summary>
public abstract record StageGroup
{
    /// <summary>The stage whose output the group makes.</summary>
    public abstract Stage Last { get; }

    /// <summary>Stages outside the group that it reads.</summary>
    public abstract IEnumerable<int> Reads { get; }

    /// <summary>The group's stages in their order.</summary>
    public abstract IEnumerable<Stage> Parts { get; }
}

/// <summary>A stage on its own.</summary>
public sealed record SingleGroup(Stage Stage) : StageGroup
{
    /// <inheritdoc/>
    public override Stage Last => Stage;

    /// <inheritdoc/>
    public override IEnumerable<int> Reads => Stage.Inputs;

    /// <inheritdoc/>
    public override IEnumerable<Stage> Parts => [Stage];
}

/// <summary>
/// Optional 1x1 expansion, depthwise, optional squeeze-and-excitation, 1x1 projection: an inverted residual, an EfficientConvBlock or a
/// depthwise separable convolution, however the user composed it. In place of the expansion may stand a dense convolution with a window, as the stem in
/// front of a network's first block.
/// </summary>
public sealed record DepthwiseGroup(ConvolutionStage? Expand, ConvolutionStage Depthwise, SqueezeStage? Squeeze, ConvolutionStage Project) : StageGroup
{
    /// <inheritdoc/>
    public override Stage Last => Project;

    /// <summary>The convolution with a window that makes what the depthwise layer reads, or null.</summary>
    public ConvolutionStage? Stem => Expand is { IsPointwise: false } ? Expand : null;

    /// <summary>Whether the projection adds what the depthwise layer reads.</summary>
    public bool AddsExpanded => Expand is not null && Project.HasResidual && Project.Inputs[1] == Expand.Id && Expand.Output == Project.Output;

    /// <summary>The same block after a stem that is a step of its own.</summary>
    public DepthwiseGroup WithoutStem => Stem is null ? this : this with { Expand = null };

    /// <summary>The stage whose output the group's first convolution reads.</summary>
    public int Source => (Expand ?? Depthwise).Inputs[0];

    /// <summary>The stage outside the group that is added to the projection, or -1.</summary>
    public int Residual => Project.HasResidual && !AddsExpanded ? Project.Inputs[1] : -1;

    /// <inheritdoc/>
    public override IEnumerable<int> Reads => Residual >= 0 ? [Source, Residual] : [Source];

    /// <inheritdoc/>
    public override IEnumerable<Stage> Parts => new Stage?[] { Expand, Depthwise, Squeeze, Project }.OfType<Stage>();
}

/// <summary>A dense convolution with a window and the pooling layer that alone reads it, as the stem of ResNet, ShuffleNet and SqueezeNet.</summary>
public sealed record PoolGroup(ConvolutionStage Stem, PoolStage Pool) : StageGroup
{
    /// <inheritdoc/>
    public override Stage Last => Pool;

    /// <inheritdoc/>
    public override IEnumerable<int> Reads => Stem.Inputs;

    /// <inheritdoc/>
    public override IEnumerable<Stage> Parts => [Stem, Pool];
}

/// <summary>Finds the groups; whatever fits no pattern stays on its own.</summary>
public static class StageFusion
{
    /// <summary>Groups <paramref name="graph"/>'s stages in an order in which each reads only earlier ones.</summary>
    public static EquatableArray<StageGroup> Fuse(StageGraph graph)
    {
        int[] uses = graph.CountUses();
        ILookup<int, Stage> readersOf = graph.Stages.SelectMany(stage => stage.Inputs.Select(input => (Input: input, Stage: stage))).ToLookup(read => read.Input, read => read.Stage);

        bool[] taken = new bool[graph.Stages.Count], needed = Needed(graph);
        List<StageGroup> groups = [];
        foreach (Stage stage in graph.Stages)
        {
            if (taken[stage.Id] || !needed[stage.Id] || stage is InputStage)
                continue;
            StageGroup group = MatchDepthwise(stage) ?? MatchPool(stage) ?? (StageGroup)new SingleGroup(stage);
            groups.Add(group);
            foreach (Stage part in group.Parts)
                taken[part.Id] = true;
        }

        // A fused group ends at its last stage: with branches it must stand after everything that it reads.
        return groups.OrderBy(g => g.Last.Id).ToEquatableArray();

        DepthwiseGroup? MatchDepthwise(Stage first)
        {
            if (first is ConvolutionStage { HasResidual: false } front && (IsStem(front) || front.IsPointwise) && ReaderAfter(front) is { } reader)
                return MatchBlock(front, reader);
            return MatchBlock(null, first);
        }

        PoolGroup? MatchPool(Stage first) =>
            first is ConvolutionStage front && IsStem(front) && SoleReader(front) is PoolStage pool ? new PoolGroup(front, pool) : null;

        DepthwiseGroup? MatchBlock(ConvolutionStage? expand, Stage second)
        {
            if (second is not ConvolutionStage { IsDepthwise: true, HasResidual: false } depthwise)
                return null;
            Stage? next = SoleReader(depthwise);
            SqueezeStage? squeeze = next as SqueezeStage;
            if (squeeze is not null)
                next = SoleReader(squeeze);
            if (next is not ConvolutionStage { IsPointwise: true } project || project.Inputs[0] != (squeeze?.Id ?? depthwise.Id))
                return null;
            DepthwiseGroup group = new(expand, depthwise, squeeze, project);
            return expand is null || uses[expand.Id] == 1 || (group.AddsExpanded && squeeze is null) ? group : null;
        }

        // The depthwise layer after an expansion that nobody else reads, or after a stem whose rows the block may also add.
        Stage? ReaderAfter(ConvolutionStage front)
        {
            Stage[] readers = [.. readersOf[front.Id].Where(r => r is ConvolutionStage { IsDepthwise: true, HasResidual: false })];
            return readers.Length == 1 && (uses[front.Id] == 1 || (uses[front.Id] == 2 && IsStem(front) && readers[0] is ConvolutionStage { Convolution: var c } && c.Stride == Extent.Square(1)))
                ? readers[0]
                : null;
        }

        Stage? SoleReader(Stage stage) => uses[stage.Id] == 1 ? readersOf[stage.Id].FirstOrDefault() : null;
    }

    /// <summary>A dense convolution with a window, whose rows can be made where a block needs them; Winograd's transforms make several at once.</summary>
    private static bool IsStem(ConvolutionStage stage) =>
        stage is { IsPointwise: false, HasResidual: false, Phase: null, Winograd: null, Convolution: { Groups: 1, IsLinear: false } };

    /// <summary>The stages that an output depends on: a branch that nobody reads is not computed.</summary>
    private static bool[] Needed(StageGraph graph)
    {
        bool[] needed = new bool[graph.Stages.Count];
        foreach (int output in graph.Outputs)
            needed[output] = true;
        for (int id = needed.Length - 1; id >= 0; id--)
        {
            if (!needed[id])
                continue;
            foreach (int input in graph.Stages[id].Inputs)
                needed[input] = true;
        }

        return needed;
    }
}
