using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Scheduling;
using static EfficientConv.Dsl.Compiler.Emission.SourceText;

namespace EfficientConv.Dsl.Compiler.Emission;

/// <summary>
/// Prints what all kernels do around their sums: how accumulators start, activations, stores. Kernels whose text stands for several print a tile as a whole, with what only
/// some of them do after conditions; the others each accumulator by itself, with its activation inside the store.
/// </summary>
/// <param name="writer">Text.</param>
/// <param name="vector">Vectors.</param>
/// <param name="epilogues">The epilogues of all kernels that the text stands for.</param>
/// <param name="offset">Floats from a channel's bias to its slope, its factor or its summand, by the name that <see cref="Epilogue"/> has for it.</param>
internal sealed class EpilogueEmitter(SourceWriter writer, VectorSyntax vector, IEnumerable<Epilogue> epilogues, Func<string, Size> offset)
{
    private readonly IReadOnlyList<Epilogue> _epilogues = [.. epilogues.Distinct()];
    private readonly IReadOnlyList<(AccumulatorStart Start, string Condition)> _starts = ShapeEmitter.Conditions(epilogues.Select(e => e.Start), Trait);
    private readonly IReadOnlyList<(ActivationFunction Activation, string Condition)> _activations = ShapeEmitter.Conditions(epilogues.Select(e => e.Activation), Trait);

    public EpilogueEmitter(SourceWriter writer, VectorSyntax vector, Epilogue epilogue)
        : this(writer, vector, [epilogue], name => ChannelSizes(epilogue).Single(size => size.Name == name).Value)
    {
    }

    /// <summary>The epilogues of all kernels that a generic method stands for, whose shapes are its argument.</summary>
    public EpilogueEmitter(SourceWriter writer, VectorSyntax vector, IEnumerable<Epilogue> epilogues)
        : this(writer, vector, epilogues, name => Size.Of("TShape." + name))
    {
    }

    /// <summary>Whether one of the kernels reads a residual.</summary>
    public bool AddsResidual => _epilogues.Any(epilogue => epilogue.AddsResidual);

    /// <summary>The parameter for the residual of a kernel that reads one.</summary>
    public string ResidualParameter => AddsResidual ? ", ref float residual" : string.Empty;

    /// <summary>Whether sums are scaled and shifted before their activation; all epilogues of a text are alike in that.</summary>
    private bool ScalesFirst => _epilogues.Any(epilogue => epilogue.ScalesFirst);

    private StoreForm Store => _epilogues.Select(epilogue => epilogue.Store).Distinct().Single();

    /// <summary>An epilogue in a comment.</summary>
    public static string Describe(Epilogue epilogue)
    {
        string activation = epilogue.Activation.IsNone ? string.Empty : $", {epilogue.Activation.Kind}", scale = epilogue.ScaleOffset == 0 ? string.Empty : ", scale and shift";
        return epilogue.ScalesFirst ? scale + activation : activation + scale;
    }

    /// <summary>What is stored, around <paramref name="sum"/>, as a formula for a comment; what only some of the kernels do in brackets.</summary>
    public string Formula(string sum, string pixel = "pixel")
    {
        string start = string.Join(" or ", _starts.Select(s => s.Start switch
        {
            AccumulatorStart.Bias => "bias[n]",
            AccumulatorStart.BiasAndResidual => $"bias[n] + residual[{pixel}, n]",
            AccumulatorStart.BiasAndDestination => $"bias[n] + output[{pixel}, n]",
            _ => $"output[{pixel}, n]",
        }));
        string value = $"{(_starts.Count > 1 ? $"({start})" : start)} + {sum}";
        string activations = string.Join(" or ", _activations.Where(a => !a.Activation.IsNone).Select(a => a.Activation.Kind));
        return activations.Length == 0 ? value : $"{(_activations.Count > 1 ? $"[{activations}]" : activations)}({value})";
    }

    /// <summary>An epilogue in the name of a kernel.</summary>
    public static string NameOf(Epilogue epilogue) =>
        (epilogue.Start == AccumulatorStart.Destination ? "Accumulate" : string.Empty) + (epilogue.Activation.IsNone ? string.Empty : epilogue.Activation.Kind.ToString()) +
        (epilogue.ScaleOffset == 0 ? string.Empty : "Scaled");

    /// <summary>What of an epilogue the text of a form depends on, as part of the form's name; the rest are conditions.</summary>
    public static string FormOf(Epilogue epilogue) =>
        (epilogue.Store == StoreForm.Interleaved ? "Pairs" : string.Empty) + (epilogue.ScalesFirst ? "Scaled" : string.Empty) + epilogue.Activation.NameOfArguments;

    /// <summary>The traits of a shape with this epilogue, null for none.</summary>
    public static IEnumerable<string?> Traits(Epilogue epilogue) => [Trait(epilogue.Start), Trait(epilogue.Activation)];

    /// <summary>The sizes of a shape with this epilogue, with their defaults.</summary>
    public static IEnumerable<(string Name, int Value, int? Default)> Sizes(Epilogue epilogue) => [("ResidualStep", epilogue.ResidualPixelStep, 0), .. ChannelSizes(epilogue)];

    /// <summary>The sizes of a shape without a residual: where what is packed for each channel lies.</summary>
    public static IEnumerable<(string Name, int Value, int? Default)> ChannelSizes(Epilogue epilogue) =>
    [
        (nameof(Epilogue.SlopeOffset), epilogue.SlopeOffset, 0), (nameof(Epilogue.ScaleOffset), epilogue.ScaleOffset, 0), (nameof(Epilogue.ShiftOffset), epilogue.ShiftOffset, 0),
    ];

    /// <summary>Constants at the head of a method that <see cref="Start(Accumulator)"/> and <see cref="Finish(Accumulator)"/> use.</summary>
    public void Constants()
    {
        foreach (string constant in vector.ActivationConstants(Single(_activations)))
            writer.Line(constant);
        StoreConstants();
    }

    /// <summary>The orders of lanes of a store that is not <see cref="StoreForm.Vectors"/>.</summary>
    public void StoreConstants()
    {
        if (Store == StoreForm.Interleaved)
        {
            writer.Line("Vector512<int> firstHalves = Vector512.Create(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);");
            writer.Line("Vector512<int> secondHalves = Vector512.Create(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);");
        }
        else if (Store == StoreForm.Halves)
        {
            writer.Line("Vector512<int> apart = Vector512.Create(0, 2, 4, 6, 8, 10, 12, 14, 1, 3, 5, 7, 9, 11, 13, 15);");
            bool loads = _starts.Any(start => start.Start != AccumulatorStart.Bias);
            writer.Line("Vector512<int> together = Vector512.Create(0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15);", loads);
        }
    }

    /// <summary>Declares <paramref name="local"/>, a channel's bias.</summary>
    public void Bias(string local, OfChannel channel) => writer.Line($"{writer.Local(vector.Type, local)} = {channel.Load(vector)};");

    /// <summary>Declares an accumulator with its first value, or a sum with what is added to it.</summary>
    public void Start(Accumulator sum) => writer.Line($"{writer.Local(vector.Type, sum.Name)} = {First(sum, Single(_starts))};");

    /// <summary>Stores an accumulator's activation.</summary>
    public void Finish(Accumulator sum)
    {
        bool scales = _epilogues.Single() is { ScaleOffset: > 0 };
        if (scales && ScalesFirst)
            writer.Line($"{sum.Name} = {Scaled(sum.Name)};");
        string value = vector.Activate(Single(_activations), sum.Name, Slope(sum.Channel));
        foreach (string line in sum.Output.Store(vector, sum.Name, scales && !ScalesFirst ? Scaled(value) : value))
            writer.Line(line);

        string Scaled(string x) => vector.Fma(x, Packed(sum.Channel, nameof(Epilogue.ScaleOffset)), Packed(sum.Channel, nameof(Epilogue.ShiftOffset)));
    }

    /// <summary>Declares a tile's accumulators with their first values, and before them their bias unless that is there.</summary>
    public void Start(SumTile tile, bool hasBias = false)
    {
        bool biased = _starts.Any(start => start.Start != AccumulatorStart.Destination);
        if (biased && !hasBias)
            KernelText.Declare(writer, vector, tile.Columns, [.. tile.Sums.Select(sum => $"{sum.Bias} = {sum.Channel.Load(vector)}").Distinct()]);
        if (biased)
            KernelText.Declare(writer, vector, tile.Columns, [.. tile.Sums.Select(sum => $"{sum.Name} = {sum.Bias}")]);
        foreach ((AccumulatorStart start, string condition) in _starts.Where(start => start.Start != AccumulatorStart.Bias))
        {
            using (writer.BlockIf(condition.Length > 0, $"if ({condition})"))
            {
                foreach (string reference in tile.Outputs)
                    writer.Line(reference, start != AccumulatorStart.BiasAndResidual);
                if (!biased)
                {
                    KernelText.Declare(writer, vector, tile.Columns, [.. tile.Sums.Select(sum => $"{sum.Name} = {First(sum, start)}")]);
                }
                else
                {
                    foreach (Accumulator sum in tile.Sums)
                        writer.Line($"{sum.Name} = {First(sum with { Bias = sum.Name }, start)};");
                }
            }
        }
    }

    /// <summary>Activations of a tile's accumulators in place, whose constants are loaded here, after the sums, where registers are free; then their stores.</summary>
    public void Finish(SumTile tile)
    {
        if (ScalesFirst)
            ScaleAndShift(tile);
        foreach ((ActivationFunction activation, string condition) in _activations.Where(activation => !activation.Activation.IsNone))
        {
            using (writer.BlockIf(condition.Length > 0, $"if ({condition})"))
            {
                foreach (string constant in vector.EpilogueConstants(activation))
                    writer.Line(constant);
                if (activation.Row.IsLearned)
                    FinishByChannel(tile, activation);
                else
                {
                    foreach (Accumulator sum in tile.Sums)
                        writer.Line($"{sum.Name} = {vector.Epilogue(activation, sum.Name)};");
                }
            }
        }

        if (!ScalesFirst)
            ScaleAndShift(tile);
        foreach (string reference in tile.Outputs)
            writer.Line(reference);
        if (Store == StoreForm.Interleaved)
        {
            for (int i = 0; i < tile.Sums.Count; i += 2)
                Interleave(tile.Sums[i], tile.Sums[i + 1].Name);
            return;
        }

        foreach (string line in tile.Sums.SelectMany(sum => sum.Output.Store(vector, sum.Name, sum.Name)))
            writer.Line(line);
    }

    /// <summary>An activation with a constant for each channel: one channel's sums after the other's, so that one constant at a time is in a register.</summary>
    private void FinishByChannel(SumTile tile, ActivationFunction activation)
    {
        foreach (IGrouping<OfChannel, Accumulator> column in tile.Sums.GroupBy(sum => sum.Channel))
        {
            string slope = column.First().Name + "Slope";
            writer.Line($"{vector.Type} {slope} = {Slope(column.Key)};");
            foreach (Accumulator sum in column)
                writer.Line($"{sum.Name} = {vector.Epilogue(activation, sum.Name, slope)};");
        }
    }

    /// <summary>A tile's sums times their channel's factor plus its summand, one channel after the other, for those of the kernels that have some.</summary>
    private void ScaleAndShift(SumTile tile)
    {
        int scaled = _epilogues.Count(epilogue => epilogue.ScaleOffset > 0);
        if (scaled == 0)
            return;
        using (writer.BlockIf(scaled < _epilogues.Count, $"if (TShape.{nameof(Epilogue.ScaleOffset)} > 0)"))
        {
            foreach (IGrouping<OfChannel, Accumulator> column in tile.Sums.GroupBy(sum => sum.Channel))
            {
                string scale = column.First().Name + "Scale", shift = column.First().Name + "Shift";
                writer.Line($"{vector.Type} {scale} = {Packed(column.Key, nameof(Epilogue.ScaleOffset))}, {shift} = {Packed(column.Key, nameof(Epilogue.ShiftOffset))};");
                foreach (Accumulator sum in column)
                    writer.Line($"{sum.Name} = {vector.Fma(sum.Name, scale, shift)};");
            }
        }
    }

    private string Slope(OfChannel channel) => Packed(channel, nameof(Epilogue.SlopeOffset));

    private string Packed(OfChannel channel, string name) => (channel with { Offset = channel.Offset + offset(name) }).Load(vector);

    /// <summary>Two neighbouring pixels' lanes one after the other: a0 b0 a1 b1 ...</summary>
    private void Interleave(Accumulator first, string second)
    {
        VectorPlace place = (VectorPlace)first.Output;
        writer.Line(vector.Store($"Avx512F.PermuteVar16x32x2({first.Name}, firstHalves, {second})", place.Reference, place.Offset));
        writer.Line(vector.Store($"Avx512F.PermuteVar16x32x2({first.Name}, secondHalves, {second})", place.Reference, place.Offset + vector.Target.Lanes));
    }

    private string First(Accumulator sum, AccumulatorStart start) => start switch
    {
        AccumulatorStart.Bias => sum.Bias,
        AccumulatorStart.BiasAndResidual => vector.Add(Operand(sum.Bias), sum.Residual!.Load(vector)),
        AccumulatorStart.BiasAndDestination => vector.Add(Operand(sum.Bias), sum.Output.Load(vector)),
        AccumulatorStart.Destination => sum.Output.Load(vector),
        _ => throw new InvalidOperationException($"No accumulator starts with {start}."),
    };

    /// <summary>The one value of a text that stands for one kernel.</summary>
    private static T Single<T>(IReadOnlyList<(T Value, string Condition)> values) => values.Single().Value;

    /// <summary>An operand: infix operators need parentheses around them.</summary>
    private static string Operand(string expression) => expression.Contains(" + ") || expression.Contains(" - ") ? $"({expression})" : expression;

    private static string? Trait(ActivationFunction activation) => activation.IsNone ? null : $"I{activation.Kind}";

    private static string? Trait(AccumulatorStart start) => start switch
    {
        AccumulatorStart.Bias => null,
        AccumulatorStart.BiasAndResidual => "IAddsResidual",
        AccumulatorStart.BiasAndDestination => "IAddsOutput",
        AccumulatorStart.Destination => "IAccumulates",
        _ => throw new InvalidOperationException($"No shape starts with {start}."),
    };
}

/// <summary>Where the bias of an accumulator's channels is, and with it whatever else is packed for each output channel: a channel in each lane, or one for all lanes.</summary>
internal sealed record OfChannel(string Reference, Size Offset, bool IsBroadcast = false)
{
    public string Load(VectorSyntax vector) => IsBroadcast ? vector.Create(KernelText.At(Reference, Offset)) : vector.Load(Reference, Offset);
}

/// <summary>An accumulator, or a finished sum before its epilogue.</summary>
/// <param name="Name">Its local.</param>
/// <param name="Channel">What is packed for its channels.</param>
/// <param name="Bias">The local with its bias, or an expression with it.</param>
/// <param name="Output">Where it is stored.</param>
/// <param name="Residual">Where its residual is; null where the kernel reads none.</param>
internal sealed record Accumulator(string Name, OfChannel Channel, string Bias, Place Output, Place? Residual = null);

/// <summary>The accumulators of a tile.</summary>
/// <param name="Sums">The accumulators.</param>
/// <param name="Columns">How many of them make a row of the tile.</param>
/// <param name="Outputs">Declarations of the references that their outputs lie at.</param>
internal sealed record SumTile(IReadOnlyList<Accumulator> Sums, int Columns, IReadOnlyList<string> Outputs);

/// <summary>Where a vector lies in memory.</summary>
internal abstract record Place
{
    /// <summary>The vector.</summary>
    public abstract string Load(VectorSyntax vector);

    /// <summary>Stores <paramref name="value"/>; <paramref name="local"/> may be overwritten.</summary>
    public abstract IEnumerable<string> Store(VectorSyntax vector, string local, string value);
}

/// <summary>A whole vector, or its first <paramref name="Count"/> lanes.</summary>
internal sealed record VectorPlace(string Reference, Size Offset, int? Count = null) : Place
{
    public override string Load(VectorSyntax vector) => vector.Load(Reference, Offset);

    public override IEnumerable<string> Store(VectorSyntax vector, string local, string value) =>
    [
        Count is { } count
            ? Text($"PartialVector.Store({value}, ref {KernelText.At(Reference, Offset)}, {count});")
            : vector.Store(value, Reference, Offset),
    ];
}

/// <summary>Eight channels of two pixels, whose lanes take turns in the vector: <see cref="StoreForm.Halves"/>.</summary>
internal sealed record HalvesPlace(string Reference, int First, int Second) : Place
{
    public override string Load(VectorSyntax vector) => Text(
        $"Avx512F.PermuteVar16x32(Vector512.Create(Vector256.LoadUnsafe(ref {Reference}, {First}), Vector256.LoadUnsafe(ref {Reference}, {Second})), together)");

    public override IEnumerable<string> Store(VectorSyntax vector, string local, string value) =>
    [
        $"{local} = Avx512F.PermuteVar16x32({value}, apart);",
        Text($"{local}.GetLower().StoreUnsafe(ref {Reference}, {First});"),
        Text($"{local}.GetUpper().StoreUnsafe(ref {Reference}, {Second});"),
    ];
}
