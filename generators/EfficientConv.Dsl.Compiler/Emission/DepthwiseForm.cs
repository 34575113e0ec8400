using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Scheduling;
using EfficientConv.Dsl.Compiler.Targets;
using static EfficientConv.Dsl.Compiler.Emission.SourceText;

namespace EfficientConv.Dsl.Compiler.Emission;

/// <summary>
/// What the text of a kernel with a channel in every lane depends on: the tile of output columns and the window. Tiles of one form are one generic method
/// and differ in its argument, a structure with their sizes and with the columns that lie in the padding.
/// </summary>
/// <param name="Name">The method's name, which says the form.</param>
internal sealed record DepthwiseForm(string Name)
{
    /// <summary>The form of <paramref name="tile"/> in the vectors of <paramref name="target"/>.</summary>
    public static DepthwiseForm Of(DepthwiseTile tile, VectorTarget target)
    {
        ChannelPerLaneKernel kernel = tile.Kernel;
        RowWindow window = kernel.Window;
        string stride = window.Stride == 1 ? string.Empty : Text($"Stride{window.Stride}");
        string dilation = window.Dilation == Extent.Square(1) ? string.Empty : $"Dilation{window.Dilation}";
        string lanes = kernel.InPerGroup == 1 ? string.Empty : Text($"Of{kernel.InPerGroup}");
        return new(Text($"Depthwise{window.Kernel}{stride}{dilation}{lanes}Tile{tile.Run.Columns}x{target.Lanes}{target.Name}{EpilogueEmitter.FormOf(kernel.Epilogue)}"));
    }
}

/// <summary>A run of column tiles of a kernel.</summary>
internal sealed record DepthwiseTile(ChannelPerLaneKernel Kernel, ColumnRun Run)
{
    /// <summary>The tiles of all of a plan's kernels.</summary>
    public static IEnumerable<DepthwiseTile> Of(NetworkPlan plan) =>
        plan.Kernels.OfType<ChannelPerLaneKernel>().SelectMany(kernel => kernel.Columns.Select(run => new DepthwiseTile(kernel, run)));

    /// <summary>First input column under the first tile; before the map where it is negative.</summary>
    private int First => (Run.FirstColumn * Kernel.Window.Stride) - Kernel.Window.PadLeft;

    /// <summary>Input columns under a tile.</summary>
    public int Columns => ((Run.Columns - 1) * Kernel.Window.Stride) + (Kernel.Window.Dilation.Width * (Kernel.Window.Kernel.Width - 1)) + 1;

    /// <summary>Those before what can be read.</summary>
    public int Left => Math.Max(0, -Kernel.Source.Left - First);

    /// <summary>Those up to the end of what can be read.</summary>
    public int End => Math.Min(Columns, Kernel.Window.InWidth + Kernel.Source.Right - First);

    /// <summary>From the row's begin to the first column that can be read, in floats.</summary>
    public int FirstInput => End > Left ? (First + Left + Kernel.Source.Left) * Kernel.Source.PixelStep : 0;
}
