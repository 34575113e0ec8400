namespace EfficientConv.Dsl.Compiler.Graph;

/// <summary>One attribute to its layers: plain layers to one by <see cref="OperatorCatalog"/>, blocks by <see cref="BlockExpansion"/>.</summary>
internal static class LayerExpansion
{
    public static void Expand(GraphBuilder builder, AttributeReader reader, TensorKey key)
    {
        if (OperatorCatalog.Attributes.TryGetValue(reader.Kind, out Func<AttributeReader, Shape, TensorKey, Operator?>? read))
            Add(read(reader, builder.Shape, key));
        else if (!BlockExpansion.Expand(builder, reader, key))
            Add(Activation(reader, key));

        void Add(Operator? op)
        {
            if (op is not null && !builder.Failed)
                builder.Add(reader.Name, op, reader.Origin(string.Empty));
        }
    }

    /// <summary><c>outChannels</c>, or as many as come in.</summary>
    public static int Channels(GraphBuilder builder, AttributeReader reader) => reader.OutChannels(builder.Shape);

    private static Operator Activation(AttributeReader reader, TensorKey key)
    {
        if (reader.Kind == "Activation")
        {
            ActivationKind kind = reader.Enumeration("kind", ActivationKind.None);
            return kind == ActivationKind.PReLU ? new PReLUOperator(key, 1) : new ActivationOperator(AttributeReader.Function(kind, reader.Attribute.Double("Slope", 0.01)));
        }

        // The shorthands of the activations are named as the functions.
        return Enum.TryParse(reader.Kind, out ActivationKind shorthand)
            ? new ActivationOperator(AttributeReader.Function(shorthand, reader.Attribute.Double("slope", 0.01)))
            : throw new InvalidOperationException($"The attribute {reader.Kind} has no expansion.");
    }
}
