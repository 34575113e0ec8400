using EfficientConv.Dsl.Compiler.Declarations;
using EfficientConv.Dsl.Compiler.Graph;

namespace EfficientConv.Dsl.Compiler.Emission;

/// <summary>A public member that the generator adds to the user's class.</summary>
/// <param name="Type">Its type.</param>
/// <param name="Name">Its name.</param>
/// <param name="Summary">What it is, for its documentation.</param>
/// <param name="Body">The expression that it returns.</param>
/// <param name="Parameters">A method's parameters as they are written; null for a property.</param>
/// <param name="IsStatic">Whether it belongs to the class.</param>
/// <param name="IsOfInterface">Whether <c>IConvNet</c> demands it.</param>
internal sealed record GeneratedMember(string Type, string Name, string Summary, string Body, string? Parameters = null, bool IsStatic = false, bool IsOfInterface = true)
{
    /// <summary>The declaration after its modifiers, without the body.</summary>
    /// <param name="prefix">The interface and a dot where it is implemented explicitly.</param>
    public string Declaration(string prefix = "") => $"{(IsStatic ? "static " : string.Empty)}{Type} {prefix}{Name}{(Parameters is null ? string.Empty : $"({Parameters})")}";

    /// <summary>In front of a property's name, the method that the C# compiler makes of it.</summary>
    public const string Accessor = "get_";

    /// <summary>Whether a class of that name cannot have it.</summary>
    public bool ClashesWith(string className) => className == Name || (Parameters is null && className == Accessor + Name);

    /// <summary>Whether a class with <paramref name="own"/> cannot have it.</summary>
    public bool ClashesWith(OwnMember own) => Parameters is null
        ? own.Name == Name || (own.Name == Accessor + Name && own.Signature is null or "")
        : own.Name == Name && (own.Signature is null || own.Signature == Signature);

    private string Signature => string.Join(", ", Parameters!.Split([", "], StringSplitOptions.None).Select(parameter => parameter.Split(' ')[0].TrimEnd('?')));
}

/// <summary>All members that a network's class gets.</summary>
public static class GeneratedMembers
{
    /// <summary>The field with the weights.</summary>
    internal const string Engine = "_efficientConvEngine";

    /// <summary>After the name of an output, the property that describes it.</summary>
    internal const string OutputSuffix = "Output";

    private const string Dsl = "global::EfficientConv.Dsl.";
    private const string Options = $"{Dsl}LoadOptions? options = null";

    private static readonly HashSet<string> Names = [.. Of("Net", string.Empty, string.Empty, null, takesImages: true, timesSteps: true).Select(member => member.Name), Engine];

    /// <summary>Whether a member of the user's that is called <paramref name="name"/> may be in the way of a generated one; which there are depends on the network.</summary>
    public static bool MayClash(string name) =>
        Names.Contains(name) || name.EndsWith(OutputSuffix, StringComparison.Ordinal)
        || (name.StartsWith(GeneratedMember.Accessor, StringComparison.Ordinal) && MayClash(name.Substring(GeneratedMember.Accessor.Length)));

    /// <summary>The members of <paramref name="type"/> with its <paramref name="graph"/>, or, where it has none, those that every network has.</summary>
    internal static IReadOnlyList<GeneratedMember> Of(GeneratedType type, LayerGraph? graph, string className, bool takesImages, bool timesSteps)
    {
        string program = $"global::{FileHeader.GeneratedNamespace}.{className}_Program";
        return [.. Of(Identifiers.Escape(type.Name), program, EngineOf(program), graph, takesImages, timesSteps)];
    }

    /// <summary>The runtime's engine of a program.</summary>
    internal static string EngineOf(string program) => $"{Dsl}Runtime.ConvNetEngine<{program}>";

    private static IEnumerable<GeneratedMember> Of(string self, string program, string engine, LayerGraph? graph, bool takesImages, bool timesSteps)
    {
        const string Floats = "global::System.ReadOnlySpan<float> input, global::System.Span<float> output";
        yield return Static($"{Dsl}TensorShape", "InputShape", "Shape of one input image.", graph is null ? string.Empty : MembersEmitter.ShapeText(graph.Input));
        yield return Static($"{Dsl}TensorShape", "OutputShape", "Shape of one image's output.", graph is null ? string.Empty : MembersEmitter.ShapeText(graph.OutputSpan));
        yield return Static($"global::System.ReadOnlySpan<{Dsl}OutputTensor>", "Outputs", "The outputs in the order in which they lie in the output span.", $"{program}.Outputs");
        foreach ((string name, string summary, string place) in OutputMembers.Of(graph))
            yield return Static($"{Dsl}OutputTensor", name, summary, $"{program}.{place}") with { IsOfInterface = false };
        yield return Static(
            $"{Dsl}TensorLayout", "Layout", "Layout of the spans that <c>Forward</c> takes.", $"{Dsl}TensorLayout.{(graph?.IsChannelsLast == true ? "NHWC" : "NCHW")}");
        yield return Static($"{Dsl}NetworkCost", "Cost", "Parameters, multiply-adds and memory, in total and layer by layer.", $"{program}.Cost");
        yield return Static($"global::System.ReadOnlySpan<{Dsl}TensorSpec>", "Parameters", "The tensors that a checkpoint must hold.", $"{program}.Parameters");

        yield return Factory("Load", "Loads the weights of a safetensors file.", "string path", "path");
        yield return Factory("Load", "Loads the weights of a safetensors stream.", "global::System.IO.Stream stream", "stream");
        yield return Factory("Load", "Loads the weights of a safetensors file in memory.", "global::System.ReadOnlySpan<byte> safetensors", "safetensors");
        yield return Factory(
            "LoadResource", "Loads the weights of a safetensors file embedded in an assembly.", "global::System.Reflection.Assembly assembly, string name", "assembly, name");
        yield return Factory("LoadPacked", "Maps a file that <c>SavePacked</c> wrote: nothing is folded, packed or copied.", "string path", "path");
        yield return Factory("CreateRandom", "Random weights, the same for the same seed on every machine: for tests and benchmarks.", "int seed", "seed");

        yield return new($"{Dsl}InstructionSet", "InstructionSet", "The instruction set in use.", $"{Engine}.InstructionSet");
        yield return new("long", "WorkspaceBytes", "Bytes of workspace for one call of one thread.", $"{Engine}.WorkspaceBytes");
        yield return new("long", "PackedWeightBytes", "Bytes of packed weights.", $"{Engine}.PackedWeightBytes");
        yield return new("void", "SavePacked", "Writes the weights as the kernels read them, for <c>LoadPacked</c>.", $"{Engine}.SavePacked(path)", "string path");
        yield return new(
            "void", "Forward",
            "Runs one image: exactly InputShape's and OutputShape's element counts. Safe from many threads at once; allocates nothing once warm.", $"{Engine}.Forward(input, output)", Floats);
        yield return new(
            "void", "Forward",
            "Runs <paramref name=\"batch\"/> images, one after the other in both spans, on up to <paramref name=\"threads\"/> threads; " +
            "the same bits whatever their number.",
            $"{Engine}.Forward(batch, input, output, threads)", $"int batch, {Floats}, int threads = 1");
        if (takesImages)
        {
            yield return new(
                "void", "Forward",
                "Runs one 8-bit image of InputShape's height and width, <paramref name=\"stride\"/> bytes from row to row; " +
                "the bits of <c>Forward</c> with the floats that <c>ImageInput</c> makes of it.",
                $"{Engine}.Forward(pixels, format, stride, output, threads)",
                $"global::System.ReadOnlySpan<byte> pixels, {Dsl}PixelFormat format, int stride, global::System.Span<float> output, int threads = 1", IsOfInterface: false);
        }

        if (timesSteps)
        {
            yield return new(
                MembersEmitter.StepTimesType, "StepTimes",
                "Each step of the last run and what it took, until all its threads were done; of use where one image runs at a time. " +
                "There because the project sets EfficientConvStepTimes.",
                $"{program}.StepTimes({Engine}.InstructionSet)", IsOfInterface: false);
        }

        static GeneratedMember Static(string type, string name, string summary, string body) => new(type, name, summary, body, IsStatic: true);

        GeneratedMember Factory(string name, string summary, string parameters, string arguments) =>
            new(self, name, summary, $"new({engine}.{name}({arguments}, options))", $"{parameters}, {Options}", IsStatic: true);
    }
}
