using EfficientConv.Dsl.Compiler.Targets;

namespace EfficientConv.Dsl.Compiler.Folding;

/// <summary>A form of Winograd's algorithm for 3x3 kernels: how large the tiles are.</summary>
/// <param name="Name">Name, as the runtime library's enumeration has it.</param>
/// <param name="Output">Output rows and columns of a tile.</param>
/// <param name="Stride">The convolution's stride.</param>
public sealed record WinogradForm(string Name, int Output, int Stride)
{
    /// <summary>F(4x4, 3x3): 36 products for 16 outputs.</summary>
    public static WinogradForm F4x4 { get; } = new(nameof(F4x4), 4, 1);

    /// <summary>F(2x2, 3x3): 16 products for 4 outputs, with less than half of the weights.</summary>
    public static WinogradForm F2x2 { get; } = new(nameof(F2x2), 2, 1);

    /// <summary>
    /// The same with stride 2. Each dimension is a sum of two: the even pixels with the first and the last tap, three products, and the odd
    /// ones with the middle tap, one product an output.
    /// </summary>
    public static WinogradForm F2x2Stride2 { get; } = new(nameof(F2x2Stride2), 2, 2);

    /// <summary>Input rows and columns of a tile: those that its outputs reach. The products of one dimension are as many.</summary>
    public int Input => Step + Overlap;

    /// <summary>Input rows from a tile to the next.</summary>
    public int Step => Output * Stride;

    /// <summary>Input rows of a tile that are the next one's too.</summary>
    public int Overlap => 3 - Stride;

    /// <summary>Products that replace a tile's sums of nine taps.</summary>
    public int Products => Input * Input;

    /// <summary>Different weights in one dimension: with stride 2 all outputs of the odd pixels have the same.</summary>
    public int Weights => Stride == 1 ? Input : Input - Output + 1;

    /// <summary>Different weights.</summary>
    public int WeightSets => Weights * Weights;

    /// <summary>Products in the order of their weights, with the place of these.</summary>
    public IEnumerable<(int Product, int Weights)> Order =>
        from row in Enumerable.Range(0, Input)
        from column in Enumerable.Range(0, Input)
        let weights = (Math.Min(row, Weights - 1) * Weights) + Math.Min(column, Weights - 1)
        orderby weights
        select ((row * Input) + column, weights);

    /// <summary>What its transforms take on a core.</summary>
    public TransformCycles Cycles(CoreRates rates) => Name switch
    {
        nameof(F4x4) => rates.WinogradF4x4,
        nameof(F2x2) => rates.WinogradF2x2,
        nameof(F2x2Stride2) => rates.WinogradF2x2Stride2,
        _ => throw new InvalidOperationException($"{Name} has no cycles."),
    };

    /// <summary>Tiles that cover <paramref name="length"/> outputs.</summary>
    public int Tiles(int length) => (length + Output - 1) / Output;
}
