using System.Reflection;
using System.Runtime.Loader;
using EfficientConv.Dsl.Compiler.Declarations;
using EfficientConv.Dsl.Compiler.Model;

namespace EfficientConv.Dsl.Cli.Input;

/// <summary>Networks of a built assembly. Their attributes are there only where the assembly was built to keep them; the generated members always are.</summary>
internal static class AssemblyNetworks
{
    public static IReadOnlyList<NetworkInput> Read(string path)
    {
        if (!File.Exists(path))
            throw new ToolException($"{path} does not exist.");
        try
        {
            Type[] types = new Context(Path.GetFullPath(path)).LoadFromAssemblyPath(Path.GetFullPath(path)).GetTypes();
            return [.. types.Where(IsNetwork).Select(type => new NetworkInput(Name(type), path, Declaration(type), type))];
        }
        catch (Exception exception) when (exception is BadImageFormatException or ReflectionTypeLoadException or TypeLoadException or CustomAttributeFormatException or IOException)
        {
            Exception cause = (exception as ReflectionTypeLoadException)?.LoaderExceptions.FirstOrDefault(e => e is not null) ?? exception;
            throw new ToolException($"{path} cannot be loaded: {cause.Message}");
        }
    }

    /// <summary>Whether <paramref name="type"/> is a generated network; inside a generic type it is one for every argument.</summary>
    public static bool IsNetwork(Type type) =>
        type.GetInterfaces().Any(i => i.IsGenericType && i.GetGenericTypeDefinition() == typeof(IConvNet<>) && i.GetGenericArguments()[0] == type);

    /// <summary>The name as it is written in C#, with the type parameters of generic types around it.</summary>
    private static string Name(Type type)
    {
        string around = type.DeclaringType is { } outer ? Name(outer) + "." : type.Namespace is { Length: > 0 } space ? space + "." : string.Empty;
        string[] parameters = [.. type.GetGenericArguments().Skip(type.DeclaringType?.GetGenericArguments().Length ?? 0).Select(parameter => parameter.Name)];
        return around + type.Name.Split('`')[0] + (parameters.Length == 0 ? string.Empty : $"<{string.Join(", ", parameters)}>");
    }

    private static NetworkDeclaration? Declaration(Type type)
    {
        AttributeDeclaration[] attributes = [.. type.GetCustomAttributesData().Where(IsNetworkAttribute).Select(data => Read(data, [type]))];
        return attributes.Length == 0 ? null : new NetworkDeclaration(type.Namespace ?? string.Empty, [], type.Name, "class", type.IsPublic, attributes.ToEquatableArray(), []);
    }

    private static bool IsNetworkAttribute(CustomAttributeData data) =>
        data.AttributeType == typeof(InputShapeAttribute) || data.AttributeType == typeof(BudgetAttribute) || data.AttributeType == typeof(ScheduleAttribute) || IsLayer(data);

    private static bool IsLayer(CustomAttributeData data) => data.AttributeType.IsSubclassOf(typeof(LayerAttribute));

    /// <summary>
    /// Reads one attribute; <paramref name="users"/> are the classes around a template's, outermost first. Metadata has the defaults written out, so an argument
    /// counts as the user's where it is another than the default.
    /// </summary>
    private static AttributeDeclaration Read(CustomAttributeData data, Type[] users)
    {
        IEnumerable<AttributeArgument> positional = data.Constructor.GetParameters().Zip(data.ConstructorArguments, (parameter, value) =>
            new AttributeArgument(parameter.Name!, Constant(value), !parameter.HasDefaultValue || !Equals(parameter.RawDefaultValue, value.Value)));
        IEnumerable<AttributeArgument> named = data.NamedArguments.Select(argument => new AttributeArgument(argument.MemberName, Constant(argument.TypedValue), IsExplicit: true));
        string name = data.AttributeType.Name.Split('`')[0];
        TemplateDeclaration? template = data.AttributeType.IsGenericType ? Template(data.AttributeType.GetGenericArguments()[0], users) : null;
        return new AttributeDeclaration(name[..^nameof(Attribute).Length], positional.Concat(named).ToEquatableArray(), template);
    }

    private static TemplateDeclaration Template(Type type, Type[] users) => users.Contains(type)
        ? new TemplateDeclaration(type.Name, [], "contains itself")
        : new TemplateDeclaration(type.Name, type.GetCustomAttributesData().Where(IsLayer).Select(layer => Read(layer, [.. users, type])).ToEquatableArray());

    private static object? Constant(CustomAttributeTypedArgument argument) => argument.Value is IReadOnlyCollection<CustomAttributeTypedArgument> values
        ? values.Select(value => value.Value as string ?? string.Empty).ToEquatableArray()
        : argument.Value;

    /// <summary>Loads an assembly with what lies beside it; the runtime library is the tool's own, so that both sides know the same types.</summary>
    private sealed class Context(string path) : AssemblyLoadContext(Path.GetFileName(path))
    {
        private readonly AssemblyDependencyResolver _resolver = new(path);

        protected override Assembly? Load(AssemblyName assemblyName) =>
            assemblyName.Name == "EfficientConv.Dsl" ? null : _resolver.ResolveAssemblyToPath(assemblyName) is { } found ? LoadFromAssemblyPath(found) : null;
    }
}
