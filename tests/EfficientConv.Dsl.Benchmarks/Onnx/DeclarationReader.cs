using System.Reflection;
using EfficientConv.Dsl.Compiler.Declarations;
using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Model;

namespace EfficientConv.Dsl.Benchmarks.Onnx;

/// <summary>Reads a compiled network's attributes and expands them to its layer graph, as the generator did from the source.</summary>
internal static class DeclarationReader
{
    /// <summary>The layer graph of <paramref name="network"/>.</summary>
    public static LayerGraph ReadGraph(Type network)
    {
        // The metadata keep the attributes in source order.
        NetworkDeclaration declaration = new(
            network.Namespace ?? string.Empty, [], network.Name, "class", network.IsPublic,
            network.GetCustomAttributesData().Where(IsNetworkAttribute).Select(Read).ToEquatableArray(), []);
        ExpansionResult expansion = Expansion.Expand(declaration);
        return expansion.Graph ?? throw new InvalidOperationException(
            $"{network.Name}: {(expansion.Findings.Count > 0 ? expansion.Findings[0].Message : "no layers")}");
    }

    private static bool IsNetworkAttribute(CustomAttributeData data) =>
        data.AttributeType == typeof(InputShapeAttribute) || data.AttributeType.IsSubclassOf(typeof(LayerAttribute));

    private static AttributeDeclaration Read(CustomAttributeData data)
    {
        IEnumerable<AttributeArgument> positional = data.Constructor.GetParameters()
            .Zip(data.ConstructorArguments, (parameter, value) => new AttributeArgument(parameter.Name!, value.Value, IsExplicit: !IsDefault(parameter, value.Value)));
        IEnumerable<AttributeArgument> named = data.NamedArguments
            .Select(argument => new AttributeArgument(argument.MemberName, argument.TypedValue.Value, IsExplicit: true));
        string name = data.AttributeType.Name;
        return new AttributeDeclaration(name[..^nameof(Attribute).Length], positional.Concat(named).ToEquatableArray());
    }

    /// <summary>The metadata do not tell an argument that was left out from one that is written as its default; both mean the same.</summary>
    private static bool IsDefault(ParameterInfo parameter, object? value)
    {
        object? fallback = parameter.HasDefaultValue ? parameter.RawDefaultValue : null;
        return parameter.HasDefaultValue && Equals(fallback, value);
    }
}
