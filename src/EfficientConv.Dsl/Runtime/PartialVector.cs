using System.ComponentModel;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace EfficientConv.Dsl.Runtime;

/// <summary>Stores of a vector's first lanes. <c>count</c> is a constant at every call, so that one of the branches is left.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public static class PartialVector
{
    /// <summary>Writes the first <paramref name="count"/> of 16 lanes, 1 to 16.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector512<float> value, ref float destination, int count)
    {
        if (count <= 8)
        {
            Store(value.GetLower(), ref destination, count);
            return;
        }

        value.GetLower().StoreUnsafe(ref destination);
        Store(value.GetUpper(), ref Unsafe.Add(ref destination, 8), count - 8);
    }

    /// <summary>Writes the first <paramref name="count"/> of 8 lanes, 1 to 8.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector256<float> value, ref float destination, int count)
    {
        if (count <= 4)
        {
            Store(value.GetLower(), ref destination, count);
            return;
        }

        value.GetLower().StoreUnsafe(ref destination);
        Store(value.GetUpper(), ref Unsafe.Add(ref destination, 4), count - 4);
    }

    /// <summary>Writes the first <paramref name="count"/> of the lanes of any vector.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<V>(V value, ref float destination, int count)
        where V : struct, ISimd<V>
    {
        LaneBuffer lanes = default;
        ref float first = ref lanes[0];
        V.Store(value, ref first, 0);
        for (int lane = 0; lane < count; lane++)
            Unsafe.Add(ref destination, lane) = Unsafe.Add(ref first, lane);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(Vector128<float> value, ref float destination, int count)
    {
        switch (count)
        {
            case 4:
                value.StoreUnsafe(ref destination);
                break;
            case 3:
                value.GetLower().StoreUnsafe(ref destination);
                Unsafe.Add(ref destination, 2) = value.GetElement(2);
                break;
            case 2:
                value.GetLower().StoreUnsafe(ref destination);
                break;
            default:
                destination = value.ToScalar();
                break;
        }
    }

    [InlineArray(16)]
    private struct LaneBuffer
    {
        private float _first;
    }
}
