using EfficientConv.Dsl.Compiler;
using EfficientConv.Dsl.Compiler.Declarations;
using EfficientConv.Dsl.Compiler.Scheduling;
using EfficientConv.Dsl.Generators.Reading;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace EfficientConv.Dsl.Generators;

/// <summary>
/// Adds the generated part of every class with an <c>InputShape</c>. It reports nothing: mistakes are the analyzers' business, which read
/// the same declaration, because diagnostics of a generator would defeat its caching and <c>#pragma warning disable</c>.
/// </summary>
[Generator(LanguageNames.CSharp)]
public sealed class NetworkGenerator : IIncrementalGenerator
{
    /// <summary>Name of the step that turns a class into its declaration; it runs again whenever the compilation changes.</summary>
    public const string DeclarationStep = "NetworkDeclaration";

    /// <summary>Name of the step that turns a declaration into C#; it runs only when the declaration is another one.</summary>
    public const string CompilationStep = "NetworkCompilation";

    /// <inheritdoc/>
    public void Initialize(IncrementalGeneratorInitializationContext context)
    {
        // The declaration is the last thing that knows of Roslyn, and it holds names and constants only. A marker under its own name is found by the
        // syntax alone, so that a class that was read before need not be bound again; one under an alias takes the compiler's way.
        Register(context, context.SyntaxProvider.CreateSyntaxProvider(
            static (node, _) => NetworkAttributes.HasMarkerName(node),
            static (match, cancellation) => DeclarationCache.Read(match.Node, match.SemanticModel, cancellation)));
        Register(context, context.SyntaxProvider.ForAttributeWithMetadataName(
            NetworkAttributes.MarkerMetadataName,
            static (node, _) => node is TypeDeclarationSyntax && !NetworkAttributes.HasMarkerName(node),
            static (match, cancellation) => NetworkReader.ReadAt((INamedTypeSymbol)match.TargetSymbol, match.TargetNode, cancellation)));
    }

    private static void Register(IncrementalGeneratorInitializationContext context, IncrementalValuesProvider<NetworkDeclaration?> candidates)
    {
        IncrementalValuesProvider<NetworkDeclaration> declarations = candidates
            .Where(static declaration => declaration is not null)
            .Select(static (declaration, _) => declaration!)
            .WithTrackingName(DeclarationStep);

        // Steps hold classes: for every structure the process would translate Roslyn's tables once more, some 65 methods, before the first network is compiled.
        IncrementalValueProvider<CompilerOptions> settings = context.AnalyzerConfigOptionsProvider
            .Select(static (options, _) => new CompilerOptions(ProjectSettings.Read(options.GlobalOptions), TimesSteps: ProjectSettings.TimesSteps(options.GlobalOptions)));

        // Measured schedules: a file that cannot be read counts as none, and the analyzer says so.
        IncrementalValueProvider<ScheduleOverrides?> schedules = context.AdditionalTextsProvider
            .Where(ScheduleFile.Is)
            .Select(static (file, cancellation) => ScheduleFile.Read(file.GetText(cancellation)?.ToString() ?? string.Empty).Overrides)
            .Collect()
            .Select(static (files, _) => files.IsEmpty ? null : files[0]);

        IncrementalValueProvider<CompilerOptions> compilerOptions = settings.Combine(schedules)
            .Select(static (pair, _) => pair.Left with { Overrides = pair.Right });

        IncrementalValuesProvider<CompilationResult> results = declarations.Combine(compilerOptions)
            .Select(static (pair, _) => NetworkCompiler.Compile(pair.Left, pair.Right))
            .WithTrackingName(CompilationStep);

        context.RegisterSourceOutput(results, static (production, result) =>
        {
            foreach (GeneratedSource source in result.Sources)
                production.AddSource(source.HintName, new GeneratedText(source.Content));
        });
    }
}
