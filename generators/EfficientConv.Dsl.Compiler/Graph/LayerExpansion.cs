using EfficientConv.Dsl.Compiler.Graph.Blocks;

namespace EfficientConv.Dsl.Compiler.Graph;

/// <summary>One attribute to its layers: plain layers to one by <see cref="OperatorCatalog"/>, blocks by <see cref="BlockCatalog"/>.</summary>
internal static class LayerExpansion
{
    public static void Expand(GraphBuilder builder, AttributeReader reader, TensorKey key)
    {
        if (!OperatorCatalog.Attributes.TryGetValue(reader.Kind, out Func<AttributeReader, Shape, TensorKey, Operator?>? read))
        {
            BlockCatalog.Of(reader.Kind).Expand(builder, reader, key);
        }
        else if (read(reader, builder.Shape, key) is { } op && !builder.Failed)
        {
            builder.Add(reader.Name, op, reader.Origin(string.Empty));
        }
    }
}
