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
