using System.Collections.Immutable;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.Text;

namespace EfficientConv.Dsl.Generators.Tests.Harness;

/// <summary>A user's project in memory: the framework, the runtime library and the sources.</summary>
internal static class TestCompilation
{
    /// <summary>The oldest language version that generated code must compile under.</summary>
    public static readonly CSharpParseOptions ParseOptions = CSharpParseOptions.Default.WithLanguageVersion(LanguageVersion.CSharp12);

    /// <summary>Overflow checks on and unsafe code off, because generated code must not depend on either.</summary>
    public static readonly CSharpCompilationOptions Options = new(
        OutputKind.DynamicallyLinkedLibrary, nullableContextOptions: NullableContextOptions.Enable, checkOverflow: true, allowUnsafe: false);

    public static readonly ImmutableArray<MetadataReference> References = FindReferences();

    /// <summary>Compiles the sources as files <c>File0.cs</c>, <c>File1.cs</c>, ... Global usings stand for the implicit ones of an SDK project.</summary>
    public static CSharpCompilation Create(params string[] sources) => Create(true, sources);

    /// <summary>As <see cref="Create(string[])"/>, with or without the global using.</summary>
    public static CSharpCompilation Create(bool globalUsing, params string[] sources) => CSharpCompilation.Create(
        "UserProject",
        sources.Select((text, i) => Parse(text, $"File{i}.cs")).Prepend(Parse(Usings(globalUsing), "Usings.cs")),
        References,
        Options);

    public static string Usings(bool isGlobal) => isGlobal ? "global using EfficientConv.Dsl;\n" : string.Empty;

    public static SyntaxTree Parse(string text, string path) => CSharpSyntaxTree.ParseText(SourceText.From(text, System.Text.Encoding.UTF8), ParseOptions, path);

    /// <summary>Replaces the text of one file, as an editor does after a key stroke.</summary>
    public static CSharpCompilation WithFile(CSharpCompilation compilation, string path, string text)
    {
        SyntaxTree old = compilation.SyntaxTrees.Single(tree => tree.FilePath == path);
        return compilation.ReplaceSyntaxTree(old, Parse(text, path));
    }

    private static ImmutableArray<MetadataReference> FindReferences()
    {
        string framework = Path.GetDirectoryName(typeof(object).Assembly.Location)!;
        string trusted = (string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!;
        return
        [
            .. trusted.Split(Path.PathSeparator).Where(path => Path.GetDirectoryName(path) == framework).Append(typeof(LayerAttribute).Assembly.Location)
                .Select(path => MetadataReference.CreateFromFile(path)),
        ];
    }
}
