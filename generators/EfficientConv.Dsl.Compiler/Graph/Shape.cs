namespace EfficientConv.Dsl.Compiler.Graph;

/// <summary>Channels, height and width of an activation tensor of one image; a vector of N features is N x 1 x 1.</summary>
public readonly record struct Shape(int Channels, int Height, int Width)
{
    /// <summary>Number of elements.</summary>
    public long Count => (long)Channels * Height * Width;

    /// <summary>Pixels of the map.</summary>
    public int Pixels => Height * Width;

    /// <inheritdoc/>
    public override string ToString() => FormattableString.Invariant($"{Channels} x {Height} x {Width}");
}

/// <summary>A pair of sizes, vertical first.</summary>
public readonly record struct Extent(int Height, int Width)
{
    /// <summary>Both the same.</summary>
    public static Extent Square(int size) => new(size, size);

    /// <inheritdoc/>
    public override string ToString() => FormattableString.Invariant($"{Height}x{Width}");
}

/// <summary>Zero padding of the four sides in pixels.</summary>
public readonly record struct Padding(int Top, int Bottom, int Left, int Right)
{
    /// <summary>The same number of rows and of columns on both sides.</summary>
    public static Padding Symmetric(int vertical, int horizontal) => new(vertical, vertical, horizontal, horizontal);

    /// <summary>Whether nothing is padded.</summary>
    public bool IsZero => Top == 0 && Bottom == 0 && Left == 0 && Right == 0;

    /// <summary>Both around each other.</summary>
    public Padding Plus(Padding other) => new(Top + other.Top, Bottom + other.Bottom, Left + other.Left, Right + other.Right);

    /// <inheritdoc/>
    public override string ToString() => FormattableString.Invariant($"top {Top}, bottom {Bottom}, left {Left}, right {Right}");
}
