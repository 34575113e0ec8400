using System.Runtime.CompilerServices;

namespace EfficientConv.Dsl.Runtime;

// The functions as types, so that each gets a loop of its own with the function inlined.
public static partial class Elementwise
{
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
