using EfficientConv.Dsl.Compiler.Declarations;
using EfficientConv.Dsl.Compiler.Graph.Keys;

namespace EfficientConv.Dsl.Compiler.Graph;

/// <summary>A list of attributes to layers: modules one behind the other, as <c>torch.nn.Sequential</c> numbers them, and the graph attributes between.</summary>
internal static class SequenceExpansion
{
    /// <summary>Expands <paramref name="attributes"/>; <paramref name="indices"/> are their numbers in findings.</summary>
    public static void Expand(GraphBuilder builder, IReadOnlyList<AttributeDeclaration> attributes, IReadOnlyList<int> indices)
    {
        TensorNames names = new(builder.Failed ? -1 : builder.Current);
        int module = 0;
        for (int i = 0; i < attributes.Count && !builder.Failed; i++)
        {
            AttributeDeclaration attribute = attributes[i];
            builder.Attribute = attribute;
            if (attribute.Kind == KeyScheme.StageMark)
            {
                builder.Keys.Next(attribute, builder.Shape);
                continue;
            }

            bool isModule = !GraphExpansion.Handles(attribute.Kind);
            string index = FormattableString.Invariant($"{(isModule ? module : i)}"), label = isModule ? index : attribute.Kind + index;
            string? given = attribute.Text("Name");
            bool valid = given is null || IsName(given);
            AttributeReader reader = new(builder, attribute, indices[i], valid ? given ?? label : label);
            if (!valid)
                reader.Invalid("Name", $"'{new string(given!.Where(c => !char.IsControl(c)).ToArray())}'", "letters, digits, '_', '-' and '.', because checkpoint keys are made of it");
            if (isModule)
            {
                LayerExpansion.Expand(builder, reader, new TensorKey(builder.Keys.Next(attribute, builder.Shape), given ?? index));
                module++;
            }
            else
            {
                GraphExpansion.Expand(builder, reader, names);
            }

            if (given is not null && valid)
                names.Define(builder, reader, given);
        }
    }

    private static bool IsName(string name) => name.Length > 0 && name.All(c => char.IsLetterOrDigit(c) || c is '_' or '-' or '.');
}
