using System.Collections.Immutable;
using System.Globalization;
using System.Reflection;
using EfficientConv.Dsl.Generators.Tests.Harness;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace EfficientConv.Dsl.Generators.Tests;

/// <summary>
/// Random declarations over every attribute of the runtime library, sensible and absurd values mixed: nothing may fail, and what
/// the analyzer accepts must compile.
/// </summary>
public class DeclarationFuzzTests
{
    private const int Networks = 40;

    private static readonly ImmutableArray<Type> Layers =
    [
        .. typeof(LayerAttribute).Assembly.GetExportedTypes().Where(type => type.IsSubclassOf(typeof(LayerAttribute)) && !type.IsAbstract && !type.IsGenericTypeDefinition).OrderBy(type => type.Name, StringComparer.Ordinal),
    ];

    private static readonly int[] Wild = [0, -1, int.MinValue, int.MinValue + 1, int.MaxValue, 1 << 20, (1 << 20) + 1, 1 << 28];

    private static readonly string[] WildNumbers = ["double.NaN", "double.PositiveInfinity", "double.NegativeInfinity", "-1.0", "0.0", "double.Epsilon", "double.MaxValue", "1.3"];

    private static readonly string[] Names = ["stem", "stem", "a b", "0", "class", "x.y", "näh", "a\\\"b", "{0}", "", "*/", "a\\nb", "\\\\"];

    [Theory]
    [InlineData(1, 0.0)]
    [InlineData(2, 0.02)]
    [InlineData(3, 0.2)]
    public async Task RandomDeclarations_NeverFail_AndCompileWhereNoErrorIsReported(int seed, double wildness)
    {
        Random random = new(seed);
        string source = string.Join('\n', Enumerable.Range(0, Networks).Select(i =>
            $"[InputShape({Size(random, wildness, 12)}, {Size(random, wildness, 12)}, {Size(random, wildness, 12)}{(random.Next(4) == 0 ? ", Layout = TensorLayout.NHWC" : "")})] "
            + $"[{string.Join(", ", Enumerable.Range(0, random.Next(1, 5)).Select(_ => Layer(random, wildness)))}] public sealed partial class Net{i};"));
        CSharpCompilation compilation = TestCompilation.Create(source);
        Assert.Empty(compilation.GetDiagnostics().Where(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error));

        ImmutableArray<Diagnostic> diagnostics = await AnalyzerHarness.DiagnosticsAsync(compilation);
        Assert.All(diagnostics, diagnostic => Assert.StartsWith("ECD", diagnostic.Id, StringComparison.Ordinal));
        GeneratorRun run = GeneratorHarness.Run(compilation);

        Assert.Equal(Networks, run.Declarations.Count);
        Assert.Empty(run.Compilation.GetDiagnostics().Where(diagnostic => diagnostic.Severity >= DiagnosticSeverity.Warning));
        Assert.InRange(diagnostics.Length, 0, Networks - 4); // Otherwise nothing of worth was compiled.
    }

    private static string Layer(Random random, double wildness)
    {
        Type type = Layers[random.Next(Layers.Length)];
        ParameterInfo[] parameters = type.GetConstructors().Single().GetParameters();
        IEnumerable<string> byConstructor = parameters
            .Where(parameter => !parameter.HasDefaultValue || random.Next(4) == 0)
            .Select(parameter => $"{parameter.Name}: {Value(random, wildness, parameter.ParameterType, parameter.Name!)}");
        IEnumerable<string> byProperty = type.GetProperties()
            .Where(property => property.SetMethod is not null && random.Next(12) == 0)
            .Select(property => $"{property.Name} = {Value(random, wildness, property.PropertyType, property.Name)}");
        return $"{type.Name}({string.Join(", ", byConstructor.Concat(byProperty))})";
    }

    private static string Value(Random random, double wildness, Type type, string name)
    {
        if (type == typeof(string[]))
            return $"new[] {{ {Value(random, wildness, typeof(string), "tensor")} }}";
        if (type == typeof(string) && name is "tensor" && random.NextDouble() >= wildness)
            return "\"input\"";
        if (type == typeof(string))
            return $"\"{Names[random.Next(Names.Length)]}\"";
        if (type == typeof(bool))
            return random.Next(2) == 0 ? "false" : "true";
        if (type == typeof(double))
            return random.NextDouble() < wildness ? WildNumbers[random.Next(WildNumbers.Length)] : (random.Next(1, 17) / 4.0).ToString("0.0##", CultureInfo.InvariantCulture);
        if (type.IsEnum)
            return $"({type.Name}){(random.NextDouble() < wildness ? 99 : random.Next(Enum.GetValues(type).Length)).ToString(CultureInfo.InvariantCulture)}";
        return Size(random, wildness, name.Contains("hannels", StringComparison.Ordinal) || name == "outFeatures" ? 40 : name.Contains("adding", StringComparison.Ordinal) ? 2 : 3);
    }

    private static string Size(Random random, double wildness, int largest)
    {
        int value = random.NextDouble() < wildness ? Wild[random.Next(Wild.Length)] : random.Next(1, largest + 1);
        return value == int.MinValue ? "int.MinValue" : value.ToString(CultureInfo.InvariantCulture);
    }
}
