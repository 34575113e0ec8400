using EfficientConv.Dsl.Compiler.Declarations;
using EfficientConv.Dsl.Compiler.Findings;
using EfficientConv.Dsl.Compiler.Graph.Keys;
using EfficientConv.Dsl.Compiler.Model;

namespace EfficientConv.Dsl.Compiler.Graph;

/// <summary>A list of attributes to layers: modules one after the other, as <c>torch.nn.Sequential</c> numbers them, and the graph attributes between.</summary>
internal static class SequenceExpansion
{
    /// <summary>Templates inside templates multiply: more layers than this are surely a mistake.</summary>
    private const int MaxLayers = 20_000;

    /// <summary>Expands <paramref name="attributes"/>; <paramref name="indices"/> are their numbers in findings.</summary>
    public static void Expand(GraphBuilder builder, IReadOnlyList<AttributeDeclaration> attributes, IReadOnlyList<int> indices) =>
        Expand(builder, attributes, indices, default, null);

    /// <summary>The attributes that are modules, and the stage marks, with those of templates in place of each <c>Use</c>.</summary>
    public static IEnumerable<AttributeDeclaration> Modules(IEnumerable<AttributeDeclaration> attributes) => Flatten(attributes).Take(MaxLayers);

    /// <summary>Whether <paramref name="name"/> may be part of a checkpoint key.</summary>
    public static bool IsName(string name) => name.Length > 0 && name.All(c => char.IsLetterOrDigit(c) || c is '_' or '-' or '.');

    private static IEnumerable<AttributeDeclaration> Flatten(IEnumerable<AttributeDeclaration> attributes)
    {
        foreach (AttributeDeclaration attribute in attributes)
        {
            if (GraphExpansion.Handles(attribute.Kind))
                continue;
            if (attribute.Kind != TemplateParameters.Use)
            {
                yield return attribute;
                continue;
            }

            // A template with a problem is reported when its place comes.
            int copies = attribute.Template is { Problem: null, Attributes.Count: > 0 } ? attribute.Int("repeat", 1) : 0;
            for (int copy = 0; copy < copies; copy++)
            {
                foreach (AttributeDeclaration inner in Flatten(attribute.Template!.Attributes))
                    yield return inner;
            }
        }
    }

    private static void Expand(GraphBuilder builder, IReadOnlyList<AttributeDeclaration> attributes, IReadOnlyList<int> indices, TensorKey prefix, string? template)
    {
        TensorNames names = new(builder.Failed ? -1 : builder.Current);
        bool single = attributes.Count(a => a.Kind != KeyScheme.StageMark) == 1;
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

            // A template of one module is that module, not a torch.nn.Sequential of one.
            bool only = single && prefix.Canonical is not null && given is null;
            string canonical = only ? prefix.Canonical! : Join(prefix.Canonical, valid ? given ?? label : label);
            AttributeReader reader = new(builder, attribute, indices[i], canonical, template is null ? null : new TemplatePart(template, i, attribute));
            if (!valid)
                reader.Invalid("Name", $"'{given}'", "letters, digits, '_', '-' and '.', because checkpoint keys are made of it");
            if (template is null && attribute.Arguments.FirstOrDefault(argument => TemplateParameters.Find(argument.Value) is not null) is { } parameter)
                reader.Invalid(parameter.Name, TemplateParameters.Text(TemplateParameters.Find(parameter.Value)!), "a number: only a class that Use places has parameters");
            if (builder.Failed)
                return;
            if (isModule)
            {
                string positional = single ? prefix.Key ?? string.Empty : Join(prefix.Key, index);
                if (attribute.Kind == TemplateParameters.Use)
                    Use(builder, reader, new TensorKey(positional, canonical));
                else
                    LayerExpansion.Expand(builder, reader, new TensorKey(builder.Keys.Next(attribute, builder.Shape) ?? positional, canonical));
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

    private static void Use(GraphBuilder builder, AttributeReader reader, TensorKey key)
    {
        int repeat = reader.Positive("repeat", 1);
        TemplateDeclaration template = reader.Attribute.Template ?? new TemplateDeclaration(string.Empty, [], "is not a class");
        string? problem = template.Problem ?? (template.Attributes.Count == 0 ? "has no layer attributes" : null);
        if (problem is not null)
        {
            builder.Report(
                RuleCatalog.UnusableTemplate, reader.Index, null,
                $"Use \"{reader.Name}\" places {template.Name}, which {problem} (a template is a class of this project with layer attributes on one declaration, does not contain itself, and is given each parameter that stands in it and no other)");
            return;
        }

        int[] indices = [.. Enumerable.Repeat(reader.Index, template.Attributes.Count)];
        for (int copy = 0; copy < repeat && !builder.Failed; copy++)
        {
            TensorKey prefix = repeat == 1 ? key : key.With(FormattableString.Invariant($"{copy}"));
            Expand(builder, template.Attributes, indices, prefix, template.Name);
            if (builder.Failed)
            {
                // The argument at fault stands in the template, where no finding of this class can point.
                builder.Reword(finding => finding with { Argument = null, Properties = [], Message = $"{finding.Message}; it stands in {template.Name}" });
            }
            else if (builder.Count > MaxLayers)
            {
                reader.Invalid("repeat", FormattableString.Invariant($"{repeat}"), FormattableString.Invariant($"small enough for {MaxLayers} layers"));
            }
        }
    }

    private static string Join(string? prefix, string name) => string.IsNullOrEmpty(prefix) ? name : prefix + "." + name;
}
