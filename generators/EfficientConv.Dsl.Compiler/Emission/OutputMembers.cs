using System.Text;
using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Model;

namespace EfficientConv.Dsl.Compiler.Emission;

/// <summary>Prints what tells the user of a network's outputs.</summary>
internal static class OutputMembers
{
    private const string OutputTensor = "global::EfficientConv.Dsl.OutputTensor";

    /// <summary>A property for each output that has a name, in the user's class: its name, its documentation and which output it is.</summary>
    public static IEnumerable<(string Name, string Summary, int Index)> Of(LayerGraph? graph)
    {
        if (graph is null || (graph.NamedOutputs.Count < 2 && graph.Outputs[0].Name == LayerGraph.DefaultOutput))
            yield break;
        HashSet<string> taken = [];
        for (int i = 0; i < graph.Outputs.Count; i++)
        {
            NetworkOutput output = graph.Outputs[i];
            string identifier = Identifier(output.Name);
            for (int n = 2; !taken.Add(identifier); n++)
                identifier = FormattableString.Invariant($"{Identifier(output.Name)}{n}");
            yield return (identifier + GeneratedMembers.OutputSuffix, $"The output \"{output.Name}\": {graph.Layers[output.Layer].Output}.", i);
        }
    }

    /// <summary>The table that the properties read.</summary>
    public static void EmitTable(SourceWriter writer, LayerGraph graph)
    {
        writer.Line($"private static readonly {OutputTensor}[] s_outputs =");
        writer.Open('[');
        long offset = 0;
        foreach (NetworkOutput output in graph.Outputs)
        {
            Shape shape = graph.Layers[output.Layer].Output;
            writer.Line($"new({PlainText.Quote(output.Name)}, {MembersEmitter.ShapeText(shape)}, {offset}),");
            offset += shape.Count;
        }

        writer.CloseWith("];");
    }

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
