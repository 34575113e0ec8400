using EfficientConv.Dsl.Generators.Tests.Harness;

namespace EfficientConv.Dsl.Generators.Tests;

/// <summary>
/// One process sees many edits of a project; after each the generated files and the diagnostics are those of a process that never saw the project before.
/// </summary>
public class EditTests
{
    private const string Plain = "namespace Nets { [InputShape(4, 8, 8), Conv2d(8, padding: 1, bias: false), ReLU] public sealed partial class Net; }";
    private const string WithEnumeration = "namespace Nets { [InputShape(4, 8, 8), Conv2d(8, padding: 1), Activation(Activation.SiLU)] public sealed partial class Net; }";
    private const string WithBase = "namespace Nets { [InputShape(4, 8, 8), ReLU] public sealed partial class Net : Model; }";
    private const string WithAlias = "using E = EfficientConv.Dsl; namespace Nets { [InputShape(4, 8, 8), E.ReLU] public sealed partial class Net; }";
    private const string WithConstant = "namespace Nets { [InputShape(4, 8, 8), Conv2d(Sizes.Stem)] public sealed partial class Net; }";
    private const string WithTemplate = "namespace Nets { [InputShape(4, 8, 8), Use<Block>(2)] public sealed partial class Net; }";
    private const string WithMethod = "using System.IO; namespace Nets { [InputShape(4, 8, 8), ReLU] public sealed partial class Net { static Net Load(Stream stream, LoadOptions? options) => null!; } }";
    private const string Nested = "namespace Nets { partial class Outer { [InputShape(4, 8, 8), ReLU] public sealed partial class Net; } }";
    private const string WithQualifiedNames = "namespace Nets { [EfficientConv.Dsl.InputShape(4, 8, 8), global::EfficientConv.Dsl.ReLU] public sealed partial class Net; }";

    private const string ForeignReLU = "public sealed class ReLUAttribute : System.Attribute;";
    private const string Schedule = "{ \"version\": 1, \"schedules\": [ { \"layer\": \"x\", \"isa\": \"Avx2\", \"form\": \"rows\" } ] }";

    private static readonly string[] s_networks = [Plain, WithEnumeration, WithBase, WithAlias, WithConstant, WithTemplate, WithMethod, Nested, WithQualifiedNames, "class NoNetwork;"];

    private static readonly string[] s_others =
    [
        "class Other { int x = 1; }", "class Other { int x = 2; }", "namespace Nets { class Net { } }", "namespace Nets { partial class Net<T>; }", "partial class Net;",
        $"namespace Nets {{ {ForeignReLU} }}", ForeignReLU, $"namespace Elsewhere {{ {ForeignReLU} }}", $"namespace Nets {{ class E {{ {ForeignReLU} }} }}", $"class E {{ {ForeignReLU} }}", "class E { class ReLUX : System.Attribute; }",
        "namespace Nets { class Model; }", "namespace Elsewhere { class Model; }", "class Model;", "namespace Nets { interface Model; }", "interface Model;", "namespace Nets { interface Model; } class Model;", "interface Model; namespace Elsewhere { class Model; }",
        "namespace Nets { partial class Net : System.Exception; }", "namespace Elsewhere { partial class Net : System.Exception; }", "namespace Nets { abstract partial class Net; }", "namespace Elsewhere { abstract partial class Net; }",
        "namespace Nets { [GELU] partial class Net; }", "namespace Elsewhere { [GELU] partial class Net; }", "namespace Nets.Inner { partial class Net { } }", "namespace Nets { partial class Holder { [GELU] partial class Net; } }",
        "static class Sizes { public const int Stem = 8; }", "static class Sizes { public const int Stem = 16; }", "namespace Nets { static class Sizes { public const int Stem = 24; } } static class Sizes { public const int Stem = 8; }", "namespace Elsewhere { static class Sizes { public const int Stem = 24; } }",
        "[ReLU] class Block;", "[GELU] class Block;", "namespace Nets { [Tanh] class Block; }", "namespace Elsewhere { [Tanh] class Block; }", "[Use<Deep>] class Block; namespace Nets { [GELU] class Deep; }", "[Use<Nets.Deep>] class Block; namespace Nets { [ReLU] class Deep; }",
        "namespace Nets { class Stream; }", "namespace Nets { class LoadOptions; }", "namespace Nets { enum Activation { SiLU } }", "enum Activation { SiLU }", "static class Values { public const EfficientConv.Dsl.Activation SiLU = EfficientConv.Dsl.Activation.Tanh; }",
        "static class Values { public const EfficientConv.Dsl.Activation SiLU = EfficientConv.Dsl.Activation.ReLU; }", "static class Members { public static int Activation => 1; }", "static class Members { public static class Activation { public const EfficientConv.Dsl.Activation SiLU = EfficientConv.Dsl.Activation.Tanh; } }",
        "namespace Nets { partial class Net { public int Cost => 1; } }", "namespace Nets { partial class Net { public Net() { } } }", "namespace Nets { partial class Outer { public partial class Net { public required int Depth { get; init; } } } }", "namespace Nets { class Outer; }",
        "namespace Nets.EfficientConv { class Inner; }", "namespace EfficientConv { class Dsl; }", "class EfficientConv;", "namespace Nets { class @InputShapeAttribute(int a, int b, int c) : System.Attribute; }", "int Activation = 1; System.Console.WriteLine(Activation);", "delegate void ReLU();",
    ];

    private static readonly string[] s_usings =
    [
        "global using EfficientConv.Dsl;", "global using EfficientConv.Dsl; global using ReLU = EfficientConv.Dsl.GELUAttribute;", "global using EfficientConv.Dsl; global using static Members;", "global using static Values; global using EfficientConv.Dsl;",
        "global using EfficientConv.Dsl; global using Elsewhere;", "global using EfficientConv.Dsl; global using Activation = Values;", "global using InputShape = EfficientConv.Dsl.InputShapeAttribute;", "", "global using Elsewhere; global using EfficientConv.Dsl; global using E = Elsewhere;",
    ];

    private static readonly string?[] s_libraries =
    [
        null, "public class Nothing;", ForeignReLU, $"namespace Nets {{ {ForeignReLU} }}", $"namespace Elsewhere {{ {ForeignReLU} }}", $"namespace EfficientConv.Dsl {{ {ForeignReLU} }}", $"namespace Nets {{ {ForeignReLU.Replace("public", "internal", StringComparison.Ordinal)} }}",
        $"[assembly: System.Runtime.CompilerServices.InternalsVisibleTo(\"UserProject\")] namespace Nets {{ {ForeignReLU.Replace("public", "internal", StringComparison.Ordinal)} }}", "namespace Nets { public class Model; }", "namespace Nets { public interface Model; }",
        "public class Model;", "namespace Nets { public enum Activation { SiLU } }", "namespace Nets { public static class Sizes { public const int Stem = 32; } }", "namespace Nets { public class Block; }", "namespace Nets { public class Stream; }", "namespace Nets.EfficientConv { public class Inner; }",
    ];

    private static readonly string?[] s_schedules = [null, Schedule, "{ broken", "{ \"version\": 1, \"schedules\": [] }"];

    private static readonly Dictionary<ProjectState, string> s_fresh = [];

    /// <summary>A network and what surrounds it before and after an edit. A text that begins with <c>library:</c> is a referenced project's, one with <c>usings:</c> the file of global usings.</summary>
    public static TheoryData<string, string, string> Edits => new()
    {
        { WithBase, "namespace Nets { interface Model; } class Model;", "namespace Elsewhere { interface Model; } class Model;" },
        { WithBase, "interface Model; namespace Elsewhere { class Model; }", "interface Model; namespace Nets { class Model; }" },
        { WithBase, "library:namespace Nets { public interface Model; }", "library:namespace Nets { public class Model; }" },
        { Plain, "namespace Elsewhere { partial class Net : System.Exception; }", "namespace Nets { partial class Net : System.Exception; }" },
        { Plain, "namespace Elsewhere { abstract partial class Net; }", "namespace Nets { abstract partial class Net; }" },
        { Plain, "namespace Elsewhere { [GELU] partial class Net; }", "namespace Nets { [GELU] partial class Net; }" },
        { Plain, "partial class Net { public Net() { } }", "namespace Nets { partial class Net { public Net() { } } }" },
        { Plain, "library:public class Nothing;", $"library:namespace Nets {{ {ForeignReLU} }}" },
        { Plain, "library:public class Nothing;", $"library:{ForeignReLU}" },
        { Plain, "library:public class Nothing;", $"library:namespace EfficientConv.Dsl {{ {ForeignReLU} }}" },
        { WithEnumeration, "library:public class Nothing;", "library:namespace Nets { public enum Activation { SiLU } }" },
        { WithQualifiedNames, "library:public class Nothing;", "library:namespace Nets.EfficientConv { public class Inner; }" },
        { WithAlias, "class Other;", $"namespace Nets {{ class E {{ {ForeignReLU} }} }}" },
        { WithMethod, "class Other;", "namespace Nets { class Stream; }" },
        { WithMethod, "library:public class Nothing;", "library:namespace Nets { public class Stream; }" },
        { WithEnumeration, "static class Values { public const EfficientConv.Dsl.Activation SiLU = EfficientConv.Dsl.Activation.Tanh; }usings:global using EfficientConv.Dsl; global using Activation = Values;", "static class Values { public const EfficientConv.Dsl.Activation SiLU = EfficientConv.Dsl.Activation.GELU; }usings:global using EfficientConv.Dsl; global using Activation = Values;" },
        { WithEnumeration, "static class Members { }usings:global using EfficientConv.Dsl; global using static Members;", "static class Members { public static int Activation => 1; }usings:global using EfficientConv.Dsl; global using static Members;" },
        { "[InputShape(4, 8, 8), LeakyReLU(0.0)] partial class Net;", "class Other;", "class Other;network:[InputShape(4, 8, 8), LeakyReLU(-0.0)] partial class Net;" },
        { "[InputShape(3, 8, 8), ImageInput(new[] { 0.0, 0, 0 }, new[] { 1.0, 1, 1 }), ReLU] partial class Net;", "class Other;", "class Other;network:[InputShape(3, 8, 8), ImageInput(new[] { -0.0, 0, 0 }, new[] { 1.0, 1, 1 }), ReLU] partial class Net;" },
        { WithEnumeration, "int x = 1;", "int Activation = 1;" },
        { WithEnumeration, "Call();", "Call(); void Activation() { } void Call() => Activation();" },
        { WithEnumeration, "int.TryParse(\"1\", out int x);", "int.TryParse(\"1\", out int Activation);" },
    };

    [Theory]
    [MemberData(nameof(Edits))]
    public void Edit_GivesWhatAFreshProcessGives_ThereAndBack(string network, string before, string after)
    {
        foreach (bool asProject in new[] { true, false })
        {
            ProjectState first = State(network, before) with { AsProject = asProject }, second = State(network, after) with { AsProject = asProject };
            Assert.NotEqual(Fresh(first), Fresh(second));

            EditedProject project = new(first);
            foreach (ProjectState state in new[] { second, first, second, second.With("More.cs", "class More;"), first.With("More.cs", "class More;"), first })
            {
                project.Edit(state);
                Assert.Equal(Fresh(state), project.Result);
            }
        }
    }

    /// <summary>Any file, reference or setting at a time, in any order.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void RandomEdits_GiveWhatAFreshProcessGives(int seed)
    {
        Random random = new(seed);
        ProjectState state = ProjectState.Of(Plain, s_others[0]);
        EditedProject project = new(state);
        for (int i = 0; i < 150; i++)
        {
            state = random.Next(12) switch
            {
                0 => state.With("File0.cs", Any(s_networks)),
                1 => state.With("Usings.cs", Any(s_usings)),
                2 or 3 => state with { Library = Any(s_libraries) },
                4 => state with { AsProject = !state.AsProject },
                5 => state with { Schedule = Any(s_schedules), StepTimes = random.Next(2) == 0 ? null : "true" },
                6 => state.With("File2.cs", Any(s_others)),
                7 => state with { Files = state.Files.Remove("File2.cs") },
                _ => state.With("File1.cs", Any(s_others)),
            };
            project.Edit(state);
            Assert.True(Fresh(state) == project.Result, $"edit {i}: {state.Library}\n{string.Join('\n', state.Files)}\n{Fresh(state)}\ninstead of\n{project.Result}");
        }

        T Any<T>(T[] values) => values[random.Next(values.Length)];
    }

    private static string Fresh(ProjectState state)
    {
        lock (s_fresh)
        {
            if (!s_fresh.TryGetValue(state, out string? result))
                s_fresh.Add(state, result = new EditedProject(state).Result);
            return result;
        }
    }

    private static ProjectState State(string network, string text)
    {
        (string rest, string? changed) = Split(text, "network:");
        (rest, string? usings) = Split(rest, "usings:");
        (rest, string? library) = Split(rest, "library:");
        ProjectState state = ProjectState.Of(changed ?? network, rest) with { Library = library };
        return usings is null ? state : state.With("Usings.cs", usings);

        static (string Before, string? Behind) Split(string text, string mark) => text.Split(mark) is [var before, var behind] ? (before, behind) : (text, null);
    }
}
