using System.ComponentModel;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace EfficientConv.Dsl.Runtime;

// The activation functions: over a buffer, under the name that the compiler's table has for the kind; as types, so that each gets a loop of its own with the
// function inlined; and, of those that kernels have as an epilogue, the trait of shapes whose sums have it.
public static partial class Elementwise
{
    /// <summary>max(x, 0).</summary>
    /// <typeparam name="V">The vector.</typeparam>
    /// <param name="data">The first value.</param>
    /// <param name="count">Values.</param>
    public static void ReLU<V>(ref float data, int count)
        where V : struct, ISimd<V> => Map<V, ReLUFunction<V>>(ref data, count, default);

    /// <summary>min(max(x, 0), 6).</summary>
    /// <typeparam name="V">The vector.</typeparam>
    /// <param name="data">The first value.</param>
    /// <param name="count">Values.</param>
    public static void ReLU6<V>(ref float data, int count)
        where V : struct, ISimd<V> => Map<V, ReLU6Function<V>>(ref data, count, default);

    /// <summary>x if x &gt; 0, else slope * x.</summary>
    /// <typeparam name="V">The vector.</typeparam>
    /// <param name="data">The first value.</param>
    /// <param name="count">Values.</param>
    /// <param name="slope">Factor of the negative side.</param>
    public static void LeakyReLU<V>(ref float data, int count, float slope)
        where V : struct, ISimd<V> => Map<V, LeakyReLUFunction<V>>(ref data, count, new(slope));

    /// <summary>relu6(x + 3) / 6, correctly rounded at each step.</summary>
    /// <typeparam name="V">The vector.</typeparam>
    /// <param name="data">The first value.</param>
    /// <param name="count">Values.</param>
    public static void HardSigmoid<V>(ref float data, int count)
        where V : struct, ISimd<V> => Map<V, HardSigmoidFunction<V>>(ref data, count, default);

    /// <summary>x * (relu6(x + 3) / 6).</summary>
    /// <typeparam name="V">The vector.</typeparam>
    /// <param name="data">The first value.</param>
    /// <param name="count">Values.</param>
    public static void HardSwish<V>(ref float data, int count)
        where V : struct, ISimd<V> => Map<V, HardSwishFunction<V>>(ref data, count, default);

    /// <summary>1 / (1 + exp(-x)).</summary>
    /// <typeparam name="V">The vector.</typeparam>
    /// <param name="data">The first value.</param>
    /// <param name="count">Values.</param>
    public static void Sigmoid<V>(ref float data, int count)
        where V : struct, ISimd<V> => Map<V, SigmoidFunction<V>>(ref data, count, default);

    /// <summary>x / (1 + exp(-x)); minus infinity gives NaN.</summary>
    /// <typeparam name="V">The vector.</typeparam>
    /// <param name="data">The first value.</param>
    /// <param name="count">Values.</param>
    public static void SiLU<V>(ref float data, int count)
        where V : struct, ISimd<V>
    {
        if (V.IsFused)
            Map<V, SiLUFunction<V>>(ref data, count, default);
        else
            Map<V, SiLUWithoutFusingFunction<V>>(ref data, count, default);
    }

    /// <summary>tanh(x).</summary>
    /// <typeparam name="V">The vector.</typeparam>
    /// <param name="data">The first value.</param>
    /// <param name="count">Values.</param>
    public static void Tanh<V>(ref float data, int count)
        where V : struct, ISimd<V> => Map<V, TanhFunction<V>>(ref data, count, default);

    /// <summary>x / 2 * (1 + erf(x / sqrt(2))); minus infinity gives NaN.</summary>
    /// <typeparam name="V">The vector.</typeparam>
    /// <param name="data">The first value.</param>
    /// <param name="count">Values.</param>
    public static void GELU<V>(ref float data, int count)
        where V : struct, ISimd<V> => Map<V, GELUFunction<V>>(ref data, count, default);

    /// <summary>x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x^3))); minus infinity gives NaN.</summary>
    /// <typeparam name="V">The vector.</typeparam>
    /// <param name="data">The first value.</param>
    /// <param name="count">Values.</param>
    public static void GELUTanh<V>(ref float data, int count)
        where V : struct, ISimd<V> => Map<V, GELUTanhFunction<V>>(ref data, count, default);

    /// <summary>x if x &gt; 0, else exp(x) - 1.</summary>
    /// <typeparam name="V">The vector.</typeparam>
    /// <param name="data">The first value.</param>
    /// <param name="count">Values.</param>
    public static void ELU<V>(ref float data, int count)
        where V : struct, ISimd<V> => Map<V, ELUFunction<V>>(ref data, count, default);

    /// <summary>x * tanh(ln(1 + exp(x))); minus infinity gives NaN.</summary>
    /// <typeparam name="V">The vector.</typeparam>
    /// <param name="data">The first value.</param>
    /// <param name="count">Values.</param>
    public static void Mish<V>(ref float data, int count)
        where V : struct, ISimd<V> => Map<V, MishFunction<V>>(ref data, count, default);

    /// <summary>min(max(x, minVal), maxVal).</summary>
    /// <typeparam name="V">The vector.</typeparam>
    /// <param name="data">The first value.</param>
    /// <param name="count">Values.</param>
    /// <param name="minVal">Lower bound.</param>
    /// <param name="maxVal">Upper bound.</param>
    public static void Hardtanh<V>(ref float data, int count, float minVal, float maxVal)
        where V : struct, ISimd<V> => Map<V, HardtanhFunction<V>>(ref data, count, new(minVal, maxVal));

    /// <summary>x where beta * x is above the threshold, ln(1 + exp(beta * x)) / beta elsewhere.</summary>
    /// <typeparam name="V">The vector.</typeparam>
    /// <param name="data">The first value.</param>
    /// <param name="count">Values.</param>
    /// <param name="beta">Factor of x; not 0.</param>
    /// <param name="threshold">Values of beta * x above which the result is x.</param>
    public static void Softplus<V>(ref float data, int count, float beta, float threshold)
        where V : struct, ISimd<V> => Map<V, SoftplusFunction<V>>(ref data, count, new(beta, threshold));

    /// <summary>relu6(x + 3) / 6, for a kernel's epilogue.</summary>
    /// <typeparam name="V">The vector.</typeparam>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V HardSigmoid<V>(V x)
        where V : struct, ISimd<V>
    {
        // One multiply-add and two clamps, as the kernels' epilogues have it: within 6e-8 of relu6(x + 3) / 6.
        return V.Min(V.Create(1f), V.Max(V.Zero, V.FusedMultiplyAdd(x, V.Create(1f / 6f), V.Create(0.5f))));
    }

    /// <summary>x * (relu6(x + 3) / 6), for a kernel's epilogue.</summary>
    /// <typeparam name="V">The vector.</typeparam>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V HardSwish<V>(V x)
        where V : struct, ISimd<V> => V.Multiply(x, HardSigmoid(x));

    /// <summary>x if x &gt; 0, else slope * x, for a kernel's epilogue.</summary>
    /// <typeparam name="V">The vector.</typeparam>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V LeakyReLU<V>(V x, V slope)
        where V : struct, ISimd<V> => V.SelectLessThan(V.Zero, x, x, V.Multiply(x, slope));

    private readonly struct ReLUFunction<V> : IFunction<V>
        where V : struct, ISimd<V>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply(V x) => V.Max(V.Zero, x);
    }

    private readonly struct ReLU6Function<V> : IFunction<V>
        where V : struct, ISimd<V>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply(V x) => V.Min(V.Create(6f), V.Max(V.Zero, x));
    }

    private readonly struct HardSigmoidFunction<V> : IFunction<V>
        where V : struct, ISimd<V>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply(V x) => HardSigmoid(x);
    }

    private readonly struct HardSwishFunction<V> : IFunction<V>
        where V : struct, ISimd<V>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply(V x) => HardSwish(x);
    }

    private readonly struct SigmoidFunction<V> : IFunction<V>
        where V : struct, ISimd<V>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply(V x) => VectorMath.Sigmoid(x);
    }

    private readonly struct SiLUFunction<V> : IFunction<V>
        where V : struct, ISimd<V>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply(V x) => VectorMath.SiLU(x);
    }

    private readonly struct SiLUWithoutFusingFunction<V> : IFunction<V>
        where V : struct, ISimd<V>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply(V x) => VectorMath.SiLUWithoutFusing(x);
    }

    private readonly struct TanhFunction<V> : IFunction<V>
        where V : struct, ISimd<V>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply(V x) => VectorMath.Tanh(x);
    }

    private readonly struct GELUFunction<V> : IFunction<V>
        where V : struct, ISimd<V>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply(V x) => VectorMath.GELU(x);
    }

    private readonly struct GELUTanhFunction<V> : IFunction<V>
        where V : struct, ISimd<V>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply(V x) => VectorMath.GELUTanh(x);
    }

    private readonly struct ELUFunction<V> : IFunction<V>
        where V : struct, ISimd<V>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply(V x) => VectorMath.ELU(x);
    }

    private readonly struct MishFunction<V> : IFunction<V>
        where V : struct, ISimd<V>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply(V x) => VectorMath.Mish(x);
    }

    private readonly struct LeakyReLUFunction<V>(float slope) : IFunction<V>
        where V : struct, ISimd<V>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply(V x) => LeakyReLU(x, V.Create(slope));
    }

    private readonly struct HardtanhFunction<V>(float minVal, float maxVal) : IFunction<V>
        where V : struct, ISimd<V>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply(V x) => V.Min(V.Create(maxVal), V.Max(V.Create(minVal), x));
    }

    private readonly struct SoftplusFunction<V>(float beta, float threshold) : IFunction<V>
        where V : struct, ISimd<V>
    {
        private readonly float _inverse = 1 / beta;

        // ln(1 + exp(s)) = max(s, 0) + ln(1 + e) with e = exp(-|s|), which cannot overflow. (ln(1 + e) - e) / e^2 on 0 to 1, minimax relative to ln(1 + e): 5.3e-9.
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply(V x)
        {
            V scaled = V.Multiply(x, V.Create(beta));
            V e = VectorMath.Exp(V.Negate(V.Abs(scaled)));
            V p = V.FusedMultiplyAdd(e, V.Create(-0.0032904686f), V.Create(0.020086242f));
            p = V.FusedMultiplyAdd(p, e, V.Create(-0.05745723f));
            p = V.FusedMultiplyAdd(p, e, V.Create(0.10661128f));
            p = V.FusedMultiplyAdd(p, e, V.Create(-0.1534488f));
            p = V.FusedMultiplyAdd(p, e, V.Create(0.19692102f));
            p = V.FusedMultiplyAdd(p, e, V.Create(-0.24958019f));
            p = V.FusedMultiplyAdd(p, e, V.Create(0.33330464f));
            p = V.FusedMultiplyAdd(p, e, V.Create(-0.4999993f));
            V soft = V.Add(V.Max(V.Zero, scaled), V.FusedMultiplyAdd(V.Multiply(e, e), p, e));
            return V.SelectLessThan(V.Create(threshold), scaled, x, V.Multiply(soft, V.Create(_inverse)));
        }
    }
}

/// <summary>The sums' activation is max(x, 0).</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
[SuppressMessage("Design", "CA1040:Avoid empty interfaces", Justification = "A trait of a type argument.")]
public interface IReLU;

/// <summary>The sums' activation is min(max(x, 0), 6).</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
[SuppressMessage("Design", "CA1040:Avoid empty interfaces", Justification = "A trait of a type argument.")]
public interface IReLU6;

/// <summary>The sums' activation is x * relu6(x + 3) / 6.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
[SuppressMessage("Design", "CA1040:Avoid empty interfaces", Justification = "A trait of a type argument.")]
public interface IHardSwish;

/// <summary>The sums' activation is relu6(x + 3) / 6.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
[SuppressMessage("Design", "CA1040:Avoid empty interfaces", Justification = "A trait of a type argument.")]
public interface IHardSigmoid;

/// <summary>The sums' activation is x if x > 0, else slope * x.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
[SuppressMessage("Design", "CA1040:Avoid empty interfaces", Justification = "A trait of a type argument.")]
public interface ILeakyReLU;

/// <summary>The sums' activation is x if x > 0, else a learned slope * x.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
[SuppressMessage("Design", "CA1040:Avoid empty interfaces", Justification = "A trait of a type argument.")]
public interface IPReLU;

/// <summary>The sums' activation is min(max(x, minVal), maxVal).</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
[SuppressMessage("Design", "CA1040:Avoid empty interfaces", Justification = "A trait of a type argument.")]
public interface IHardtanh;
