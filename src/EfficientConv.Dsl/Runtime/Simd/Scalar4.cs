using System.ComponentModel;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace EfficientConv.Dsl.Runtime;

/// <summary>Four floats in plain scalar code: the reference that the vector implementations are compared with, bit by bit.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public readonly struct Scalar4 : ISimd<Scalar4>
{
    private readonly float _0;
    private readonly float _1;
    private readonly float _2;
    private readonly float _3;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Scalar4(float lane0, float lane1, float lane2, float lane3)
    {
        _0 = lane0;
        _1 = lane1;
        _2 = lane2;
        _3 = lane3;
    }

    /// <inheritdoc/>
    public static int Lanes
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 4;
    }

    /// <inheritdoc/>
    public static Scalar4 Zero
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => default;
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Scalar4 Create(float value) => new(value, value, value, value);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Scalar4 Load(ref float source, nint elementOffset)
    {
        ref float first = ref Unsafe.Add(ref source, elementOffset);
        return new(first, Unsafe.Add(ref first, 1), Unsafe.Add(ref first, 2), Unsafe.Add(ref first, 3));
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Scalar4 value, ref float destination, nint elementOffset)
    {
        ref float first = ref Unsafe.Add(ref destination, elementOffset);
        first = value._0;
        Unsafe.Add(ref first, 1) = value._1;
        Unsafe.Add(ref first, 2) = value._2;
        Unsafe.Add(ref first, 3) = value._3;
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Scalar4 FusedMultiplyAdd(Scalar4 a, Scalar4 b, Scalar4 c) => new(
        MathF.FusedMultiplyAdd(a._0, b._0, c._0),
        MathF.FusedMultiplyAdd(a._1, b._1, c._1),
        MathF.FusedMultiplyAdd(a._2, b._2, c._2),
        MathF.FusedMultiplyAdd(a._3, b._3, c._3));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Scalar4 Add(Scalar4 a, Scalar4 b) => new(a._0 + b._0, a._1 + b._1, a._2 + b._2, a._3 + b._3);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Scalar4 Subtract(Scalar4 a, Scalar4 b) => new(a._0 - b._0, a._1 - b._1, a._2 - b._2, a._3 - b._3);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Scalar4 Multiply(Scalar4 a, Scalar4 b) => new(a._0 * b._0, a._1 * b._1, a._2 * b._2, a._3 * b._3);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Scalar4 Divide(Scalar4 a, Scalar4 b) => new(a._0 / b._0, a._1 / b._1, a._2 / b._2, a._3 / b._3);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Scalar4 Max(Scalar4 a, Scalar4 b) => new(
        a._0 > b._0 ? a._0 : b._0, a._1 > b._1 ? a._1 : b._1, a._2 > b._2 ? a._2 : b._2, a._3 > b._3 ? a._3 : b._3);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Scalar4 Min(Scalar4 a, Scalar4 b) => new(
        a._0 < b._0 ? a._0 : b._0, a._1 < b._1 ? a._1 : b._1, a._2 < b._2 ? a._2 : b._2, a._3 < b._3 ? a._3 : b._3);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Scalar4 Maximum(Scalar4 a, Scalar4 b) => new(
        MathF.Max(a._0, b._0), MathF.Max(a._1, b._1), MathF.Max(a._2, b._2), MathF.Max(a._3, b._3));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Scalar4 Abs(Scalar4 value) => new(MathF.Abs(value._0), MathF.Abs(value._1), MathF.Abs(value._2), MathF.Abs(value._3));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Scalar4 Negate(Scalar4 value) => new(-value._0, -value._1, -value._2, -value._3);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Scalar4 CopySign(Scalar4 magnitude, Scalar4 sign) => new(
        MathF.CopySign(magnitude._0, sign._0),
        MathF.CopySign(magnitude._1, sign._1),
        MathF.CopySign(magnitude._2, sign._2),
        MathF.CopySign(magnitude._3, sign._3));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Scalar4 ClampMagnitude(Scalar4 value, Scalar4 limit) => Max(Negate(limit), Min(limit, value));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Scalar4 ShiftBitsLeft(Scalar4 value, [ConstantExpected] byte count) => new(
        ShiftBitsLeft(value._0, count), ShiftBitsLeft(value._1, count), ShiftBitsLeft(value._2, count), ShiftBitsLeft(value._3, count));

    private static float ShiftBitsLeft(float value, int count) => BitConverter.Int32BitsToSingle(BitConverter.SingleToInt32Bits(value) << count);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Scalar4 SubtractBits(Scalar4 a, Scalar4 b) => new(
        SubtractBits(a._0, b._0), SubtractBits(a._1, b._1), SubtractBits(a._2, b._2), SubtractBits(a._3, b._3));

    private static float SubtractBits(float a, float b) =>
        BitConverter.Int32BitsToSingle(unchecked(BitConverter.SingleToInt32Bits(a) - BitConverter.SingleToInt32Bits(b)));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Scalar4 RoundToEven(Scalar4 value) => new(
        MathF.Round(value._0), MathF.Round(value._1), MathF.Round(value._2), MathF.Round(value._3));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Scalar4 SelectLessThan(Scalar4 a, Scalar4 b, Scalar4 whenTrue, Scalar4 whenFalse) => new(
        a._0 < b._0 ? whenTrue._0 : whenFalse._0,
        a._1 < b._1 ? whenTrue._1 : whenFalse._1,
        a._2 < b._2 ? whenTrue._2 : whenFalse._2,
        a._3 < b._3 ? whenTrue._3 : whenFalse._3);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Scalar4 TimesPowerOfTwo(Scalar4 value, Scalar4 exponent) => new(
        TimesPowerOfTwo(value._0, exponent._0),
        TimesPowerOfTwo(value._1, exponent._1),
        TimesPowerOfTwo(value._2, exponent._2),
        TimesPowerOfTwo(value._3, exponent._3));

    private static float TimesPowerOfTwo(float value, float exponent)
    {
        // In two halves, because 2^exponent alone may be out of range. The first product is exact.
        int whole = float.IsNaN(exponent) ? 0 : (int)exponent;
        int half = whole >> 1;
        return value * PowerOfTwo(half) * PowerOfTwo(whole - half);
    }

    private static float PowerOfTwo(int exponent) => BitConverter.Int32BitsToSingle((exponent + 127) << 23);
}
