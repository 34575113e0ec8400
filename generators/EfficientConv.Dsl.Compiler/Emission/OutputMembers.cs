using System.Text;
using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Model;
using static EfficientConv.Dsl.Compiler.Emission.SourceText;

namespace EfficientConv.Dsl.Compiler.Emission;

/// <summary>Prints what tells the user of a network's outputs.</summary>
internal static class OutputMembers
{
    private const string OutputTensor = "global::EfficientConv.Dsl.OutputTensor";

    /// <summary>A property for each output that has a name, and for several that are one, in the user's class: its name, its documentation, and where the program has it.</summary>
    public static IEnumerable<(string Name, string Summary, string Place)> Of(LayerGraph? graph)
    {
        if (graph is null || (graph.NamedOutputs.Count < 2 && graph.Outputs[0].Name == LayerGraph.DefaultOutput))
            yield break;
        HashSet<string> taken = [];
        for (int i = 0; i < graph.Outputs.Count; i++)
            yield return (Free(graph.Outputs[i].Name), $"The output \"{graph.Outputs[i].Name}\": {graph.Layers[graph.Outputs[i].Layer].Output}.", Text($"Outputs[{i}]"));
        Group[] groups = [.. Groups(graph)];
        for (int i = 0; i < groups.Length; i++)
        {
            string parts = string.Join(", ", graph.Outputs.Skip(groups[i].First).Take(groups[i].Count).Select(output => $"\"{output.Name}\""));
            yield return (Free(groups[i].Name), $"The outputs {parts} as one.", Text($"JoinedOutputs[{i}]"));
        }

        string Free(string name)
        {
            string identifier = Identifier(name);
            for (int n = 2; !taken.Add(identifier); n++)
                identifier = Text($"{Identifier(name)}{n}");
            return identifier + GeneratedMembers.OutputSuffix;
        }
    }

    /// <summary>The tables that the properties read.</summary>
    public static void EmitTables(SourceWriter writer, LayerGraph graph)
    {
        List<long> offsets = [0];
        foreach (NetworkOutput output in graph.Outputs)
            offsets.Add(offsets[offsets.Count - 1] + graph.Layers[output.Layer].Output.Count);
        Emit("s_outputs", graph.Outputs.Select((output, i) => (output.Name, graph.Layers[output.Layer].Output, offsets[i])));
        if (!Groups(graph).Any())
            return;
        writer.Line();
        Emit("s_joinedOutputs", Groups(graph).Select(group => (group.Name, new Shape(Length(group), 1, 1), offsets[group.First])));
        writer.Line();
        writer.Line($"public static global::System.ReadOnlySpan<{OutputTensor}> JoinedOutputs => s_joinedOutputs;");

        int Length(Group group) => (int)(offsets[group.First + group.Count] - offsets[group.First]);

        void Emit(string table, IEnumerable<(string Name, Shape Shape, long Offset)> rows)
        {
            writer.Line($"private static readonly {OutputTensor}[] {table} =");
            using (writer.Braces("[", "];"))
            {
                foreach ((string name, Shape shape, long offset) in rows)
                    writer.Line($"new({PlainText.Quote(name)}, {MembersEmitter.ShapeText(shape)}, {offset}),");
            }
        }
    }

    /// <summary>Outputs one after the other whose names are the same up to their last dot: "boxes.0" and "boxes.1" are "boxes" too.</summary>
    private static IEnumerable<Group> Groups(LayerGraph graph)
    {
        string[] names = [.. graph.Outputs.Select(output => output.Name.Substring(0, Math.Max(output.Name.LastIndexOf('.'), 0)))];
        for (int first = 0, count; first < names.Length; first += count)
        {
            count = names.Skip(first).TakeWhile(name => name == names[first]).Count();
            if (count > 1 && names[first].Length > 0)
                yield return new Group(names[first], first, count);
        }
    }

    /// <summary>Outputs that are one.</summary>
    private sealed record Group(string Name, int First, int Count);

    /// <summary>"p3-mask" to P3Mask.</summary>
    private static string Identifier(string name)
    {
        StringBuilder text = new();
        bool first = true;
        foreach (char c in name)
        {
            if (!char.IsLetterOrDigit(c))
            {
                first = true;
                continue;
            }

            if (text.Length == 0 && char.IsDigit(c))
                text.Append('_');
            text.Append(first ? char.ToUpperInvariant(c) : c);
            first = false;
        }

        // A name of one of the other members, or nothing but signs.
        return text.Length == 0 ? "_" : text.ToString();
    }
}
