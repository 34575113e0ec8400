using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Scheduling.Nests;

namespace EfficientConv.Dsl.Compiler.Scheduling;

/// <summary>How an image of bytes comes into a network.</summary>
/// <param name="Shape">Shape of the input.</param>
/// <param name="Load">How its rows become the input's floats.</param>
/// <param name="Step">Number of the step that converts rows as it reads them, or -1 where the whole image is converted before.</param>
/// <param name="Nest">That step's loop nest for an image, or null.</param>
/// <param name="Staging">Where the converted image lies in the workspace, or null.</param>
public sealed record ImagePlan(Shape Shape, RowLoad Load, int Step, LoopNest? Nest, ArenaOffset? Staging);

/// <summary>Lets the step that reads the network's input read bytes.</summary>
internal static class ImageScheduling
{
    /// <summary><paramref name="plan"/> with what images need; itself where the network takes none.</summary>
    public static NetworkPlan Schedule(NetworkPlan plan, LayerGraph graph)
    {
        if (graph.Image is null)
            return plan;
        TensorView view = Scheduler.UserView(graph.Input, graph.IsChannelsLast);
        RowLoad load = view.IsPlanar ? RowLoad.ImagePlanes : RowLoad.ImagePixels;
        int[] readers = [.. Enumerable.Range(0, plan.Steps.Count).Where(i => plan.Steps[i].Input.Place == TensorPlace.Input || plan.Steps[i].Residual?.Place == TensorPlace.Input)];

        // A step that copies rows into a ring converts them there; nothing else may read the floats that are then never made.
        if (readers.Length == 1 && plan.Steps[readers[0]] is { Input: { Place: TensorPlace.Input, Offset.Bytes: 0 }, Residual: null, Nest: { } nest }
            && nest.Input.Shape == graph.Input && OfImage(nest) is { } ofImage)
        {
            return plan with { Image = new ImagePlan(graph.Input, load, readers[0], ofImage, null) };
        }

        return plan with
        {
            Image = new ImagePlan(graph.Input, load, -1, null, new ArenaOffset(plan.WorkspaceBytes)),
            WorkspaceBytes = plan.WorkspaceBytes + new Arena(plan.Target.Caches.LineBytes).Align(view.Bytes),
        };
    }

    /// <summary><paramref name="nest"/> with rows of bytes, where its input's rows come into a ring, each once; else null.</summary>
    private static LoopNest? OfImage(LoopNest nest) => !nest.Nodes.Any(node => node is LoadRow { MayBeImage: true }) ? null
        : nest.Rewrite(node => node is LoadRow load ? load with { Load = load.Load == RowLoad.Planes ? RowLoad.ImagePlanes : RowLoad.ImagePixels } : node);
}
