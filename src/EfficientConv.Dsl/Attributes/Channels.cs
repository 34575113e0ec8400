namespace EfficientConv.Dsl;

/// <summary>Values that stand for "not given" in attributes, whose arguments cannot be nullable.</summary>
public static class Channels
{
    /// <summary>As many channels as come in.</summary>
    public const int FromInput = int.MinValue;

    /// <summary>An optional integer that was not set; the attribute's documentation says what is used instead.</summary>
    public const int Unset = int.MinValue;

    /// <summary>
    /// The multiple of <paramref name="divisor"/> nearest to <paramref name="value"/>, at least <paramref name="minimum"/>, and one more where that would lose
    /// more than a tenth: <c>make_divisible</c> as torchvision and timm define it, for tables at other widths. <c>MakeDivisible(32 * 0.35)</c> is 16.
    /// </summary>
    /// <param name="value">Channels, not an integer after scaling.</param>
    /// <param name="divisor">At least 1.</param>
    /// <param name="minimum">The least result; the divisor where it is not given.</param>
    public static int MakeDivisible(double value, int divisor = 8, int? minimum = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(divisor, 1);
        int rounded = Math.Max(minimum ?? divisor, (int)(value + (divisor / 2.0)) / divisor * divisor);
        return rounded < 0.9 * value ? rounded + divisor : rounded;
    }
}
