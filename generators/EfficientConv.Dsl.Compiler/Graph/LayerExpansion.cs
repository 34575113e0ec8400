namespace EfficientConv.Dsl.Compiler.Graph;

/// <summary>One attribute to its layers: plain layers to one by <see cref="OperatorCatalog"/>, blocks by <see cref="BlockExpansion"/>.</summary>
internal static class LayerExpansion
{
    public static void Expand(GraphBuilder builder, AttributeReader reader, TensorKey key)
    {
        if (!OperatorCatalog.Attributes.TryGetValue(reader.Kind, out Func<AttributeReader, Shape, TensorKey, Operator?>? read))
        {
            if (!BlockExpansion.Expand(builder, reader, key))
                throw new InvalidOperationException($"The attribute {reader.Kind} has no expansion.");
        }
        else if (read(reader, builder.Shape, key) is { } op && !builder.Failed)
        {
            builder.Add(reader.Name, op, reader.Origin(string.Empty));
        }
    }

    /// <summary><c>outChannels</c>, or as many as come in.</summary>
    public static int Channels(GraphBuilder builder, AttributeReader reader) => reader.OutChannels(builder.Shape);
}
