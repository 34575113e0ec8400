using System.ComponentModel;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace EfficientConv.Dsl.Runtime;

/// <summary>Four floats: SSE with FMA, NEON, or whatever the machine has; without FMA instructions it multiplies, then adds.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public readonly struct Simd128 : ISimd<Simd128>
{
    private readonly Vector128<float> _value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Simd128(Vector128<float> value) => _value = value;

    /// <inheritdoc/>
    public static int Lanes
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 4;
    }

    /// <inheritdoc/>
    public static bool IsFused
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Fma.IsSupported || AdvSimd.IsSupported;
    }

    /// <inheritdoc/>
    public static Simd128 Zero
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => new(Vector128<float>.Zero);
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd128 Create(float value) => new(Vector128.Create(value));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd128 Load(ref float source, nint elementOffset) => new(Vector128.LoadUnsafe(ref source, (nuint)elementOffset));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Simd128 value, ref float destination, nint elementOffset) => value._value.StoreUnsafe(ref destination, (nuint)elementOffset);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd128 FusedMultiplyAdd(Simd128 a, Simd128 b, Simd128 c) => new(
        Fma.IsSupported ? Fma.MultiplyAdd(a._value, b._value, c._value) :
        AdvSimd.IsSupported ? AdvSimd.FusedMultiplyAdd(c._value, a._value, b._value) :
        (a._value * b._value) + c._value);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd128 CreateScalar(float value) => new(AdvSimd.Arm64.IsSupported ? Vector128.CreateScalarUnsafe(value) : Vector128.Create(value));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd128 MultiplyAddByScalar(Simd128 a, Simd128 scalar, Simd128 c) =>
        AdvSimd.Arm64.IsSupported ? new(AdvSimd.Arm64.FusedMultiplyAddBySelectedScalar(c._value, a._value, scalar._value, 0)) : FusedMultiplyAdd(scalar, a, c);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd128 Add(Simd128 a, Simd128 b) => new(a._value + b._value);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd128 Subtract(Simd128 a, Simd128 b) => new(a._value - b._value);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd128 Multiply(Simd128 a, Simd128 b) => new(a._value * b._value);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd128 Divide(Simd128 a, Simd128 b) => new(a._value / b._value);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd128 Max(Simd128 a, Simd128 b) => new(
        Sse.IsSupported ? Sse.Max(a._value, b._value) :
        Vector128.ConditionalSelect(Vector128.GreaterThan(a._value, b._value), a._value, b._value));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd128 Min(Simd128 a, Simd128 b) => new(
        Sse.IsSupported ? Sse.Min(a._value, b._value) :
        Vector128.ConditionalSelect(Vector128.LessThan(a._value, b._value), a._value, b._value));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd128 Maximum(Simd128 a, Simd128 b) => new(Vector128.Max(a._value, b._value));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd128 Abs(Simd128 value) => new(Vector128.Abs(value._value));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd128 Negate(Simd128 value) => new(value._value ^ Vector128.Create(-0f));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd128 CopySign(Simd128 magnitude, Simd128 sign) =>
        new(Vector128.ConditionalSelect(Vector128.Create(-0f), sign._value, magnitude._value));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd128 ClampMagnitude(Simd128 value, Simd128 limit) => Max(new(-limit._value), Min(limit, value));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd128 ShiftBitsLeft(Simd128 value, [ConstantExpected] byte count) => new((value._value.AsInt32() << count).AsSingle());

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd128 SubtractBits(Simd128 a, Simd128 b) => new((a._value.AsInt32() - b._value.AsInt32()).AsSingle());

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd128 RoundToEven(Simd128 value) => new(Vector128.Round(value._value));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd128 SelectLessThan(Simd128 a, Simd128 b, Simd128 whenTrue, Simd128 whenFalse) =>
        new(Vector128.ConditionalSelect(Vector128.LessThan(a._value, b._value), whenTrue._value, whenFalse._value));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd128 TimesPowerOfTwo(Simd128 value, Simd128 exponent)
    {
        // In two halves, because 2^exponent alone may be out of range. The first product is exact.
        Vector128<int> whole = Vector128.ConvertToInt32Native(exponent._value);
        Vector128<int> half = Vector128.ShiftRightArithmetic(whole, 1);
        return new(value._value * PowerOfTwo(half) * PowerOfTwo(whole - half));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> PowerOfTwo(Vector128<int> exponent) =>
        Vector128.ShiftLeft(exponent + Vector128.Create(127), 23).AsSingle();
}
