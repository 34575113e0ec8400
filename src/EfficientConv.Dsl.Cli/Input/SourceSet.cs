using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace EfficientConv.Dsl.Cli.Input;

/// <summary>C# files that are compiled together, and how.</summary>
/// <param name="Name">The assembly's name, by which others may let it see their internals.</param>
/// <param name="Files">Full paths.</param>
/// <param name="ParseOptions">Language version and preprocessor symbols.</param>
/// <param name="Options">The compiler's options.</param>
/// <param name="References">Assemblies that the files see.</param>
/// <param name="GlobalUsings">C# text with global usings that no file has.</param>
internal sealed record SourceSet(
    string Name, IReadOnlyList<string> Files, CSharpParseOptions ParseOptions, CSharpCompilationOptions Options, IReadOnlyList<MetadataReference> References, string GlobalUsings);
