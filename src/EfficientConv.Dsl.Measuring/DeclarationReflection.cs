using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Reflection;
using EfficientConv.Dsl.Compiler.Declarations;
using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Model;

namespace EfficientConv.Dsl.Measuring;

/// <summary>Network attributes in the metadata of compiled classes, as the generator reads them from the source.</summary>
internal static class DeclarationReflection
{
    private static readonly HashSet<Type> s_marks = [typeof(InputShapeAttribute), typeof(ImageInputAttribute), typeof(BudgetAttribute), typeof(ScheduleAttribute)];

    /// <summary>The declaration of <paramref name="type"/>; null where its assembly was not built to keep the attributes. The metadata have them in source order.</summary>
    public static NetworkDeclaration? Of(Type type)
    {
        AttributeDeclaration[] attributes = [.. type.GetCustomAttributesData().Where(data => s_marks.Contains(data.AttributeType) || IsLayer(data)).Select(data => Read(data, [type]))];
        return attributes.Length == 0 ? null : new NetworkDeclaration(type.Namespace ?? string.Empty, [], type.Name, "class", type.IsPublic, attributes.ToEquatableArray(), []);
    }

    /// <summary>The layers of <paramref name="type"/>, whose attributes must be there and right.</summary>
    public static LayerGraph Graph(Type type)
    {
        ExpansionResult expansion = Expansion.Expand(Of(type) ?? throw new InvalidOperationException($"{type.Name} has no attributes in its metadata."));
        return expansion.Graph ?? throw new InvalidOperationException($"{type.Name}: {string.Join("; ", expansion.Findings.Select(finding => finding.Message))}");
    }

    /// <summary>The attribute <paramref name="kind"/> with some arguments <paramref name="given"/>, and the constructor's defaults where there is none.</summary>
    [RequiresUnreferencedCode("Attributes are found by their names.")]
    public static AttributeDeclaration Attribute(string kind, params IEnumerable<(string Name, object Value)> given)
    {
        Dictionary<string, object> values = given.ToDictionary(argument => argument.Name, argument => argument.Value);
        Type type = typeof(LayerAttribute).Assembly.GetType($"EfficientConv.Dsl.{kind}Attribute", throwOnError: true)!;
        return new AttributeDeclaration(kind, type.GetConstructors().Single().GetParameters().Select(parameter => values.TryGetValue(parameter.Name!, out object? value)
            ? new AttributeArgument(parameter.Name!, value, IsExplicit: true)
            : new AttributeArgument(parameter.Name!, Default(parameter), IsExplicit: false)).ToEquatableArray());
    }

    /// <summary>A parameter's default as the reader has it: enumerations as their number, nothing where there is none.</summary>
    public static object? Default(ParameterInfo parameter) => parameter.DefaultValue switch
    {
        Enum value => Convert.ToInt32(value, CultureInfo.InvariantCulture),
        DBNull => null,
        var value => value,
    };

    private static bool IsLayer(CustomAttributeData data) => data.AttributeType.IsSubclassOf(typeof(LayerAttribute));

    /// <summary>
    /// Reads one attribute; <paramref name="users"/> are the classes around a template's, outermost first. Metadata has the defaults written out, so an argument
    /// counts as the user's where it is another than the default; both mean the same.
    /// </summary>
    private static AttributeDeclaration Read(CustomAttributeData data, Type[] users)
    {
        IEnumerable<AttributeArgument> positional = data.Constructor.GetParameters().Zip(data.ConstructorArguments, (parameter, value) =>
            new AttributeArgument(parameter.Name!, Constant(value), !parameter.HasDefaultValue || !Equals(parameter.RawDefaultValue, value.Value)));
        IEnumerable<AttributeArgument> named = data.NamedArguments.Select(argument => new AttributeArgument(argument.MemberName, Constant(argument.TypedValue), IsExplicit: true));
        string name = data.AttributeType.Name.Split('`')[0];
        TemplateDeclaration? template = data.AttributeType.IsGenericType ? Template(data.AttributeType.GetGenericArguments()[0], users) : null;
        return new AttributeDeclaration(name[..^nameof(System.Attribute).Length], positional.Concat(named).ToEquatableArray(), template);
    }

    private static TemplateDeclaration Template(Type type, Type[] users) => users.Contains(type)
        ? new TemplateDeclaration(type.Name, [], "contains itself")
        : new TemplateDeclaration(type.Name, type.GetCustomAttributesData().Where(IsLayer).Select(layer => Read(layer, [.. users, type])).ToEquatableArray());

    private static object? Constant(CustomAttributeTypedArgument argument) => argument.Value switch
    {
        IReadOnlyCollection<CustomAttributeTypedArgument> values when argument.ArgumentType == typeof(double[]) => values.Select(value => (double)value.Value!).ToEquatableArray(),
        IReadOnlyCollection<CustomAttributeTypedArgument> values => values.Select(value => value.Value as string ?? string.Empty).ToEquatableArray(),
        var value => value,
    };
}
