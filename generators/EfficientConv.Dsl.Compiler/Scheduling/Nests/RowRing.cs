namespace EfficientConv.Dsl.Compiler.Scheduling.Nests;

/// <summary>
/// Rows under a window: those of a map that lies in memory, or those in a ring that is filled as the window goes down. Rings of several layers stand side by side in one nest:
/// what fills one may go over the window of another.
/// </summary>
/// <param name="name">What the rows are, as a part of names; empty for the usual ones.</param>
/// <param name="axis">Vertical geometry.</param>
/// <param name="source">Layout of the rows.</param>
/// <param name="map">Where they lie, when there is no ring.</param>
internal sealed class RowRing(string name, VerticalAxis axis, RowSource source, Pointer map)
{
    private readonly Variable _rows = new(name + "RingRows"), _row = new((name.Length == 0 ? "Ring" : name) + "Row"), _loaded = new(Lower(name + "Loaded"));
    private readonly Storage _ring = new(Lower(name + "Ring"));

    /// <summary>Whether there is a ring.</summary>
    public bool IsRing => source.RingRows > 0;

    /// <summary>The window's rows.</summary>
    public WindowRows Window { get; } = new(new("first" + name), new("from" + name), new("to" + name));

    /// <summary>Vertical geometry.</summary>
    public VerticalAxis Axis => axis;

    /// <summary>Layout of the rows.</summary>
    public RowSource Source => source;

    /// <summary>What a kernel reads.</summary>
    public Pointer Begin => IsRing ? _ring : map;

    /// <summary>Rows of the ring, by name.</summary>
    public Scalar Rows => _rows;

    /// <summary>What a kernel is told of the window: its first row, or that row's place in the ring, and which rows of the kernel lie inside the map.</summary>
    public Scalar[] Arguments => [IsRing ? Place(Window.First, axis.PadTop, source.RingRows, _rows) : Window.First, Window.From, Window.To];

    /// <summary>Declares the ring, zeros on all sides, before the first window.</summary>
    public void Declare(NestBuilder nest, Pointer memory)
    {
        if (!IsRing)
            return;
        nest.Add(new DefineConstant(_rows, source.RingRows));
        nest.Add(new DefineConstant(_row, RowLength(source)));
        nest.Add(new Bind(_ring, memory));
        nest.Add(new Clear(_ring, _rows * _row));
        nest.Define((_loaded, 0));
    }

    /// <summary>Declares which rows the window of output row <paramref name="y"/> has.</summary>
    public void PlaceWindow(NestBuilder nest, Scalar y) => nest.Add(new PlaceWindow(Window, y, axis));

    /// <summary>Fills the ring as far as the window reaches.</summary>
    /// <param name="nest">The nest.</param>
    /// <param name="rows">Rows under the window.</param>
    /// <param name="trips">Rows that one thread alone makes, on average, for a window.</param>
    /// <param name="make">Makes a row at its place.</param>
    public void Fill(NestBuilder nest, Scalar rows, double trips, Action<Scalar, Pointer> make)
    {
        if (!IsRing)
            return;
        using (nest.FillRing(_loaded, Window.First, Window.First + rows, axis.Height, trips))
            make(_loaded, PlaceOf(_loaded));
    }

    /// <summary>Where the first pixel of <paramref name="row"/> lies in the ring.</summary>
    public Pointer PlaceOf(Scalar row) => _ring.At(((row % _rows) * _row) + (source.Left * source.PixelStep));

    /// <summary>The place of a window's first row in a ring; above the map it is negative, so it is lifted by whole turns.</summary>
    public static Scalar Place(Scalar first, int padTop, int ringRows, Scalar rows)
    {
        int lift = (padTop + ringRows - 1) / ringRows * ringRows;
        return (first + lift) % rows;
    }

    /// <summary>Floats of a ring's row: pixels times channels.</summary>
    private static Computed RowLength(RowSource source) => source.ChannelStep > 1
        ? new Computed('*', source.ChannelStep, source.RowStep / source.ChannelStep)
        : new Computed('*', source.RowStep / source.PixelStep, source.PixelStep);

    private static string Lower(string text) => char.ToLowerInvariant(text[0]) + text.Substring(1);
}
