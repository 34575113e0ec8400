using System.Reflection;
using System.Runtime.Loader;
using EfficientConv.Dsl.Compiler.Declarations;
using EfficientConv.Dsl.Compiler.Model;

namespace EfficientConv.Dsl.Cli.Input;

/// <summary>Networks of a built assembly. Their attributes are there only where the assembly was built to keep them; the generated members always are.</summary>
internal static class AssemblyNetworks
{
    public static IEnumerable<NetworkInput> Read(string path)
    {
        if (!File.Exists(path))
            throw new ToolException($"{path} does not exist.");
        Type[] types;
        try
        {
            types = [.. new Context(Path.GetFullPath(path)).LoadFromAssemblyPath(Path.GetFullPath(path)).GetTypes()];
        }
        catch (Exception exception) when (exception is BadImageFormatException or ReflectionTypeLoadException or FileLoadException or FileNotFoundException)
        {
            throw new ToolException($"{path} cannot be loaded: {exception.Message}");
        }

        return types.Where(IsNetwork).Select(type => new NetworkInput(type.FullName!.Replace('+', '.'), path, Declaration(type), type));
    }

    private static bool IsNetwork(Type type) =>
        type.GetInterfaces().Any(i => i.IsGenericType && i.GetGenericTypeDefinition() == typeof(IConvNet<>) && i.GetGenericArguments()[0] == type);

    private static NetworkDeclaration? Declaration(Type type)
    {
        CustomAttributeData[] attributes = [.. type.GetCustomAttributesData().Where(IsNetworkAttribute)];
        return attributes.Length == 0 ? null : new NetworkDeclaration(
            type.Namespace ?? string.Empty, [], type.Name, "class", type.IsPublic, attributes.Select(Read).ToEquatableArray(), []);
    }

    private static bool IsNetworkAttribute(CustomAttributeData data) =>
        data.AttributeType == typeof(InputShapeAttribute) || data.AttributeType.IsSubclassOf(typeof(LayerAttribute));

    private static AttributeDeclaration Read(CustomAttributeData data)
    {
        IEnumerable<AttributeArgument> positional = data.Constructor.GetParameters()
            .Zip(data.ConstructorArguments, (parameter, value) => new AttributeArgument(parameter.Name!, value.Value, IsExplicit: true));
        IEnumerable<AttributeArgument> named = data.NamedArguments.Select(argument => new AttributeArgument(argument.MemberName, argument.TypedValue.Value, IsExplicit: true));
        return new AttributeDeclaration(data.AttributeType.Name[..^nameof(Attribute).Length], positional.Concat(named).ToEquatableArray());
    }

    /// <summary>Loads an assembly with what lies beside it; the runtime library is the tool's own, so that both sides know the same types.</summary>
    private sealed class Context(string path) : AssemblyLoadContext(Path.GetFileName(path))
    {
        private readonly AssemblyDependencyResolver _resolver = new(path);

        protected override Assembly? Load(AssemblyName assemblyName) =>
            assemblyName.Name == "EfficientConv.Dsl" ? null : _resolver.ResolveAssemblyToPath(assemblyName) is { } found ? LoadFromAssemblyPath(found) : null;
    }
}
