using EfficientConv.Dsl.Compiler.Findings;
using EfficientConv.Dsl.Compiler.Model;

namespace EfficientConv.Dsl.Compiler.Graph;

/// <summary>Attributes that lead tensors to each other. They are no modules: they have no index in <c>torch.nn.Sequential</c>.</summary>
internal static class GraphExpansion
{
    public static bool Handles(string kind) => kind is "From" or "Add" or "Multiply" or "Concat" or "SliceChannels" or "Output";

    public static void Expand(GraphBuilder builder, AttributeReader reader, TensorNames names)
    {
        LayerOrigin origin = reader.Origin(string.Empty);
        switch (reader.Kind)
        {
            case "From":
                if (Find("tensor") is { } source)
                    builder.ContinueFrom(source);
                break;

            case "Add":
                if (Find("tensor") is { } other && (Pads(other) || SameShape(builder, reader, other)))
                    builder.Add(reader.Name, new AddOperator(Pads(other)), origin, builder.Current, other);
                break;

            case "Multiply":
                if (Find("tensor") is { } factor)
                    Multiply(builder, reader, factor);
                break;

            case "Output":
                Output(builder, reader);
                break;

            case "Concat":
                Concat(builder, reader, names);
                break;

            case "SliceChannels":
            {
                SliceOperator slice = new(reader.NotNegative("start", 0), reader.Positive("count", 1));
                if (!builder.Failed)
                    builder.Add(reader.Name, slice, origin);
                break;
            }

            default:
                throw new InvalidOperationException($"The attribute {reader.Kind} leads to no tensor.");
        }

        bool Pads(int other) => reader.Bool("padChannels", false) && builder.Shape != builder.ShapeOf(other) && AddOperator.HasOneSize(builder.Shape, builder.ShapeOf(other));

        int? Find(string argument) => names.Find(builder, reader, argument, reader.Attribute.Text(argument) ?? string.Empty);
    }

    private static void Multiply(GraphBuilder builder, AttributeReader reader, int other)
    {
        Shape left = builder.Shape, right = builder.ShapeOf(other);
        LayerOrigin origin = reader.Origin(string.Empty);
        if (left == right)
            builder.Add(reader.Name, new MultiplyOperator(), origin, builder.Current, other);
        else if (left.Channels == right.Channels && right.Pixels == 1)
            builder.Add(reader.Name, new ScaleOperator(), origin, builder.Current, other);
        else if (left.Channels == right.Channels && left.Pixels == 1)
            builder.Add(reader.Name, new ScaleOperator(), origin, other, builder.Current);
        else
            SameShape(builder, reader, other, "multiplies", "and");
    }

    private static void Output(GraphBuilder builder, AttributeReader reader)
    {
        string name = reader.Attribute.Text("output") ?? string.Empty;
        if (!SequenceExpansion.IsName(name))
            reader.Invalid("output", $"'{name}'", "letters, digits, '_', '-' and '.'");
        else if (!builder.AddOutput(name))
            builder.Report(RuleCatalog.DuplicateName, reader.Index, "output", $"Output \"{name}\" has the name of an output further up (a name may be given once)");
    }

    private static bool SameShape(GraphBuilder builder, AttributeReader reader, int other, string verb = "adds", string preposition = "to")
    {
        Shape left = builder.Shape, right = builder.ShapeOf(other);
        if (left == right)
            return true;
        string rule = reader.Kind == "Add" && AddOperator.HasOneSize(left, right)
            ? "both shapes must be equal; with padChannels: true the channels that one lacks are zeros"
            : "both shapes must be equal";
        builder.Report(
            RuleCatalog.ImpossibleShortcut, reader.Index, "tensor",
            $"{reader.Kind} \"{reader.Name}\" {verb} \"{reader.Attribute.Text("tensor")}\" of {right} {preposition} {left}: {ShapeDifference.Describe(builder.Layers, builder.Current, other)} ({rule})",
            ShapeDifference.Fix(builder.Layers, builder.Current, other));
        return false;
    }

    private static void Concat(GraphBuilder builder, AttributeReader reader, TensorNames names)
    {
        EquatableArray<string> tensors = reader.Attribute.Texts("tensors");
        if (tensors.Count == 0)
            reader.Invalid("tensors", "no name", "the names of one tensor or more");
        List<int> inputs = [builder.Current];
        Shape first = builder.Shape;
        for (int i = 0; i < tensors.Count; i++)
        {
            string argument = FormattableString.Invariant($"tensors[{i}]");
            if (names.Find(builder, reader, argument, tensors[i]) is not { } other)
                return;
            Shape shape = builder.ShapeOf(other);
            if (shape.Height != first.Height || shape.Width != first.Width)
            {
                builder.Report(
                    RuleCatalog.ImpossibleConcat, reader.Index, argument,
                    $"{reader.Kind} \"{reader.Name}\" joins \"{tensors[i]}\" of {shape} to {first}: {ShapeDifference.Describe(builder.Layers, inputs[0], other)} (heights and widths must be equal)");
                return;
            }

            inputs.Add(other);
        }

        builder.Add(reader.Name, new ConcatOperator(), reader.Origin(string.Empty), [.. inputs]);
    }
}
