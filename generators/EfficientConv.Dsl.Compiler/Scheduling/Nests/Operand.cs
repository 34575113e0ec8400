using EfficientConv.Dsl.Compiler.Model;

namespace EfficientConv.Dsl.Compiler.Scheduling.Nests;

/// <summary>What a loop nest computes with and hands to what it calls: integers, references to memory, numbers.</summary>
public abstract record Operand
{
    /// <summary>An integer.</summary>
    public static implicit operator Operand(int value) => new Number(value);

    /// <summary>A number.</summary>
    public static implicit operator Operand(float value) => new Literal(value);

    /// <summary>A flag.</summary>
    public static implicit operator Operand(bool value) => new Literal(value);
}

/// <summary>A floating-point number or a flag.</summary>
public sealed record Literal(IConvertible Value) : Operand;

/// <summary>The thread's part of the work, for what shares a map out among threads by itself.</summary>
public sealed record OwnPart : Operand
{
    /// <summary>The only one.</summary>
    public static OwnPart Instance { get; } = new();
}

/// <summary>An integer that a loop nest computes: a number, a variable, or what is computed of some.</summary>
public abstract record Scalar : Operand
{
    /// <summary>The thread's number, from 0 on.</summary>
    public static Scalar PartIndex { get; } = new PartProperty("Index");

    /// <summary>How many threads there are.</summary>
    public static Scalar PartCount { get; } = new PartProperty("Count");

    /// <summary>A number.</summary>
    public static implicit operator Scalar(int value) => new Number(value);

    /// <summary>Sum; of two numbers a number.</summary>
    public static Scalar operator +(Scalar a, Scalar b) => (a, b) switch
    {
        (Number x, Number y) => x.Value + y.Value,
        (_, Number { Value: 0 }) => a,
        (Number { Value: 0 }, _) => b,
        (_, Number { Value: < 0 } y) => new Computed('-', a, -y.Value),
        _ => new Computed('+', a, b),
    };

    /// <summary>Difference; of two numbers a number.</summary>
    public static Scalar operator -(Scalar a, Scalar b) => b is Number y ? a + -y.Value : new Computed('-', a, b);

    /// <summary>Product; of two numbers a number.</summary>
    public static Scalar operator *(Scalar a, Scalar b) => (a, b) switch
    {
        (Number x, Number y) => x.Value * y.Value,
        (Number { Value: 0 }, _) or (_, Number { Value: 1 }) => a,
        (_, Number { Value: 0 }) or (Number { Value: 1 }, _) => b,
        _ => new Computed('*', a, b),
    };

    /// <summary>Quotient without its fraction.</summary>
    public static Scalar operator /(Scalar a, Scalar b) => new Computed('/', a, b);

    /// <summary>Remainder.</summary>
    public static Scalar operator %(Scalar a, Scalar b) => new Computed('%', a, b);

    /// <summary>The larger one.</summary>
    public static Scalar Max(Scalar a, Scalar b) => new Extreme(true, a, b);

    /// <summary>The smaller one.</summary>
    public static Scalar Min(Scalar a, Scalar b) => new Extreme(false, a, b);

    /// <summary>The first of <paramref name="units"/> that is the thread's.</summary>
    public static Scalar FirstOf(Scalar units) => new PartBound(false, units);

    /// <summary>The first after the thread's.</summary>
    public static Scalar EndOf(Scalar units) => new PartBound(true, units);
}

/// <summary>A number that is known when the plan is made.</summary>
public sealed record Number(int Value) : Scalar;

/// <summary>An integer that a node of the nest declares: a constant, a loop's index, a local variable.</summary>
public sealed record Variable(string Name) : Scalar;

/// <summary>Two integers and what is between them.</summary>
public sealed record Computed(char Operator, Scalar Left, Scalar Right) : Scalar;

/// <summary>The larger or the smaller of two integers.</summary>
public sealed record Extreme(bool IsMaximum, Scalar Left, Scalar Right) : Scalar;

/// <summary>Where the thread's part of some units begins or ends.</summary>
public sealed record PartBound(bool IsEnd, Scalar Units) : Scalar;

/// <summary>A property of the thread's part.</summary>
public sealed record PartProperty(string Name) : Scalar;

/// <summary>One integer or another.</summary>
public sealed record Choice(Condition When, Scalar Then, Scalar Else) : Scalar;

/// <summary>An element of a table of small integers.</summary>
public sealed record TableElement(Table Table, Scalar Index) : Scalar;

/// <summary>A table of small integers, which a node of the nest declares.</summary>
public sealed record Table(string Name, EquatableArray<int> Values);

/// <summary>What holds or not while a nest runs.</summary>
public abstract record Condition
{
    /// <summary>Both.</summary>
    public static Condition operator &(Condition a, Condition b) => new Both(a, b);

    /// <summary>Whether <paramref name="a"/> and <paramref name="b"/> are equal.</summary>
    public static Condition Equal(Scalar a, Scalar b) => new Comparison("==", a, b);

    /// <summary>Whether <paramref name="a"/> is less than <paramref name="b"/>.</summary>
    public static Condition Less(Scalar a, Scalar b) => new Comparison("<", a, b);

    /// <summary>Whether <paramref name="a"/> is greater than <paramref name="b"/>.</summary>
    public static Condition Greater(Scalar a, Scalar b) => new Comparison(">", a, b);

    /// <summary>Whether <paramref name="a"/> is at least <paramref name="b"/>.</summary>
    public static Condition AtLeast(Scalar a, Scalar b) => new Comparison(">=", a, b);
}

/// <summary>A comparison of integers.</summary>
public sealed record Comparison(string Operator, Scalar Left, Scalar Right) : Condition;

/// <summary>Two conditions at once.</summary>
public sealed record Both(Condition Left, Condition Right) : Condition;

/// <summary>A reference to floats in memory.</summary>
public abstract record Pointer : Operand
{
    /// <summary>The thread's own part of the step's scratch memory.</summary>
    public static Pointer Own { get; } = new OwnScratch();

    /// <summary>So many floats further on.</summary>
    public Pointer At(Scalar offset) => offset is Number { Value: 0 } ? this : new Moved(this, offset);

    /// <summary>What lies at an arena's offset after it.</summary>
    public Pointer At(ArenaOffset offset) => At(offset.In(ElementType.Float32));
}

/// <summary>Memory with a name: what the method is given, or what a node of the nest declares.</summary>
public sealed record Storage(string Name) : Pointer
{
    /// <summary>The step's input.</summary>
    public static readonly Storage Input = new("input");

    /// <summary>Its second input.</summary>
    public static readonly Storage Residual = new("residual");

    /// <summary>Its output.</summary>
    public static readonly Storage Output = new("output");

    /// <summary>Its packed weights.</summary>
    public static readonly Storage Weights = new("weights");

    /// <summary>Its scratch memory, the first thread's own part first.</summary>
    public static readonly Storage Scratch = new("scratch");

    /// <summary>Weights of a later step, which the step prefetches.</summary>
    public static readonly Storage Next = new("next");
}

/// <summary>So many floats after another reference.</summary>
public sealed record Moved(Pointer From, Scalar By) : Pointer;

/// <summary>The thread's own scratch memory.</summary>
public sealed record OwnScratch : Pointer;

/// <summary>One reference or another.</summary>
public sealed record Either(Condition When, Pointer Then, Pointer Else) : Pointer;
