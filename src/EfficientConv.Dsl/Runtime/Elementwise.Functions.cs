using System.Runtime.CompilerServices;

namespace EfficientConv.Dsl.Runtime;

// The functions as types, so that each gets a loop of its own with the function inlined.
public static partial class Elementwise
{
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

    private readonly struct ExpMinusFunction<V>(float max) : IFunction<V>
        where V : struct, ISimd<V>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply(V x) => VectorMath.Exp(V.Subtract(x, V.Create(max)));
    }

    private readonly struct DivideFunction<V>(float divisor) : IFunction<V>
        where V : struct, ISimd<V>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply(V x) => V.Divide(x, V.Create(divisor));
    }
}
