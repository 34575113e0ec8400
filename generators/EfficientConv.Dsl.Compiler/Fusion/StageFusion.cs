using EfficientConv.Dsl.Compiler.Folding;
using EfficientConv.Dsl.Compiler.Model;

namespace EfficientConv.Dsl.Compiler.Fusion;

/// <summary>Stages that run as one loop nest, so that what lies between them never exists as a whole tensor.</summary>
public abstract record StageGroup
{
    /// <summary>The stage whose output the group makes.</summary>
    public abstract Stage Last { get; }

    /// <summary>Stages outside the group that it reads.</summary>
    public abstract IEnumerable<int> Reads { get; }
}

/// <summary>A stage on its own.</summary>
public sealed record SingleGroup(Stage Stage) : StageGroup
{
    /// <inheritdoc/>
    public override Stage Last => Stage;

    /// <inheritdoc/>
    public override IEnumerable<int> Reads => Stage.Inputs;
}

/// <summary>
/// Optional 1x1 expansion, depthwise, optional squeeze-and-excitation, 1x1 projection: an inverted residual, an EfficientConvBlock or a
/// depthwise separable convolution, however the user composed it.
/// </summary>
public sealed record DepthwiseGroup(ConvolutionStage? Expand, ConvolutionStage Depthwise, SqueezeStage? Squeeze, ConvolutionStage Project) : StageGroup
{
    /// <inheritdoc/>
    public override Stage Last => Project;

    /// <summary>The stage whose output the group's first convolution reads.</summary>
    public int Source => (Expand ?? Depthwise).Inputs[0];

    /// <summary>The stage that is added to the projection, or -1.</summary>
    public int Residual => Project.HasResidual ? Project.Inputs[1] : -1;

    /// <inheritdoc/>
    public override IEnumerable<int> Reads => Residual >= 0 ? [Source, Residual] : [Source];
}

/// <summary>Finds the groups; whatever fits no pattern stays on its own.</summary>
public static class StageFusion
{
    /// <summary>Groups <paramref name="graph"/>'s stages in an order in which each reads only earlier ones.</summary>
    public static EquatableArray<StageGroup> Fuse(StageGraph graph)
    {
        int[] uses = graph.CountUses();
        Dictionary<int, int> readerOf = [];
        foreach (Stage stage in graph.Stages)
        {
            foreach (int input in stage.Inputs)
                readerOf[input] = stage.Id;
        }

        bool[] taken = new bool[graph.Stages.Count], needed = Needed(graph);
        List<StageGroup> groups = [];
        foreach (Stage stage in graph.Stages)
        {
            if (taken[stage.Id] || !needed[stage.Id] || stage is InputStage)
                continue;
            StageGroup group = MatchDepthwise(stage) ?? (StageGroup)new SingleGroup(stage);
            groups.Add(group);
            if (group is DepthwiseGroup match)
            {
                foreach (Stage? part in new Stage?[] { match.Expand, match.Depthwise, match.Squeeze, match.Project })
                {
                    if (part is not null)
                        taken[part.Id] = true;
                }
            }
        }

        // A fused group ends at its projection: with branches it must stand behind everything that it reads.
        return groups.OrderBy(g => g.Last.Id).ToEquatableArray();

        DepthwiseGroup? MatchDepthwise(Stage first)
        {
            ConvolutionStage? expand = first is ConvolutionStage { IsPointwise: true, HasResidual: false } e && SoleReader(e) is ConvolutionStage { IsDepthwise: true } ? e : null;
            Stage? second = expand is null ? first : SoleReader(expand);
            if (second is not ConvolutionStage { IsDepthwise: true, HasResidual: false } depthwise)
                return null;
            Stage? next = SoleReader(depthwise);
            SqueezeStage? squeeze = next as SqueezeStage;
            if (squeeze is not null)
                next = SoleReader(squeeze);
            return next is ConvolutionStage { IsPointwise: true } project && project.Inputs[0] == (squeeze?.Id ?? depthwise.Id)
                ? new DepthwiseGroup(expand, depthwise, squeeze, project)
                : null;
        }

        Stage? SoleReader(Stage stage) => uses[stage.Id] == 1 && readerOf.TryGetValue(stage.Id, out int reader) ? graph.Stages[reader] : null;
    }

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
