using System.Collections.Immutable;
using System.Globalization;
using System.Reflection;

namespace EfficientConv.Dsl.Generators.Tests.Fuzzing;

/// <summary>Random declarations over every attribute of the runtime library, sensible and absurd values mixed; the same for the same seed.</summary>
/// <param name="seed">Seed.</param>
/// <param name="wildness">Part of the values that are absurd.</param>
internal sealed class DeclarationFuzzer(int seed, double wildness)
{
    private static readonly ImmutableArray<Type> Layers =
    [
        .. typeof(LayerAttribute).Assembly.GetExportedTypes()
            .Where(type => type.IsSubclassOf(typeof(LayerAttribute)) && !type.IsAbstract && !type.IsGenericTypeDefinition && !HasNames(type)).OrderBy(type => type.Name, StringComparer.Ordinal),
    ];

    private static readonly int[] Wild = [0, -1, int.MinValue, int.MinValue + 1, int.MaxValue, 1 << 20, (1 << 20) + 1, 1 << 28, 4096];

    private static readonly string[] WildNumbers = ["double.NaN", "double.PositiveInfinity", "double.NegativeInfinity", "-1.0", "0.0", "double.Epsilon", "double.MaxValue", "1.3"];

    private static readonly string[] Names = ["stem", "stem", "a b", "0", "class", "x.y", "n\u00e4h", "a\\\"b", "{0}", "", "*/", "a\\nb", "\\\\"];

    private readonly Random _random = new(seed);

    /// <summary>One class called <paramref name="name"/>.</summary>
    public string Network(string name)
    {
        string layout = _random.Next(4) == 0 ? ", Layout = TensorLayout.NHWC" : string.Empty;
        string budget = _random.Next(10) == 0 ? $"[Budget(maxParameters: {Size(1000)})] " : string.Empty;
        return $"[InputShape({Size(12)}, {Size(12)}, {Size(12)}{layout})] {budget}[{string.Join(", ", Enumerable.Range(0, _random.Next(1, 5)).Select(_ => Layer()))}] public sealed partial class {name};";
    }

    private string Layer()
    {
        Type type = Layers[_random.Next(Layers.Length)];
        IEnumerable<string> byConstructor = type.GetConstructors().Single().GetParameters()
            .Where(parameter => !parameter.HasDefaultValue || _random.Next(4) == 0)
            .Select(parameter => $"{parameter.Name}: {Value(parameter.ParameterType, parameter.Name!)}");
        IEnumerable<string> byProperty = type.GetProperties()
            .Where(property => property.SetMethod is not null && _random.Next(12) == 0)
            .Select(property => $"{property.Name} = {Value(property.PropertyType, property.Name)}");
        return $"{type.Name}({string.Join(", ", byConstructor.Concat(byProperty))})";
    }

    private string Value(Type type, string name)
    {
        if (type == typeof(string))
            return $"\"{Names[_random.Next(_random.NextDouble() < wildness ? Names.Length : 2)]}{_random.Next(1000)}\"";
        if (type == typeof(bool))
            return _random.Next(2) == 0 ? "false" : "true";
        if (type == typeof(double))
            return _random.NextDouble() < wildness ? WildNumbers[_random.Next(WildNumbers.Length)] : (_random.Next(1, 17) / 4.0).ToString("0.0##", CultureInfo.InvariantCulture);
        if (type.IsEnum)
            return $"({type.Name}){(_random.NextDouble() < wildness ? 99 : _random.Next(Enum.GetValues(type).Length)).ToString(CultureInfo.InvariantCulture)}";
        return Size(name.Contains("hannels", StringComparison.Ordinal) || name == "outFeatures" ? 40 : name.Contains("adding", StringComparison.Ordinal) ? 2 : 3);
    }

    private string Size(int largest)
    {
        int value = _random.NextDouble() < wildness ? Wild[_random.Next(Wild.Length)] : _random.Next(1, largest + 1);
        return value == int.MinValue ? "int.MinValue" : value.ToString(CultureInfo.InvariantCulture);
    }

    /// <summary>Attributes that name other tensors mean something only in a graph that has them.</summary>
    private static bool HasNames(Type type) =>
        type.GetConstructors().Single().GetParameters().Any(parameter => parameter.ParameterType == typeof(string) || parameter.ParameterType == typeof(string[]));
}
