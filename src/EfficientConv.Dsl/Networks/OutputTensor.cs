namespace EfficientConv.Dsl;

/// <summary>One output of a network.</summary>
/// <param name="Name">What the attribute <see cref="OutputAttribute"/> calls it; "output" where there is none.</param>
/// <param name="Shape">Its shape.</param>
/// <param name="Offset">Where it begins among the elements of one image's outputs.</param>
public sealed record OutputTensor(string Name, TensorShape Shape, int Offset)
{
    /// <summary>Its elements among those of one image's outputs: <c>output[Net.MaskOutput.Range]</c>.</summary>
    public Range Range => Offset..(Offset + (int)Shape.ElementCount);
}
