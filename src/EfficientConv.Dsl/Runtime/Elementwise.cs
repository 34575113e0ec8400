using System.ComponentModel;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace EfficientConv.Dsl.Runtime;

/// <summary>
/// Elementwise functions over buffers, in place, with the same bits on every <see cref="ISimd{TSelf}"/> and at every
/// position. NaN and infinity go where PyTorch sends them.
/// </summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public static partial class Elementwise
{
    private const int MaxLanes = 16;

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

    /// <summary>
    /// exp(x - max) / sum, where the sum is one chain in ascending order in double precision, whatever the vector.
    /// </summary>
    /// <typeparam name="V">The vector.</typeparam>
    /// <param name="data">The first value.</param>
    /// <param name="count">Values.</param>
    public static void Softmax<V>(ref float data, int count)
        where V : struct, ISimd<V>
    {
        Span<float> values = MemoryMarshal.CreateSpan(ref data, count);
        float max = float.NegativeInfinity;
        foreach (float value in values)
            max = value > max ? value : max;
        Map<V, ExpMinusFunction<V>>(ref data, count, new(max));
        double sum = 0;
        foreach (float value in values)
            sum += value;
        Map<V, DivideFunction<V>>(ref data, count, new((float)sum));
    }

    // Never inlined: in a caller that is compiled again the vector operations inside would exceed the inliner's budget and become calls.
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static void Map<V, TFunction>(ref float data, int count, TFunction function)
        where V : struct, ISimd<V>
        where TFunction : struct, IFunction<V>
    {
        nint i = 0;
        for (; i <= count - V.Lanes; i += V.Lanes)
            V.Store(function.Apply(V.Load(ref data, i)), ref data, i);
        if (i < count)
            MapTail<V, TFunction>(MemoryMarshal.CreateSpan(ref Unsafe.Add(ref data, i), count - (int)i), function);
    }

    // Through a full vector on the stack, so that the last values are computed by the same operations as all others.
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static void MapTail<V, TFunction>(Span<float> tail, TFunction function)
        where V : struct, ISimd<V>
        where TFunction : struct, IFunction<V>
    {
        Span<float> lanes = stackalloc float[MaxLanes];
        tail.CopyTo(lanes);
        ref float first = ref MemoryMarshal.GetReference(lanes);
        V.Store(function.Apply(V.Load(ref first, 0)), ref first, 0);
        lanes[..tail.Length].CopyTo(tail);
    }

    private interface IFunction<V>
        where V : struct, ISimd<V>
    {
        V Apply(V x);
    }
}
