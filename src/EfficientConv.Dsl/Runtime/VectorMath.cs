using System.Runtime.CompilerServices;

namespace EfficientConv.Dsl.Runtime;

/// <summary>
/// The functions after <see cref="Elementwise"/>, lane by lane. Only correctly rounded operations in a fixed order, no
/// approximated reciprocals, so that every <see cref="ISimd{TSelf}"/> gives the same bits. NaN in gives NaN out: the fixed
/// bound is the first argument of <c>Max</c> and <c>Min</c>, which return the second when there is a NaN.
/// </summary>
internal static class VectorMath
{
    // exp(x) = 2^n * exp(r), n = round(x / ln 2), r = x - n * ln 2 (Cody and Waite 1980). The first part of ln 2 has 15
    // bits, so that its product with n is exact.
    private const float Log2E = 1.4426950216293335f;
    private const float Ln2 = 0.6931472f;
    private const float Ln2High = 0.693145751953125f;
    private const float Ln2Low = 1.428606765330187e-06f;

    // (exp(r) - 1 - r) / r^2 on |r| <= ln 2 / 2, Chebyshev interpolation; relative error of exp 1.1e-8, of exp - 1 2.6e-8.
    private const float Exp0 = 0.5f;
    private const float Exp1 = 0.16666574776172638f;
    private const float Exp2 = 0.04166655242443085f;
    private const float Exp3 = 0.008363472297787666f;
    private const float Exp4 = 0.001392655074596405f;

    // exp of less is 0 in single precision.
    private const float ExpUnderflow = -105f;

    /// <summary>exp(x) for x up to 88; 0 below the subnormal numbers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static V Exp<V>(V x)
        where V : struct, ISimd<V>
    {
        V reduced = Reduce(V.Max(V.Create(ExpUnderflow), x), out V n);
        return V.TimesPowerOfTwo(V.Add(V.Create(1f), ExpMinusOneReduced(reduced)), n);
    }

    /// <summary>exp(high + low) for high up to 88 and |low| far below |high|'s last place times 2^12.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V Exp<V>(V high, V low)
        where V : struct, ISimd<V>
    {
        V reduced = V.Add(Reduce(V.Max(V.Create(ExpUnderflow), high), out V n), low);
        return V.TimesPowerOfTwo(V.Add(V.Create(1f), ExpMinusOneReduced(reduced)), n);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V Reduce<V>(V x, out V n)
        where V : struct, ISimd<V>
    {
        n = V.RoundToEven(V.Multiply(x, V.Create(Log2E)));
        return V.FusedMultiplyAdd(n, V.Create(-Ln2Low), V.FusedMultiplyAdd(n, V.Create(-Ln2High), x));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V ExpMinusOneReduced<V>(V r)
        where V : struct, ISimd<V>
    {
        V p = V.FusedMultiplyAdd(r, V.Create(Exp4), V.Create(Exp3));
        p = V.FusedMultiplyAdd(p, r, V.Create(Exp2));
        p = V.FusedMultiplyAdd(p, r, V.Create(Exp1));
        p = V.FusedMultiplyAdd(p, r, V.Create(Exp0));
        return V.FusedMultiplyAdd(V.Multiply(r, r), p, r);
    }

    /// <summary>1 / (1 + exp(-x)), from exp(-|x|), which cannot overflow.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static V Sigmoid<V>(V x)
        where V : struct, ISimd<V>
    {
        V e = Exp(V.Negate(V.Abs(x)));
        V one = V.Create(1f);
        return V.Multiply(V.SelectLessThan(x, V.Zero, e, one), ReciprocalOfOneToTwo(V.Add(one, e)));
    }

    // 1 / d for d from 1 to 2 in seven multiply-adds, a third of the time of a division: the line with the least relative error
    // there, 1/17, and three Newton steps, each of which squares it.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V ReciprocalOfOneToTwo<V>(V d)
        where V : struct, ISimd<V>
    {
        V one = V.Create(1f), minus = V.Negate(d);
        V r = V.FusedMultiplyAdd(d, V.Create(-8f / 17f), V.Create(24f / 17f));
        r = V.FusedMultiplyAdd(V.FusedMultiplyAdd(minus, r, one), r, r);
        r = V.FusedMultiplyAdd(V.FusedMultiplyAdd(minus, r, one), r, r);
        return V.FusedMultiplyAdd(V.FusedMultiplyAdd(minus, r, one), r, r);
    }

    // 1 - exp(-r) on |r| <= ln 2 / 2, minimax relative to exp(-r): 9.2e-8.
    private const float Decay1 = 0.9999997f;
    private const float Decay2 = -0.49999148f;
    private const float Decay3 = 0.16667639f;
    private const float Decay4 = -0.041898161f;
    private const float Decay5 = 0.0082902731f;

    // 1.5 * 2^23: adding it rounds to an integer, which is left in the lowest bits; 127 makes them the exponent of a power of two.
    private const float RoundToExponent = 12582912f + 127f;

    // The bits of 1 / d are about this less those of -d, within 5 %; -1 - exp(LogisticLimit) has just these bits, so that there it is 0.
    private const int ReciprocalBits = unchecked((int)0xFEF3BBD1);
    private const float LogisticLimit = 87.980591f;

    // Newton's step from there would have 2; with this the errors on both sides are equal, 0.15 %.
    private const float ReciprocalStep = 2.001437f;

    /// <summary>
    /// x / (1 + exp(-x)); minus infinity gives NaN, as in PyTorch. Error up to 4.5 units in the last place down to -20, 6.5 down to -87; below, where
    /// PyTorch begins to give 0, it comes to 0 by itself. Only where <see cref="ISimd{TSelf}.IsFused"/>: that 0 is a bit pattern which a second rounding misses.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static V SiLU<V>(V x)
        where V : struct, ISimd<V>
    {
        // exp(-x) = 2^n * exp(-r) with n = round(-x / ln 2), r = x + n * ln 2; 2^n is 0 at the upper end.
        V bounded = V.ClampMagnitude(x, V.Create(LogisticLimit)), one = V.Create(1f), minusOne = V.Create(-1f);
        V shifted = V.FusedMultiplyAdd(bounded, V.Create(-Log2E), V.Create(RoundToExponent));
        V r = V.FusedMultiplyAdd(V.Subtract(shifted, V.Create(RoundToExponent)), V.Create(Ln2), bounded);
        V p = V.FusedMultiplyAdd(r, V.Create(Decay5), V.Create(Decay4));
        p = V.FusedMultiplyAdd(p, r, V.Create(Decay3));
        p = V.FusedMultiplyAdd(p, r, V.Create(Decay2));
        p = V.FusedMultiplyAdd(p, r, V.Create(Decay1));
        p = V.FusedMultiplyAdd(p, r, minusOne);
        V minus = V.FusedMultiplyAdd(p, V.ShiftBitsLeft(shifted, 23), minusOne);

        // x / d with d = -minus: a quadratic step, then a cubic one that takes x along.
        V y = V.SubtractBits(V.Create(BitConverter.Int32BitsToSingle(ReciprocalBits)), minus);
        y = V.Multiply(y, V.FusedMultiplyAdd(minus, y, V.Create(ReciprocalStep)));
        V error = V.FusedMultiplyAdd(minus, y, one), quotient = V.Multiply(x, y);
        return V.FusedMultiplyAdd(quotient, V.FusedMultiplyAdd(error, error, error), quotient);
    }

    /// <summary><see cref="SiLU"/> where multiply-adds round twice: within 5 units in the last place, and 0 from the same place on.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static V SiLUWithoutFusing<V>(V x)
        where V : struct, ISimd<V>
    {
        V t = V.Abs(x);
        return TimesLogistic(x, V.SelectLessThan(t, V.Create(LogisticLimit), Exp(V.Negate(t)), V.Zero));
    }

    // x * sigmoid(y), where y has the sign of x and e is exp(-|y|).
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V TimesLogistic<V>(V x, V e)
        where V : struct, ISimd<V> =>
        V.Multiply(V.SelectLessThan(x, V.Zero, V.Multiply(x, e), x), ReciprocalOfOneToTwo(V.Add(V.Create(1f), e)));

    /// <summary>tanh(x): an odd polynomial below 0.625, 1 - 2 / (exp(2 |x|) + 1) above.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static V Tanh<V>(V x)
        where V : struct, ISimd<V>
    {
        V t = V.Abs(x);
        // (tanh(t) / t - 1) / t^2 in t^2, Chebyshev interpolation; relative error of tanh 1.7e-8.
        V z = V.Multiply(t, t);
        V p = V.FusedMultiplyAdd(z, V.Create(-0.006096714176237583f), V.Create(0.020997179672122f));
        p = V.FusedMultiplyAdd(p, z, V.Create(-0.05385090783238411f));
        p = V.FusedMultiplyAdd(p, z, V.Create(0.1333276927471161f));
        p = V.FusedMultiplyAdd(p, z, V.Create(-0.333333283662796f));
        V small = V.FusedMultiplyAdd(V.Multiply(t, z), p, t);

        // tanh(10) is 1 in single precision.
        V bounded = V.Min(V.Create(10f), t);
        V one = V.Create(1f);
        V e = Exp(V.Add(bounded, bounded));
        V large = V.Subtract(one, V.Divide(V.Create(2f), V.Add(e, one)));
        return V.CopySign(V.SelectLessThan(t, V.Create(0.625f), small, large), x);
    }

    /// <summary>x * Phi(x) with the normal distribution's Phi; accurate relative to the result on the negative side too.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static V GELU<V>(V x)
        where V : struct, ISimd<V>
    {
        // Phi(-t) = exp(-t^2 / 2) * R(t); it is 0 in single precision long before 20, where the square would not overflow yet.
        V t = V.Min(V.Create(20f), V.Abs(x));
        // R(t) = erfcx(t / sqrt(2)) / 2 is a polynomial in v = (t - 4) / (t + 4); minimax on t <= 14.5, relative error 2.7e-8.
        V four = V.Create(4f);
        V v = V.Divide(V.Subtract(t, four), V.Add(t, four));
        V p = V.FusedMultiplyAdd(v, V.Create(-6.528483936563134e-05f), V.Create(-0.00016782560851424932f));
        p = V.FusedMultiplyAdd(p, v, V.Create(0.0006577630992978811f));
        p = V.FusedMultiplyAdd(p, v, V.Create(0.0005025513819418848f));
        p = V.FusedMultiplyAdd(p, v, V.Create(-0.008497918024659157f));
        p = V.FusedMultiplyAdd(p, v, V.Create(0.0308654997497797f));
        p = V.FusedMultiplyAdd(p, v, V.Create(-0.07170674204826355f));
        p = V.FusedMultiplyAdd(p, v, V.Create(0.12437920272350311f));
        p = V.FusedMultiplyAdd(p, v, V.Create(-0.17039774358272552f));
        p = V.FusedMultiplyAdd(p, v, V.Create(0.09441064298152924f));

        // The rounding error of the square is carried along: exp would magnify it up to a hundredfold.
        V square = V.Multiply(t, t);
        V squareError = V.FusedMultiplyAdd(t, t, V.Negate(square));
        V minusHalf = V.Create(-0.5f);
        V tail = V.Multiply(Exp(V.Multiply(square, minusHalf), V.Multiply(squareError, minusHalf)), p);
        return V.Multiply(x, V.SelectLessThan(x, V.Zero, tail, V.Subtract(V.Create(1f), tail)));
    }

    /// <summary>x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x^3))), which is x * sigmoid of twice the argument of tanh.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static V GELUTanh<V>(V x)
        where V : struct, ISimd<V>
    {
        // y = t * (c1 + c2 * t^2) with c1 = 2 sqrt(2 / pi), c2 = 0.044715 c1, in a high and a low part, because exp would
        // magnify the rounding errors. At 15 exp(-y) is 0.
        V c1 = V.Create(1.5957691669464111f);
        V c2 = V.Create(0.07135481387376785f);
        V t = V.Min(V.Create(15f), V.Abs(x));
        V square = V.Multiply(t, t);
        V squareError = V.FusedMultiplyAdd(t, t, V.Negate(square));
        V product = V.Multiply(c2, square);
        V productError = V.FusedMultiplyAdd(c2, square, V.Negate(product));
        // Knuth's two-sum.
        V sum = V.Add(product, c1);
        V c1Part = V.Subtract(sum, product);
        V sumError = V.Add(V.Subtract(product, V.Subtract(sum, c1Part)), V.Subtract(c1, c1Part));

        V low = V.Add(V.FusedMultiplyAdd(c2, squareError, productError), sumError);
        low = V.Add(low, V.FusedMultiplyAdd(square, V.Create(2.3988324659995897e-09f), V.Create(-4.534068054340423e-08f)));
        V y = V.Multiply(t, sum);
        V yError = V.FusedMultiplyAdd(t, low, V.FusedMultiplyAdd(t, sum, V.Negate(y)));
        return TimesLogistic(x, Exp(V.Negate(y), V.Negate(yError)));
    }

    /// <summary>x if x > 0, else exp(x) - 1, without the cancellation near 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static V ELU<V>(V x)
        where V : struct, ISimd<V>
    {
        V reduced = Reduce(V.Min(V.Zero, V.Max(V.Create(ExpUnderflow), x)), out V n);
        V one = V.Create(1f);
        V scale = V.TimesPowerOfTwo(one, n);
        V negative = V.FusedMultiplyAdd(ExpMinusOneReduced(reduced), scale, V.Subtract(scale, one));
        return V.SelectLessThan(x, V.Zero, negative, x);
    }

    /// <summary>x * tanh(ln(1 + e)) = x * n / (n + 2) with e = exp(x), n = e^2 + 2 e.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static V Mish<V>(V x)
        where V : struct, ISimd<V>
    {
        // From 20 on the factor is 1 in single precision.
        V e = Exp(V.Min(V.Create(20f), x));
        V n = V.FusedMultiplyAdd(e, e, V.Add(e, e));
        return V.Multiply(x, V.Divide(n, V.Add(n, V.Create(2f))));
    }
}
