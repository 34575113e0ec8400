namespace EfficientConv.Dsl.Compiler.Graph;

/// <summary>The name of a checkpoint tensor in the two styles that are understood.</summary>
/// <param name="Key">As the tutorial's PyTorch module saves it, for example <c>block.0.weight</c>.</param>
/// <param name="Canonical">Our own, for example <c>0.expand.weight</c>.</param>
public readonly record struct TensorKey(string Key, string Canonical)
{
    /// <summary>Both names with <paramref name="suffix"/> after a dot.</summary>
    public TensorKey With(string suffix) => new(Join(Key, suffix), Join(Canonical, suffix));

    /// <summary>Both parts with a dot between them; an empty one leaves no dot.</summary>
    public static string Join(string prefix, string suffix) => prefix.Length == 0 ? suffix : suffix.Length == 0 ? prefix : prefix + "." + suffix;
}
