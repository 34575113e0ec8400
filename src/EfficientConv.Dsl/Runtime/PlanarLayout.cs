using System.ComponentModel;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace EfficientConv.Dsl.Runtime;

/// <summary>Zero-padded copies of rows for kernels with a pixel in every lane.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public static class PlanarLayout
{
    /// <summary>
    /// Copies rows after <paramref name="padLeft"/> columns that are left alone. Padded column x comes to
    /// <c>(x % phases) * phaseLength + x / phases</c>, so that a strided window finds each tap's columns side by side.
    /// </summary>
    /// <typeparam name="V">The vector.</typeparam>
    /// <param name="source">The first row.</param>
    /// <param name="rowStep">Floats from a row to the next; a plane where each row is another channel's.</param>
    /// <param name="width">Columns.</param>
    /// <param name="rows">Rows.</param>
    /// <param name="destination">The first padded row.</param>
    /// <param name="rowLength">Floats from a padded row to the next.</param>
    /// <param name="phases">The horizontal stride.</param>
    /// <param name="phaseLength">Columns of a phase.</param>
    /// <param name="padLeft">Columns in front.</param>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static void PadRows<V>(
        ref float source, int rowStep, int width, int rows, ref float destination, int rowLength, int phases, int phaseLength, int padLeft)
        where V : struct, ISimd<V>
    {
        for (int row = 0; row < rows; row++)
        {
            ref float from = ref Unsafe.Add(ref source, row * rowStep);
            ref float to = ref Unsafe.Add(ref destination, row * rowLength);
            if (phases == 1)
                Copy<V>(ref from, ref Unsafe.Add(ref to, padLeft), width);
            else if (phases == 2)
                Split(ref from, ref to, width, phaseLength, padLeft);
            else
                Scatter(ref from, ref to, 0, width, phases, phaseLength, padLeft);
        }
    }

    /// <summary>sums[c] += plane c's values in ascending order, one chain of additions a channel.</summary>
    /// <typeparam name="V">The vector.</typeparam>
    /// <param name="source">The first plane.</param>
    /// <param name="planeStride">From one plane to the next.</param>
    /// <param name="sums">One a channel, padded to 16.</param>
    /// <param name="channels">Channels.</param>
    /// <param name="pixels">Pixels.</param>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static void AccumulateChannels<V>(ref float source, int planeStride, ref float sums, int channels, int pixels)
        where V : struct, ISimd<V>
    {
        // Some pixels of many channels at a time are turned in a buffer on the stack, so that each channel is a lane and its additions one chain.
        PixelBuffer buffer = default;
        ref float turned = ref buffer[0];
        for (int c = 0; c < channels; c += BufferChannels)
        {
            int count = Math.Min(BufferChannels, channels - c);
            for (int p = 0; p < pixels; p += BufferPixels)
            {
                int some = Math.Min(BufferPixels, pixels - p);
                PixelLayout.FromPlanar<V>(ref Unsafe.Add(ref source, (c * planeStride) + p), planeStride, ref turned, BufferChannels, count, some);
                Elementwise.AccumulateChannels<V>(ref turned, ref Unsafe.Add(ref sums, c), count, some, BufferChannels);
            }
        }
    }

    /// <summary>Plane c times gate[c].</summary>
    /// <typeparam name="V">The vector.</typeparam>
    /// <param name="source">The first plane.</param>
    /// <param name="gate">One a channel.</param>
    /// <param name="destination">The first plane of the product.</param>
    /// <param name="channels">Channels.</param>
    /// <param name="pixels">Pixels, and floats from a plane to the next.</param>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static void ScaleChannels<V>(ref float source, ref float gate, ref float destination, int channels, int pixels)
        where V : struct, ISimd<V>
    {
        for (int c = 0; c < channels; c++)
        {
            float scale = Unsafe.Add(ref gate, c);
            V factor = V.Create(scale);
            ref float from = ref Unsafe.Add(ref source, c * pixels);
            ref float to = ref Unsafe.Add(ref destination, c * pixels);
            int p = 0;
            for (; p <= pixels - V.Lanes; p += V.Lanes)
                V.Store(V.Multiply(V.Load(ref from, p), factor), ref to, p);
            for (; p < pixels; p++)
                Unsafe.Add(ref to, p) = Unsafe.Add(ref from, p) * scale;
        }
    }

    /// <summary>Plane c as fma(x, scale[c], shift[c]): a batch norm on its own.</summary>
    /// <typeparam name="V">The vector.</typeparam>
    /// <param name="source">The first plane.</param>
    /// <param name="sourceStride">Floats from one plane to the next.</param>
    /// <param name="destination">The first plane of the result.</param>
    /// <param name="destinationStride">Floats from one of its planes to the next.</param>
    /// <param name="scale">One a channel.</param>
    /// <param name="shift">One a channel.</param>
    /// <param name="channels">Channels.</param>
    /// <param name="pixels">Pixels.</param>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static void ScaleShift<V>(
        ref float source, int sourceStride, ref float destination, int destinationStride, ref float scale, ref float shift, int channels, int pixels)
        where V : struct, ISimd<V>
    {
        for (int c = 0; c < channels; c++)
        {
            float factor = Unsafe.Add(ref scale, c), summand = Unsafe.Add(ref shift, c);
            V factors = V.Create(factor), summands = V.Create(summand);
            ref float from = ref Unsafe.Add(ref source, (nint)c * sourceStride);
            ref float to = ref Unsafe.Add(ref destination, (nint)c * destinationStride);
            int p = 0;
            for (; p <= pixels - V.Lanes; p += V.Lanes)
                V.Store(V.FusedMultiplyAdd(V.Load(ref from, p), factors, summands), ref to, p);
            for (; p < pixels; p++)
                Unsafe.Add(ref to, p) = MathF.FusedMultiplyAdd(Unsafe.Add(ref from, p), factor, summand);
        }
    }

    /// <summary>Plane c as x if x &gt; 0, else slopes[c] * x.</summary>
    /// <typeparam name="V">The vector.</typeparam>
    /// <param name="source">The first plane.</param>
    /// <param name="sourceStride">Floats from one plane to the next.</param>
    /// <param name="destination">The first plane of the result.</param>
    /// <param name="destinationStride">Floats from one of its planes to the next.</param>
    /// <param name="slopes">One a channel.</param>
    /// <param name="channels">Channels.</param>
    /// <param name="pixels">Pixels.</param>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static void PReLU<V>(ref float source, int sourceStride, ref float destination, int destinationStride, ref float slopes, int channels, int pixels)
        where V : struct, ISimd<V>
    {
        for (int c = 0; c < channels; c++)
        {
            float slope = Unsafe.Add(ref slopes, c);
            V factors = V.Create(slope);
            ref float from = ref Unsafe.Add(ref source, (nint)c * sourceStride);
            ref float to = ref Unsafe.Add(ref destination, (nint)c * destinationStride);
            int p = 0;
            for (; p <= pixels - V.Lanes; p += V.Lanes)
                V.Store(Elementwise.LeakyReLU(V.Load(ref from, p), factors), ref to, p);
            for (; p < pixels; p++)
            {
                float x = Unsafe.Add(ref from, p);
                Unsafe.Add(ref to, p) = x > 0 ? x : x * slope;
            }
        }
    }

    private const int BufferChannels = 64;
    private const int BufferPixels = 16;

    [InlineArray(BufferChannels * BufferPixels)]
    private struct PixelBuffer
    {
        private float _first;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Copy<V>(ref float from, ref float to, int width)
        where V : struct, ISimd<V>
    {
        // The last vector ends at the last column and overlaps the one before.
        if (width < V.Lanes)
        {
            if (width >= 8)
            {
                Vector256.LoadUnsafe(ref from).StoreUnsafe(ref to);
                Vector256.LoadUnsafe(ref from, (nuint)width - 8).StoreUnsafe(ref to, (nuint)width - 8);
            }
            else if (width >= 4)
            {
                Vector128.LoadUnsafe(ref from).StoreUnsafe(ref to);
                Vector128.LoadUnsafe(ref from, (nuint)width - 4).StoreUnsafe(ref to, (nuint)width - 4);
            }
            else
            {
                for (int x = 0; x < width; x++)
                    Unsafe.Add(ref to, x) = Unsafe.Add(ref from, x);
            }

            return;
        }

        for (int x = 0; x < width - V.Lanes; x += V.Lanes)
            V.Store(V.Load(ref from, x), ref to, x);
        V.Store(V.Load(ref from, width - V.Lanes), ref to, width - V.Lanes);
    }

    /// <summary>Even and odd columns apart.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Split(ref float from, ref float to, int width, int phaseLength, int padLeft)
    {
        // The phases of columns 0, 2, 4, ... and 1, 3, 5, ... of the source.
        ref float even = ref Unsafe.Add(ref to, ((padLeft & 1) * phaseLength) + (padLeft >> 1));
        ref float odd = ref Unsafe.Add(ref to, (((padLeft + 1) & 1) * phaseLength) + ((padLeft + 1) >> 1));
        int x = 0;
        if (Vector512.IsHardwareAccelerated)
        {
            Vector512<int> evens = Vector512.Create(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
            Vector512<int> odds = Vector512.Create(1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
            for (; x <= width - 32; x += 32)
            {
                Vector512<float> a = Vector512.LoadUnsafe(ref from, (nuint)x), b = Vector512.LoadUnsafe(ref from, (nuint)x + 16);
                System.Runtime.Intrinsics.X86.Avx512F.PermuteVar16x32x2(a, evens, b).StoreUnsafe(ref even, (nuint)x / 2);
                System.Runtime.Intrinsics.X86.Avx512F.PermuteVar16x32x2(a, odds, b).StoreUnsafe(ref odd, (nuint)x / 2);
            }
        }

        for (; x <= width - 8; x += 8)
        {
            Vector128<float> a = Vector128.LoadUnsafe(ref from, (nuint)x), b = Vector128.LoadUnsafe(ref from, (nuint)x + 4);
            Evens(a, b).StoreUnsafe(ref even, (nuint)x / 2);
            Odds(a, b).StoreUnsafe(ref odd, (nuint)x / 2);
        }

        for (; x < width; x++)
            Unsafe.Add(ref (x & 1) == 0 ? ref even : ref odd, x >> 1) = Unsafe.Add(ref from, x);
    }

    private static Vector128<float> Evens(Vector128<float> a, Vector128<float> b) =>
        System.Runtime.Intrinsics.X86.Sse.IsSupported ? System.Runtime.Intrinsics.X86.Sse.Shuffle(a, b, 0b10_00_10_00)
        : System.Runtime.Intrinsics.Arm.AdvSimd.Arm64.IsSupported ? System.Runtime.Intrinsics.Arm.AdvSimd.Arm64.UnzipEven(a, b)
        : Vector128.Create(a[0], a[2], b[0], b[2]);

    private static Vector128<float> Odds(Vector128<float> a, Vector128<float> b) =>
        System.Runtime.Intrinsics.X86.Sse.IsSupported ? System.Runtime.Intrinsics.X86.Sse.Shuffle(a, b, 0b11_01_11_01)
        : System.Runtime.Intrinsics.Arm.AdvSimd.Arm64.IsSupported ? System.Runtime.Intrinsics.Arm.AdvSimd.Arm64.UnzipOdd(a, b)
        : Vector128.Create(a[1], a[3], b[1], b[3]);

    private static void Scatter(ref float from, ref float to, int x, int width, int phases, int phaseLength, int padLeft)
    {
        for (; x < width; x++)
        {
            int column = x + padLeft;
            Unsafe.Add(ref to, ((column % phases) * phaseLength) + (column / phases)) = Unsafe.Add(ref from, x);
        }
    }
}
