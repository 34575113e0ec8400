using static EfficientConv.Dsl.Compiler.Emission.SourceText;

namespace EfficientConv.Dsl.Compiler.Emission;

/// <summary>
/// The sum of a matrix product's register tile. In each step a value of every row, in all lanes, is multiplied by a row of vectors and added to accumulators <c>sum{row}_{vector}</c>;
/// <c>a</c> is at the first row's value and <c>w</c> at the first vector, and both move on. What lies in the lanes is the caller's: output channels, whose rows are pixels;
/// pixels of a plane, whose rows are output channels; or eight channels of two pixels.
/// </summary>
/// <param name="writer">Text.</param>
/// <param name="vector">Vectors.</param>
/// <param name="rows">Rows of the tile.</param>
/// <param name="vectors">Vectors of a row of accumulators.</param>
internal sealed class MatrixTile(SourceWriter writer, VectorSyntax vector, int rows, int vectors)
{
    /// <summary>Floats from a row's value to the next row's.</summary>
    public Size RowStep { get; init; } = 1;

    /// <summary>Floats from a row's value to that of the next step.</summary>
    public Size ValueStep { get; init; } = 1;

    /// <summary>Floats from the vectors of a step to those of the next.</summary>
    public Size VectorStep { get; init; } = vectors * vector.Target.Lanes;

    /// <summary>
    /// Whether the vectors of all steps meet in the same sets of the first-level cache, which then holds none of them for the next row: with several steps in a body the loads of one
    /// wait for those of another. 1x1 from 256 to 64 channels at 32 x 32 takes a quarter less with one (Zen 3).
    /// </summary>
    public bool MeetsInSets { get; init; }

    /// <summary>Whether a row's value is two floats, which take turns in the lanes.</summary>
    public bool IsPair { get; init; }

    /// <summary>Prints what belongs before some steps of the sum, to prefetch what is wanted soon; their number is given.</summary>
    public Action<int>? Before { get; init; }

    /// <summary>
    /// The sum over <paramref name="steps"/>. A loop's body has as many steps as pays on the target: address arithmetic, prefetching and the loop itself are then shared by
    /// them, which counts where instructions that start are scarce. The sum's order, and with it its bits, is the same for any number.
    /// </summary>
    /// <param name="index">The loop's index.</param>
    /// <param name="steps">Length of the sum.</param>
    /// <param name="mayRemain">Whether that may be another number than a multiple of a body's steps; a literal is known.</param>
    public void Sum(string index, Size steps, bool mayRemain = true)
    {
        int unrolled = MeetsInSets ? 1 : vector.Target.SumSteps;
        if (unrolled == 1 || steps.Is(1))
        {
            Loop(index, steps, 1);
            return;
        }

        (Size bodies, Size rest) = steps.DivideBy(unrolled);
        if (bodies.MayExceed(0))
            Loop(index, bodies, unrolled);
        if (rest.IsLiteral && !bodies.MayExceed(1))
            Body(rest.Literal);
        else if (rest.IsLiteral ? rest.MayExceed(0) : mayRemain)
            Loop(index, rest, 1, always: true);
    }

    /// <summary>A loop whose body has some steps; the body alone where it surely runs once, unless what it declares must not be seen behind it.</summary>
    private void Loop(string index, Size count, int steps, bool always = false)
    {
        using SourceWriter.Scope loop = writer.BlockIf(always || !count.Is(1), $"for (int {index} = 0; {index} < {count}; {index}++)");
        Body(steps);
    }

    private void Body(int steps)
    {
        if (steps == 0)
            return;
        Before?.Invoke(steps);
        for (int step = 0; step < steps; step++)
            MultiplyAdd(step);
        writer.Line($"a = ref {KernelText.At("a", steps * ValueStep)};");
        writer.Line($"w = ref {KernelText.At("w", steps * VectorStep)};");
    }

    /// <summary>A step: every row's value times the vectors.</summary>
    private void MultiplyAdd(int step)
    {
        IReadOnlyList<string> loads = [.. Enumerable.Range(0, vectors).Select(j => Text($"w{j} = {vector.Load("w", (step * VectorStep) + (j * vector.Target.Lanes))}"))];
        if (writer.Declares("w0"))
        {
            KernelText.Declare(writer, vector, vectors, loads);
        }
        else
        {
            foreach (string load in loads)
                writer.Line($"{load};");
        }

        for (int i = 0; i < rows; i++)
        {
            string value = KernelText.At("a", (i * RowStep) + (step * ValueStep));
            string input = IsPair ? $"Vector512.Create(Unsafe.As<float, double>(ref {value})).AsSingle()" : vector.Scalar(value);
            if (vectors > 1 || IsPair)
            {
                writer.Line($"{writer.Local(vector.Type, Text($"x{i}"))} = {input};");
                input = Text($"x{i}");
            }

            for (int j = 0; j < vectors; j++)
            {
                string sum = Text($"sum{i}_{j}");
                writer.Line($"{sum} = {vector.MultiplyAddByScalar(Text($"w{j}"), input, sum)};");
            }
        }
    }
}
