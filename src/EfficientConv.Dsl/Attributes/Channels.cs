namespace EfficientConv.Dsl;

/// <summary>Values that stand for "not given" in attributes, whose arguments cannot be nullable.</summary>
public static class Channels
{
    /// <summary>As many channels as come in.</summary>
    public const int FromInput = int.MinValue;

    /// <summary>An optional integer that was not set; the attribute's documentation says what is used instead.</summary>
    public const int Unset = int.MinValue;
}
