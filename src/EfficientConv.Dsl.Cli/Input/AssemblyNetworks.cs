using System.Reflection;
using System.Runtime.Loader;
using EfficientConv.Dsl.Measuring;

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
            return [.. types.Where(IsNetwork).Select(type => new NetworkInput(Name(type), path, DeclarationReflection.Of(type), type))];
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

    /// <summary>Loads an assembly with what lies beside it; the runtime library is the tool's own, so that both sides know the same types.</summary>
    private sealed class Context(string path) : AssemblyLoadContext(Path.GetFileName(path))
    {
        private readonly AssemblyDependencyResolver _resolver = new(path);

        protected override Assembly? Load(AssemblyName assemblyName) =>
            assemblyName.Name == "EfficientConv.Dsl" ? null : _resolver.ResolveAssemblyToPath(assemblyName) is { } found ? LoadFromAssemblyPath(found) : null;
    }
}
