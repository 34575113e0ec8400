using System.Globalization;
using System.Text;
using EfficientConv.Dsl.Compiler.Cost;
using EfficientConv.Dsl.Compiler.Declarations;
using EfficientConv.Dsl.Compiler.Graph;

namespace EfficientConv.Dsl.Import;

/// <summary>The C# of an imported network: a line for each convolution with what follows it, and the map's size where it changes.</summary>
internal static class ClassText
{
    private const int Columns = 160;

    /// <summary>The file's text.</summary>
    public static string Write(ImportRequest request, Model source, LayerGraph graph, IReadOnlyList<AttributeDeclaration> attributes, IReadOnlyList<string> explained)
    {
        Compiler.Cost.NetworkCost cost = NetworkCostModel.Measure(graph);
        StringBuilder text = new();
        text.AppendLine(CultureInfo.InvariantCulture, $"// Imported from {Plain(source.File)} ({Plain(source.Producer)}, {source.Version}): {cost.Parameters:N0} parameters, {cost.MultiplyAdds:N0} multiply-adds.");
        foreach (string note in source.Notes)
            text.AppendLine(CultureInfo.InvariantCulture, $"// {Plain(note)}");
        if (request.Until.Count > 0)
            text.AppendLine(CultureInfo.InvariantCulture, $"// Cut behind {string.Join(", ", request.Until.Select(Plain))}.");
        foreach (IGrouping<string, string> rule in explained.GroupBy(line => line.Split(": ")[0]))
            text.AppendLine(CultureInfo.InvariantCulture, $"// {Plain(rule.Count() == 1 ? rule.First() : $"{rule.Key}: {rule.Count()} times")}");
        if (graph.IsChannelsLast)
            text.AppendLine("// Images and maps have their channels last, as the model's own tensors do.");
        text.AppendLine("using EfficientConv.Dsl;").AppendLine();
        if (request.Namespace.Length > 0)
            text.AppendLine(CultureInfo.InvariantCulture, $"namespace {string.Join('.', request.Namespace.Split('.').Select(Identifiers.Escape))};").AppendLine();
        text.AppendLine(CultureInfo.InvariantCulture, $"/// <summary>The network of {Plain(source.File).Replace("&", "&amp;", StringComparison.Ordinal).Replace("<", "&lt;", StringComparison.Ordinal)}.</summary>");
        Lines(text, graph, attributes);
        text.AppendLine(CultureInfo.InvariantCulture, $"public sealed partial class {Identifiers.Escape(request.Name)};");
        return text.ToString().ReplaceLineEndings("\n");
    }

    private static void Lines(StringBuilder text, LayerGraph graph, IReadOnlyList<AttributeDeclaration> attributes)
    {
        text.AppendLine(CultureInfo.InvariantCulture, $"[{AttributeText.Of(attributes[0])}]");
        List<string> line = [];
        int layer = 0, length = 0;
        Shape shown = graph.Input;
        foreach (AttributeDeclaration attribute in attributes.Skip(1))
        {
            bool isLayer = attribute.Kind is not ("From" or "Output");
            string written = AttributeText.Of(attribute);
            bool begins = attribute.Kind == "From" || (isLayer && graph.Layers[layer + 1].Operator.Kind is OperatorKind.Convolution or OperatorKind.Pooling);
            if (line.Count > 0 && ((begins && line[^1] is var last && !last.StartsWith("From(", StringComparison.Ordinal)) || length + written.Length > Columns))
                Flush();
            line.Add(written);
            length += written.Length + 2;
            if (isLayer)
                layer++;
        }

        Flush();

        void Flush()
        {
            Shape shape = graph.Layers[layer].Output;
            text.Append('[').AppendJoin(", ", line).Append(']');
            if (shape != shown)
                text.Append(CultureInfo.InvariantCulture, $" // {shape}");
            text.AppendLine();
            (shown, length) = (shape, 0);
            line.Clear();
        }
    }

    /// <summary>Text of the model's as it may stand in a comment.</summary>
    private static string Plain(string text) => string.Concat(text.Select(c => char.IsControl(c) || c is '\u2028' or '\u2029' or '\u0085' ? ' ' : c));
}
