namespace EfficientConv.Dsl.Compiler.Emission;

/// <summary>
/// A structure that holds the sizes of a kernel for the generic method that it is an argument of; what has the interface's default is left out.
/// </summary>
internal static class ShapeEmitter
{
    /// <summary>Prints the structure.</summary>
    /// <param name="writer">Text.</param>
    /// <param name="name">Its name.</param>
    /// <param name="contract">The interface that names the sizes.</param>
    /// <param name="traits">What its kernel does besides, null for nothing.</param>
    /// <param name="sizes">Sizes with their defaults; null for none.</param>
    public static void Emit(SourceWriter writer, string name, string contract, IEnumerable<string?> traits, IEnumerable<(string Name, int Value, int? Default)> sizes)
    {
        using (writer.Block($"private readonly struct {name} : {string.Join(", ", traits.OfType<string>().Prepend(contract))}"))
        {
            foreach ((string size, int value, int? standard) in sizes)
                writer.Line($"public static int {size} => {value};", value != standard);
        }
    }

    /// <summary>Values that shapes of a form differ in, each with the condition under which a shape has it; no condition where all have the same.</summary>
    public static IReadOnlyList<(T Value, string Condition)> Conditions<T>(IEnumerable<T> values, Func<T, string?> trait)
    {
        T[] kinds = [.. values.Distinct()];
        return [.. kinds.Select(value => (value, kinds.Length == 1 || trait(value) is not { } name ? string.Empty : $"default(TShape) is {name}"))];
    }
}
