namespace EfficientConv.Dsl.Import;

/// <summary>A tensor of a model: its dimensions, and its values where they are known.</summary>
internal sealed class Tensor
{
    private readonly float[]? _singles;
    private readonly double[]? _doubles;
    private readonly long[]? _integers;

    private Tensor(int[] dims, float[]? singles, double[]? doubles, long[]? integers) => (Dims, _singles, _doubles, _integers) = (dims, singles, doubles, integers);

    /// <summary>The dimensions; none for a scalar.</summary>
    public int[] Dims { get; }

    /// <summary>Number of elements.</summary>
    public int Count => Size(Dims);

    /// <summary>Whether the values are known.</summary>
    public bool IsKnown => _singles is not null || _doubles is not null || _integers is not null || Transposed is not null;

    /// <summary>The matrix of which this one is the transpose, and whose elements are read in its place: weights are in memory once.</summary>
    public Tensor? Transposed { get; private init; }

    /// <summary>Whether the elements are in single precision.</summary>
    public bool IsSingle => _singles is not null || Transposed is not null;

    /// <summary>Whether the elements are whole numbers.</summary>
    public bool IsInteger => _integers is not null;

    /// <summary>The known value of an element.</summary>
    public double this[int index] => _singles is not null ? _singles[index] : _doubles is not null ? _doubles[index] : _integers is not null ? _integers[index]
        : Transposed is not null ? Transposed[(index % Dims[1] * Dims[0]) + (index / Dims[1])] : throw Unknown();

    /// <summary>Weights in single precision.</summary>
    public static Tensor Of(int[] dims, float[] values) => new(dims, values, null, null);

    /// <summary>Computed values.</summary>
    public static Tensor Of(int[] dims, double[] values) => new(dims, null, values, null);

    /// <summary>Whole numbers: shapes, axes, indices.</summary>
    public static Tensor Of(int[] dims, long[] values) => new(dims, null, null, values);

    /// <summary>A tensor of which only the dimensions are known.</summary>
    public static Tensor Unknown(int[] dims) => new(dims, null, null, null);

    /// <summary>Elements of a tensor with <paramref name="dims"/>.</summary>
    /// <exception cref="ImportException">They are too many, or a dimension is negative.</exception>
    public static int Size(IReadOnlyList<int> dims)
    {
        long count = 1;
        foreach (int dimension in dims)
        {
            if (dimension < 0 || (count *= dimension) > int.MaxValue / 8)
                throw new ImportException($"A tensor of shape {Text(dims)} has more elements than are supported, or less than none (at most {int.MaxValue / 8:N0}).");
        }

        return (int)count;
    }

    /// <summary>The same values with other dimensions.</summary>
    public Tensor Reshape(int[] dims) => Size(dims) == Count ? new Tensor(dims, IsSingle ? Singles() : null, _doubles, _integers)
        : throw new ImportException($"{Count} elements of shape {Text(Dims)} cannot have the shape {Text(dims)}.");

    /// <summary>The transpose of this matrix, which is in single precision.</summary>
    public Tensor Transpose() => Transposed ?? new([Dims[1], Dims[0]], null, null, null) { Transposed = this };

    /// <summary>All values in double precision.</summary>
    public double[] Doubles() => _doubles ?? (IsSingle ? Array.ConvertAll(Singles(), value => (double)value) : _integers is not null ? Array.ConvertAll(_integers, value => (double)value) : throw Unknown());

    /// <summary>All values in single precision.</summary>
    public float[] Singles() => _singles ?? (Transposed is not null ? [.. Enumerable.Range(0, Count).Select(i => (float)this[i])] : Array.ConvertAll(Doubles(), value => (float)value));

    /// <summary>All values as whole numbers.</summary>
    public long[] Integers() => _integers ?? Array.ConvertAll(Doubles(), value => (long)value);

    /// <summary>Dimensions for messages: 1 x 3 x 224 x 224.</summary>
    public static string Text(IEnumerable<int> dims) => string.Join(" x ", dims) is { Length: > 0 } text ? text : "scalar";

    /// <inheritdoc/>
    public override string ToString() => Text(Dims);

    private InvalidOperationException Unknown() => new($"The values of a tensor of shape {this} are not known.");
}
