using System.ComponentModel;
using System.Diagnostics.CodeAnalysis;

namespace EfficientConv.Dsl.Runtime;

/// <summary>
/// A vector of floats. Kernels are written once against it and instantiated per instruction set. Every operation rounds
/// once, as IEEE 754 says, so that the same sequence of operations gives the same bits on every implementation (the payload
/// of NaNs aside). Only <see cref="Simd128"/> on a machine without FMA differs: it multiplies, then adds.
/// </summary>
/// <typeparam name="TSelf">The implementation.</typeparam>
[EditorBrowsable(EditorBrowsableState.Never)]
public interface ISimd<TSelf>
    where TSelf : struct, ISimd<TSelf>
{
    /// <summary>Floats per vector: 16, 8 or 4.</summary>
    static abstract int Lanes { get; }

    /// <summary>Whether <see cref="FusedMultiplyAdd"/> rounds once here.</summary>
    static virtual bool IsFused => true;

    /// <summary>All lanes +0.</summary>
    static abstract TSelf Zero { get; }

    /// <summary>All lanes <paramref name="value"/>.</summary>
    static abstract TSelf Create(float value);

    /// <summary>Reads the floats from <paramref name="elementOffset"/> on; any alignment.</summary>
    static abstract TSelf Load(ref float source, nint elementOffset);

    /// <summary>Writes the lanes from <paramref name="elementOffset"/> on; any alignment.</summary>
    static abstract void Store(TSelf value, ref float destination, nint elementOffset);

    /// <summary>a * b + c, rounded once.</summary>
    static abstract TSelf FusedMultiplyAdd(TSelf a, TSelf b, TSelf c);

    /// <summary>A factor of <see cref="MultiplyAddByScalar"/>: <paramref name="value"/> in all lanes, or in the first alone where instructions multiply by one lane.</summary>
    static virtual TSelf CreateScalar(float value) => TSelf.Create(value);

    /// <summary>a * s + c, rounded once, for the s of which <paramref name="scalar"/> was made by <see cref="CreateScalar"/>.</summary>
    static virtual TSelf MultiplyAddByScalar(TSelf a, TSelf scalar, TSelf c) => TSelf.FusedMultiplyAdd(scalar, a, c);

    /// <summary>a + b.</summary>
    static abstract TSelf Add(TSelf a, TSelf b);

    /// <summary>a - b.</summary>
    static abstract TSelf Subtract(TSelf a, TSelf b);

    /// <summary>a * b.</summary>
    static abstract TSelf Multiply(TSelf a, TSelf b);

    /// <summary>a / b, correctly rounded.</summary>
    static abstract TSelf Divide(TSelf a, TSelf b);

    /// <summary>a &gt; b ? a : b, so that b is returned when either is NaN or both are zeros: <c>Max(zero, x)</c> keeps a NaN in x.</summary>
    static abstract TSelf Max(TSelf a, TSelf b);

    /// <summary>a &lt; b ? a : b, so that b is returned when either is NaN or both are zeros: <c>Min(six, x)</c> keeps a NaN in x.</summary>
    static abstract TSelf Min(TSelf a, TSelf b);

    /// <summary>The larger of a and b, NaN when either is NaN; +0 is larger than -0. Slower than <see cref="Max"/>.</summary>
    static abstract TSelf Maximum(TSelf a, TSelf b);

    /// <summary>Clears the sign bit.</summary>
    static abstract TSelf Abs(TSelf value);

    /// <summary>Flips the sign bit.</summary>
    static abstract TSelf Negate(TSelf value);

    /// <summary>The bits of <paramref name="magnitude"/> with the sign bit of <paramref name="sign"/>.</summary>
    static abstract TSelf CopySign(TSelf magnitude, TSelf sign);

    /// <summary>The nearer of <paramref name="value"/> and the two bounds -limit and limit, the limit positive; anything where the value is NaN.</summary>
    static abstract TSelf ClampMagnitude(TSelf value, TSelf limit);

    /// <summary>The bits of <paramref name="value"/> moved to the left by <paramref name="count"/> places.</summary>
    static abstract TSelf ShiftBitsLeft(TSelf value, [ConstantExpected] byte count);

    /// <summary>The bits of a less those of b, as 32-bit integers that wrap around.</summary>
    static abstract TSelf SubtractBits(TSelf a, TSelf b);

    /// <summary>The nearest integer, ties to even.</summary>
    static abstract TSelf RoundToEven(TSelf value);

    /// <summary>a &lt; b ? whenTrue : whenFalse, lane by lane; false when either is NaN.</summary>
    static abstract TSelf SelectLessThan(TSelf a, TSelf b, TSelf whenTrue, TSelf whenFalse);

    /// <summary>
    /// value * 2^exponent, rounded once where the result is subnormal. The exponent is integral in [-252, 252] and
    /// value * 2^floor(exponent / 2) a normal number, or value is NaN.
    /// </summary>
    static abstract TSelf TimesPowerOfTwo(TSelf value, TSelf exponent);
}
