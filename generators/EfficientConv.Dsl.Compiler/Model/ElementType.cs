namespace EfficientConv.Dsl.Compiler.Model;

/// <summary>Type of a tensor's elements.</summary>
/// <param name="Name">Its name in C#.</param>
/// <param name="Size">Bytes of an element.</param>
public sealed record ElementType(string Name, int Size)
{
    /// <summary>IEEE 754 single precision.</summary>
    public static ElementType Float32 { get; } = new("float", sizeof(float));

    /// <summary>Bytes of <paramref name="elements"/>.</summary>
    public long Bytes(long elements) => elements * Size;
}
