using System.Globalization;
using System.Text;
using EfficientConv.Dsl.Compiler.Cost;
using EfficientConv.Dsl.Compiler.Declarations;
using EfficientConv.Dsl.Compiler.Graph;

namespace EfficientConv.Dsl.Import;

/// <summary>The C# of an imported network: a line for each block or group of layers that read each other alone, and the map's size where it changes.</summary>
internal static class ClassText
{
    private const int Columns = 168;

    private const string Depthwise = "DepthwiseConv2d";

    /// <summary>The file's text.</summary>
    public static string Write(ImportRequest request, Model source, LayerGraph graph, WrittenGraph written, IReadOnlyList<string> explained)
    {
        Compiler.Cost.NetworkCost cost = NetworkCostModel.Measure(graph);
        StringBuilder text = new();
        string producer = source.Producer.Length > 0 ? Plain(source.Producer) + ", " : string.Empty;
        text.AppendLine(CultureInfo.InvariantCulture, $"// Imported from {Plain(source.File)} ({producer}{source.Version}): {cost.Parameters:N0} parameters, {cost.MultiplyAdds:N0} multiply-adds.");
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
        Templates(text, written);
        text.AppendLine(CultureInfo.InvariantCulture, $"/// <summary>The network of {Plain(source.File).Replace("&", "&amp;", StringComparison.Ordinal).Replace("<", "&lt;", StringComparison.Ordinal)}.</summary>");
        Lines(text, graph, written);
        text.AppendLine(CultureInfo.InvariantCulture, $"public sealed partial class {Identifiers.Escape(request.Name)};");
        return text.ToString().ReplaceLineEndings("\n");
    }

    /// <summary>The classes that the network places, those that another one holds before it.</summary>
    private static void Templates(StringBuilder text, WrittenGraph written)
    {
        foreach (TemplateDeclaration template in written.Attributes.SelectMany(Inside).Distinct())
        {
            List<AttributeDeclaration> line = [];
            for (int i = 0; i < template.Attributes.Count; i++)
            {
                AttributeDeclaration attribute = template.Attributes[i];
                if (line.Count > 0 && (attribute.Kind == "From" || line.Append(attribute).Sum(part => AttributeText.Of(part).Length + 2) > Columns
                    || (BeginsPart(attribute) && line.Exists(BeginsPart))))
                    Flush();
                line.Add(attribute);
            }

            Flush();
            text.AppendLine(CultureInfo.InvariantCulture, $"file sealed class {template.Name};").AppendLine();

            void Flush()
            {
                text.Append('[').AppendJoin(", ", line.Select(AttributeText.Of)).AppendLine("]");
                line.Clear();
            }
        }

        static bool BeginsPart(AttributeDeclaration attribute) => IsConvolution(attribute) || attribute.Kind == "Use";

        static IEnumerable<TemplateDeclaration> Inside(AttributeDeclaration attribute) =>
            attribute.Template is { } template ? [.. template.Attributes.SelectMany(Inside), template] : [];
    }

    private static void Lines(StringBuilder text, LayerGraph graph, WrittenGraph written)
    {
        text.AppendLine(CultureInfo.InvariantCulture, $"[{AttributeText.Of(written.Attributes[0])}]");
        bool[] isReadLater = ReadLater(graph);
        List<int> line = [];
        int length = 0;
        Shape shown = graph.Input;
        for (int i = 1; i < written.Attributes.Count; i++)
        {
            int size = AttributeText.Of(written.Attributes[i]).Length + 2;
            if (line.Count > 0 && (length + size > Columns || Begins(written, i, line, isReadLater[written.Places[i - 1].Layer])))
                Flush(written.Places[i - 1].Layer);
            line.Add(i);
            length += size;
        }

        Flush(written.Places[written.Places.Count - 1].Layer);

        void Flush(int layer)
        {
            Shape shape = graph.Layers[layer].Output;
            text.Append('[').AppendJoin(", ", line.Select(i => AttributeText.Of(written.Attributes[i]))).Append(']');
            if (shape != shown)
                text.Append(CultureInfo.InvariantCulture, $" // {shape}");
            text.AppendLine();
            (shown, length) = (shape, 0);
            line.Clear();
        }
    }

    /// <summary>Layers that somebody reads beside the next one: there a branch begins.</summary>
    private static bool[] ReadLater(LayerGraph graph)
    {
        bool[] later = new bool[graph.Layers.Count];
        foreach ((int input, int reader) in graph.Layers.SelectMany(layer => layer.Inputs.Select(input => (input, layer.Id))))
            later[input] |= reader != input + 1;
        return later;
    }

    /// <summary>
    /// Whether an attribute begins a line: where a branch begins, a block, a pooling, and a convolution, unless it is the 1x1 one before or after the line's depthwise one.
    /// </summary>
    private static bool Begins(WrittenGraph written, int attribute, List<int> line, bool isBranch)
    {
        string kind = written.Attributes[attribute].Kind;
        if (kind == "From" || written.Attributes[line[^1]].Kind == "From")
            return kind == "From";
        if (written.Places[attribute].IsBlock || kind is "MaxPool2d" or "AvgPool2d" or "GlobalAvgPool" or "Concat")
            return true;
        if (!IsConvolution(attribute))
            return false;
        int last = line.FindLast(before => IsConvolution(before) || written.Places[before].IsBlock);
        string before = last == 0 ? string.Empty : written.Attributes[last].Kind;
        return (isBranch && line.Count > 1) || (last != 0 && (isBranch || (kind == Depthwise ? before != "PointwiseConv2d" || line.Any(i => written.Attributes[i].Kind == Depthwise) : before != Depthwise)));

        bool IsConvolution(int i) => ClassText.IsConvolution(written.Attributes[i]);
    }

    private static bool IsConvolution(AttributeDeclaration attribute) => attribute.Kind is "Conv2d" or "PointwiseConv2d" or Depthwise or "ConvTranspose2d";

    /// <summary>Text of the model's as it may stand in a comment.</summary>
    private static string Plain(string text) => string.Concat(text.Select(c => char.IsControl(c) || c is '\u2028' or '\u2029' or '\u0085' ? ' ' : c));
}
