using System.Reflection;
using System.Runtime.Loader;
using EfficientConv.Dsl.Cli.Input;
using EfficientConv.Dsl.Compiler;
using EfficientConv.Dsl.Compiler.Declarations;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.Emit;

namespace EfficientConv.Dsl.Cli.Running;

/// <summary>Compiles declarations in memory: the generated files are a whole program by themselves, so nothing else of the user's sources is needed.</summary>
internal static class NetworkBuild
{
    /// <summary>The class of <paramref name="declaration"/>, ready to run.</summary>
    public static RunnableNetwork Compile(NetworkDeclaration declaration, CompilerOptions options)
    {
        CompilationResult result = NetworkCompiler.Compile(declaration, options);
        Assembly assembly = AssemblyLoadContext.Default.LoadFromStream(new MemoryStream(Emit(result.Sources.Select(s => s.Text))));
        return RunnableNetwork.In(assembly);
    }

    /// <summary>An assembly of <paramref name="sources"/>.</summary>
    public static byte[] Emit(IEnumerable<string> sources, OutputKind kind = OutputKind.DynamicallyLinkedLibrary, string? name = null)
    {
        CSharpParseOptions parse = new(LanguageVersion.Latest, DocumentationMode.None);
        CSharpCompilation compilation = CSharpCompilation.Create(
            name ?? "Networks" + Guid.NewGuid().ToString("N"), sources.Select(text => CSharpSyntaxTree.ParseText(text, parse)), NetworkInputs.References,
            new CSharpCompilationOptions(kind, optimizationLevel: OptimizationLevel.Release, nullableContextOptions: NullableContextOptions.Enable));
        using MemoryStream image = new();
        EmitResult result = compilation.Emit(image);
        if (!result.Success)
            throw new ToolException($"The generated code does not compile: {result.Diagnostics.First(d => d.Severity == DiagnosticSeverity.Error)}");
        return image.ToArray();
    }

    /// <summary>The class that the user named, of a built assembly or compiled from its declaration.</summary>
    public static RunnableNetwork Runnable(NetworkInput network, CompilerOptions options) => network switch
    {
        { Type: { } type } when !options.TimesSteps => RunnableNetwork.Of(type),
        { Declaration: null } => throw new ToolException($"{network.Location} keeps no attributes of {network.Name}: its steps cannot be timed one by one."),
        _ => Compile(Checked(network), options),
    };

    private static NetworkDeclaration Checked(NetworkInput network)
    {
        network.Graph();
        return network.Declaration!;
    }
}
