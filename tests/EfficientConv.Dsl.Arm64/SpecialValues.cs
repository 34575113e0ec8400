namespace EfficientConv.Dsl.Arm64;

/// <summary>Inputs that are the same on every machine.</summary>
internal static class SpecialValues
{
    /// <summary>Quiet and signalling NaN of both signs, infinities, zeros, subnormals at both ends, the smallest and the largest normal numbers.</summary>
    private static readonly uint[] s_bits =
    [
        0x7fc00000, 0xffc00000, 0x7fc12345, 0xffc54321, 0x7f800001, 0xff8abcde, 0x7f800000, 0xff800000, 0x80000000, 0, 1, 0x80000001, 0x007fffff, 0x807fffff, 0x00800000, 0x80800000,
        0x7f7fffff, 0xff7fffff,
    ];

    /// <summary>Where activations bend or saturate, and what lies beside.</summary>
    private static readonly float[] s_bends =
    [
        3, -3, 6, -6, 2.9999998f, -2.9999998f, 5.9999995f, 6.0000005f, 87.98f, -87.98f, -87.99f, 88.72f, -88.72f, -88.73f, -103.9f, -104, 89, -8, -20, 1, -1, 0.5f, -0.5f, 1e-7f, -1e-7f,
        1e-30f, -1e-30f, 1e-40f, -1e-40f,
    ];

    /// <summary>Numbers from -4 to 4.</summary>
    public static float[] Ordinary(int length)
    {
        uint state = 5;
        float[] values = new float[length];
        foreach (ref float value in values.AsSpan())
            value = ((int)(Next(ref state) >> 8) - (1 << 23)) / (float)(1 << 21);
        return values;
    }

    /// <summary>Ordinary ones, among them every special one once, and zeros of both signs.</summary>
    public static float[] Among(int length)
    {
        float[] values = Ordinary(length);
        for (int i = 0; i < 40; i++)
            values[((i * 23) + 5) % length] = i % 2 == 0 ? -0f : 0f;
        for (int i = 0; i < s_bits.Length; i++)
            values[((i * 37) + 11) % length] = BitConverter.UInt32BitsToSingle(s_bits[i]);
        return values;
    }

    /// <summary>The special ones, bends, then random bits: all signs and exponents.</summary>
    public static float[] Everywhere(int length)
    {
        uint state = 99;
        float[] values = [.. s_bits.Select(BitConverter.UInt32BitsToSingle), .. s_bends, .. new float[length - s_bits.Length - s_bends.Length]];
        foreach (ref float value in values.AsSpan(s_bits.Length + s_bends.Length))
            value = BitConverter.UInt32BitsToSingle((Next(ref state) & 0xffff0000) | (Next(ref state) >> 16));
        return values;
    }

    private static uint Next(ref uint state) => state = unchecked((state * 1664525) + 1013904223);
}
