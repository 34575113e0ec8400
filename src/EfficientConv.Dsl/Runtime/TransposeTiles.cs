using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace EfficientConv.Dsl.Runtime;

/// <summary>
/// Transposes of one tile in registers. Rows of the source become columns of the destination. They are calls of their own, optimised
/// from the first: inlined into their loops they would exceed the compiler's budget and stay unoptimised.
/// </summary>
internal static class TransposeTiles
{
    internal static bool Has4x4 => Sse.IsSupported || AdvSimd.Arm64.IsSupported;

    /// <summary>destination = a0 b0 a1 b1 ... from a = source[..count] and b = source[count..].</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    internal static void Interleave(ref float source, ref float second, ref float destination, int count)
    {
        int i = 0;
        if (Has4x4)
        {
            for (; i <= count - 4; i += 4)
            {
                Vector128<float> a = Vector128.LoadUnsafe(ref source, (nuint)i);
                Vector128<float> b = Vector128.LoadUnsafe(ref second, (nuint)i);
                UnpackLow(a, b).StoreUnsafe(ref destination, (nuint)(2 * i));
                UnpackHigh(a, b).StoreUnsafe(ref destination, (nuint)((2 * i) + 4));
            }
        }
        for (; i < count; i++)
        {
            Unsafe.Add(ref destination, 2 * i) = Unsafe.Add(ref source, i);
            Unsafe.Add(ref destination, (2 * i) + 1) = Unsafe.Add(ref second, i);
        }
    }

    // Sixteen at a time; the number of values that were done.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static int Interleave16(ref float source, ref float second, ref float destination, int count)
    {
        Vector512<int> low = Vector512.Create(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
        Vector512<int> high = Vector512.Create(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
        int i = 0;
        for (; i <= count - 16; i += 16)
        {
            Vector512<float> a = Vector512.LoadUnsafe(ref source, (nuint)i);
            Vector512<float> b = Vector512.LoadUnsafe(ref second, (nuint)i);
            Avx512F.PermuteVar16x32x2(a, low, b).StoreUnsafe(ref destination, (nuint)(2 * i));
            Avx512F.PermuteVar16x32x2(a, high, b).StoreUnsafe(ref destination, (nuint)((2 * i) + 16));
        }
        return i;
    }

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    internal static void Transpose4x4(ref float source, nint sourceStride, ref float destination, nint destinationStride)
    {
        Vector128<float> r0 = Vector128.LoadUnsafe(ref source);
        Vector128<float> r1 = Vector128.LoadUnsafe(ref Unsafe.Add(ref source, sourceStride));
        Vector128<float> r2 = Vector128.LoadUnsafe(ref Unsafe.Add(ref source, 2 * sourceStride));
        Vector128<float> r3 = Vector128.LoadUnsafe(ref Unsafe.Add(ref source, 3 * sourceStride));
        Vector128<double> t0 = UnpackLow(r0, r1).AsDouble();
        Vector128<double> t1 = UnpackHigh(r0, r1).AsDouble();
        Vector128<double> t2 = UnpackLow(r2, r3).AsDouble();
        Vector128<double> t3 = UnpackHigh(r2, r3).AsDouble();
        UnpackLow(t0, t2).AsSingle().StoreUnsafe(ref destination);
        UnpackHigh(t0, t2).AsSingle().StoreUnsafe(ref Unsafe.Add(ref destination, destinationStride));
        UnpackLow(t1, t3).AsSingle().StoreUnsafe(ref Unsafe.Add(ref destination, 2 * destinationStride));
        UnpackHigh(t1, t3).AsSingle().StoreUnsafe(ref Unsafe.Add(ref destination, 3 * destinationStride));
    }

    // Pairs of rows, then pairs of pairs, then the 128-bit halves.
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    internal static void Transpose8x8(ref float source, nint sourceStride, ref float destination, nint destinationStride)
    {
        Vector256<float> r0 = Vector256.LoadUnsafe(ref source);
        Vector256<float> r1 = Vector256.LoadUnsafe(ref Unsafe.Add(ref source, sourceStride));
        Vector256<float> r2 = Vector256.LoadUnsafe(ref Unsafe.Add(ref source, 2 * sourceStride));
        Vector256<float> r3 = Vector256.LoadUnsafe(ref Unsafe.Add(ref source, 3 * sourceStride));
        Vector256<float> r4 = Vector256.LoadUnsafe(ref Unsafe.Add(ref source, 4 * sourceStride));
        Vector256<float> r5 = Vector256.LoadUnsafe(ref Unsafe.Add(ref source, 5 * sourceStride));
        Vector256<float> r6 = Vector256.LoadUnsafe(ref Unsafe.Add(ref source, 6 * sourceStride));
        Vector256<float> r7 = Vector256.LoadUnsafe(ref Unsafe.Add(ref source, 7 * sourceStride));
        Vector256<double> t0 = Avx.UnpackLow(r0, r1).AsDouble();
        Vector256<double> t1 = Avx.UnpackHigh(r0, r1).AsDouble();
        Vector256<double> t2 = Avx.UnpackLow(r2, r3).AsDouble();
        Vector256<double> t3 = Avx.UnpackHigh(r2, r3).AsDouble();
        Vector256<double> t4 = Avx.UnpackLow(r4, r5).AsDouble();
        Vector256<double> t5 = Avx.UnpackHigh(r4, r5).AsDouble();
        Vector256<double> t6 = Avx.UnpackLow(r6, r7).AsDouble();
        Vector256<double> t7 = Avx.UnpackHigh(r6, r7).AsDouble();
        r0 = Avx.UnpackLow(t0, t2).AsSingle();
        r1 = Avx.UnpackHigh(t0, t2).AsSingle();
        r2 = Avx.UnpackLow(t1, t3).AsSingle();
        r3 = Avx.UnpackHigh(t1, t3).AsSingle();
        r4 = Avx.UnpackLow(t4, t6).AsSingle();
        r5 = Avx.UnpackHigh(t4, t6).AsSingle();
        r6 = Avx.UnpackLow(t5, t7).AsSingle();
        r7 = Avx.UnpackHigh(t5, t7).AsSingle();
        Avx.Permute2x128(r0, r4, 0x20).StoreUnsafe(ref destination);
        Avx.Permute2x128(r1, r5, 0x20).StoreUnsafe(ref Unsafe.Add(ref destination, destinationStride));
        Avx.Permute2x128(r2, r6, 0x20).StoreUnsafe(ref Unsafe.Add(ref destination, 2 * destinationStride));
        Avx.Permute2x128(r3, r7, 0x20).StoreUnsafe(ref Unsafe.Add(ref destination, 3 * destinationStride));
        Avx.Permute2x128(r0, r4, 0x31).StoreUnsafe(ref Unsafe.Add(ref destination, 4 * destinationStride));
        Avx.Permute2x128(r1, r5, 0x31).StoreUnsafe(ref Unsafe.Add(ref destination, 5 * destinationStride));
        Avx.Permute2x128(r2, r6, 0x31).StoreUnsafe(ref Unsafe.Add(ref destination, 6 * destinationStride));
        Avx.Permute2x128(r3, r7, 0x31).StoreUnsafe(ref Unsafe.Add(ref destination, 7 * destinationStride));
    }

    // Pairs of rows, pairs of pairs, then twice the 128-bit quarters.
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    internal static void Transpose16x16(ref float source, nint sourceStride, ref float destination, nint destinationStride)
    {
        Vector512<float> r0 = Vector512.LoadUnsafe(ref source);
        Vector512<float> r1 = Vector512.LoadUnsafe(ref Unsafe.Add(ref source, sourceStride));
        Vector512<float> r2 = Vector512.LoadUnsafe(ref Unsafe.Add(ref source, 2 * sourceStride));
        Vector512<float> r3 = Vector512.LoadUnsafe(ref Unsafe.Add(ref source, 3 * sourceStride));
        Vector512<float> r4 = Vector512.LoadUnsafe(ref Unsafe.Add(ref source, 4 * sourceStride));
        Vector512<float> r5 = Vector512.LoadUnsafe(ref Unsafe.Add(ref source, 5 * sourceStride));
        Vector512<float> r6 = Vector512.LoadUnsafe(ref Unsafe.Add(ref source, 6 * sourceStride));
        Vector512<float> r7 = Vector512.LoadUnsafe(ref Unsafe.Add(ref source, 7 * sourceStride));
        Vector512<float> r8 = Vector512.LoadUnsafe(ref Unsafe.Add(ref source, 8 * sourceStride));
        Vector512<float> r9 = Vector512.LoadUnsafe(ref Unsafe.Add(ref source, 9 * sourceStride));
        Vector512<float> r10 = Vector512.LoadUnsafe(ref Unsafe.Add(ref source, 10 * sourceStride));
        Vector512<float> r11 = Vector512.LoadUnsafe(ref Unsafe.Add(ref source, 11 * sourceStride));
        Vector512<float> r12 = Vector512.LoadUnsafe(ref Unsafe.Add(ref source, 12 * sourceStride));
        Vector512<float> r13 = Vector512.LoadUnsafe(ref Unsafe.Add(ref source, 13 * sourceStride));
        Vector512<float> r14 = Vector512.LoadUnsafe(ref Unsafe.Add(ref source, 14 * sourceStride));
        Vector512<float> r15 = Vector512.LoadUnsafe(ref Unsafe.Add(ref source, 15 * sourceStride));
        Vector512<double> t0 = Avx512F.UnpackLow(r0, r1).AsDouble();
        Vector512<double> t1 = Avx512F.UnpackHigh(r0, r1).AsDouble();
        Vector512<double> t2 = Avx512F.UnpackLow(r2, r3).AsDouble();
        Vector512<double> t3 = Avx512F.UnpackHigh(r2, r3).AsDouble();
        Vector512<double> t4 = Avx512F.UnpackLow(r4, r5).AsDouble();
        Vector512<double> t5 = Avx512F.UnpackHigh(r4, r5).AsDouble();
        Vector512<double> t6 = Avx512F.UnpackLow(r6, r7).AsDouble();
        Vector512<double> t7 = Avx512F.UnpackHigh(r6, r7).AsDouble();
        Vector512<double> t8 = Avx512F.UnpackLow(r8, r9).AsDouble();
        Vector512<double> t9 = Avx512F.UnpackHigh(r8, r9).AsDouble();
        Vector512<double> t10 = Avx512F.UnpackLow(r10, r11).AsDouble();
        Vector512<double> t11 = Avx512F.UnpackHigh(r10, r11).AsDouble();
        Vector512<double> t12 = Avx512F.UnpackLow(r12, r13).AsDouble();
        Vector512<double> t13 = Avx512F.UnpackHigh(r12, r13).AsDouble();
        Vector512<double> t14 = Avx512F.UnpackLow(r14, r15).AsDouble();
        Vector512<double> t15 = Avx512F.UnpackHigh(r14, r15).AsDouble();
        r0 = Avx512F.UnpackLow(t0, t2).AsSingle();
        r1 = Avx512F.UnpackHigh(t0, t2).AsSingle();
        r2 = Avx512F.UnpackLow(t1, t3).AsSingle();
        r3 = Avx512F.UnpackHigh(t1, t3).AsSingle();
        r4 = Avx512F.UnpackLow(t4, t6).AsSingle();
        r5 = Avx512F.UnpackHigh(t4, t6).AsSingle();
        r6 = Avx512F.UnpackLow(t5, t7).AsSingle();
        r7 = Avx512F.UnpackHigh(t5, t7).AsSingle();
        r8 = Avx512F.UnpackLow(t8, t10).AsSingle();
        r9 = Avx512F.UnpackHigh(t8, t10).AsSingle();
        r10 = Avx512F.UnpackLow(t9, t11).AsSingle();
        r11 = Avx512F.UnpackHigh(t9, t11).AsSingle();
        r12 = Avx512F.UnpackLow(t12, t14).AsSingle();
        r13 = Avx512F.UnpackHigh(t12, t14).AsSingle();
        r14 = Avx512F.UnpackLow(t13, t15).AsSingle();
        r15 = Avx512F.UnpackHigh(t13, t15).AsSingle();
        Vector512<float> lowEven0 = Avx512F.Shuffle4x128(r0, r4, 0x88);
        Vector512<float> lowOdd0 = Avx512F.Shuffle4x128(r0, r4, 0xdd);
        Vector512<float> highEven0 = Avx512F.Shuffle4x128(r8, r12, 0x88);
        Vector512<float> highOdd0 = Avx512F.Shuffle4x128(r8, r12, 0xdd);
        Vector512<float> lowEven1 = Avx512F.Shuffle4x128(r1, r5, 0x88);
        Vector512<float> lowOdd1 = Avx512F.Shuffle4x128(r1, r5, 0xdd);
        Vector512<float> highEven1 = Avx512F.Shuffle4x128(r9, r13, 0x88);
        Vector512<float> highOdd1 = Avx512F.Shuffle4x128(r9, r13, 0xdd);
        Vector512<float> lowEven2 = Avx512F.Shuffle4x128(r2, r6, 0x88);
        Vector512<float> lowOdd2 = Avx512F.Shuffle4x128(r2, r6, 0xdd);
        Vector512<float> highEven2 = Avx512F.Shuffle4x128(r10, r14, 0x88);
        Vector512<float> highOdd2 = Avx512F.Shuffle4x128(r10, r14, 0xdd);
        Vector512<float> lowEven3 = Avx512F.Shuffle4x128(r3, r7, 0x88);
        Vector512<float> lowOdd3 = Avx512F.Shuffle4x128(r3, r7, 0xdd);
        Vector512<float> highEven3 = Avx512F.Shuffle4x128(r11, r15, 0x88);
        Vector512<float> highOdd3 = Avx512F.Shuffle4x128(r11, r15, 0xdd);
        Avx512F.Shuffle4x128(lowEven0, highEven0, 0x88).StoreUnsafe(ref destination);
        Avx512F.Shuffle4x128(lowEven1, highEven1, 0x88).StoreUnsafe(ref Unsafe.Add(ref destination, destinationStride));
        Avx512F.Shuffle4x128(lowEven2, highEven2, 0x88).StoreUnsafe(ref Unsafe.Add(ref destination, 2 * destinationStride));
        Avx512F.Shuffle4x128(lowEven3, highEven3, 0x88).StoreUnsafe(ref Unsafe.Add(ref destination, 3 * destinationStride));
        Avx512F.Shuffle4x128(lowOdd0, highOdd0, 0x88).StoreUnsafe(ref Unsafe.Add(ref destination, 4 * destinationStride));
        Avx512F.Shuffle4x128(lowOdd1, highOdd1, 0x88).StoreUnsafe(ref Unsafe.Add(ref destination, 5 * destinationStride));
        Avx512F.Shuffle4x128(lowOdd2, highOdd2, 0x88).StoreUnsafe(ref Unsafe.Add(ref destination, 6 * destinationStride));
        Avx512F.Shuffle4x128(lowOdd3, highOdd3, 0x88).StoreUnsafe(ref Unsafe.Add(ref destination, 7 * destinationStride));
        Avx512F.Shuffle4x128(lowEven0, highEven0, 0xdd).StoreUnsafe(ref Unsafe.Add(ref destination, 8 * destinationStride));
        Avx512F.Shuffle4x128(lowEven1, highEven1, 0xdd).StoreUnsafe(ref Unsafe.Add(ref destination, 9 * destinationStride));
        Avx512F.Shuffle4x128(lowEven2, highEven2, 0xdd).StoreUnsafe(ref Unsafe.Add(ref destination, 10 * destinationStride));
        Avx512F.Shuffle4x128(lowEven3, highEven3, 0xdd).StoreUnsafe(ref Unsafe.Add(ref destination, 11 * destinationStride));
        Avx512F.Shuffle4x128(lowOdd0, highOdd0, 0xdd).StoreUnsafe(ref Unsafe.Add(ref destination, 12 * destinationStride));
        Avx512F.Shuffle4x128(lowOdd1, highOdd1, 0xdd).StoreUnsafe(ref Unsafe.Add(ref destination, 13 * destinationStride));
        Avx512F.Shuffle4x128(lowOdd2, highOdd2, 0xdd).StoreUnsafe(ref Unsafe.Add(ref destination, 14 * destinationStride));
        Avx512F.Shuffle4x128(lowOdd3, highOdd3, 0xdd).StoreUnsafe(ref Unsafe.Add(ref destination, 15 * destinationStride));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> UnpackLow(Vector128<float> a, Vector128<float> b) =>
        Sse.IsSupported ? Sse.UnpackLow(a, b) : AdvSimd.Arm64.ZipLow(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> UnpackHigh(Vector128<float> a, Vector128<float> b) =>
        Sse.IsSupported ? Sse.UnpackHigh(a, b) : AdvSimd.Arm64.ZipHigh(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<double> UnpackLow(Vector128<double> a, Vector128<double> b) =>
        Sse2.IsSupported ? Sse2.UnpackLow(a, b) : AdvSimd.Arm64.ZipLow(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<double> UnpackHigh(Vector128<double> a, Vector128<double> b) =>
        Sse2.IsSupported ? Sse2.UnpackHigh(a, b) : AdvSimd.Arm64.ZipHigh(a, b);
}
