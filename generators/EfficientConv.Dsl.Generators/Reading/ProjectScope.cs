using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace EfficientConv.Dsl.Generators.Reading;

/// <summary>
/// What other files and references of a project can change about the meaning of an attribute that names only the runtime library: references, global usings and
/// declared names. It is found from syntax alone and, file by file, remembered as long as the file stays as it is.
/// </summary>
internal sealed class ProjectScope : IEquatable<ProjectScope>
{
    private const string AttributeSuffix = "Attribute";

    private static readonly ConditionalWeakTable<Compilation, ProjectScope> s_scopes = new();
    private static readonly ConditionalWeakTable<SyntaxTree, FileFacts> s_files = new();
    private static readonly ConditionalWeakTable<MetadataReference, object> s_references = new();

    private readonly Dictionary<string, int> _declarations = new(StringComparer.Ordinal);
    private readonly ImmutableArray<string> _globalUsings;

    // Stands for the references: a scope lives as long as files do, and a referenced project's compilation must not.
    private readonly ImmutableArray<object> _references;
    private readonly string? _assemblyName;
    private readonly LibraryNames? _library;

    private ProjectScope(Compilation compilation, CancellationToken cancellation)
    {
        // The library's symbols are the same objects in all compilations with the same references.
        _library = compilation.GetTypeByMetadataName(NetworkAttributes.MarkerMetadataName) is { ContainingAssembly: { } assembly } marker
            && !SymbolEqualityComparer.Default.Equals(assembly, compilation.Assembly)
            ? LibraryNames.Of(marker)
            : null;
        _references = [.. compilation.References.Select(static reference => s_references.GetValue(reference, static _ => new object()))];
        _assemblyName = compilation.AssemblyName;
        ImmutableArray<string>.Builder usings = ImmutableArray.CreateBuilder<string>();
        foreach (SyntaxTree tree in compilation.SyntaxTrees)
        {
            cancellation.ThrowIfCancellationRequested();
            FileFacts facts = s_files.GetValue(tree, FileFacts.Find);
            usings.AddRange(facts.GlobalUsings);
            DeclaresLibraryNames |= _library is null || facts.Declares(_library);
            ImportsMembers |= facts.ImportsMembers;
            foreach (string name in facts.Declarations)
                _declarations[name] = Declarations(name) + 1;
        }

        _globalUsings = usings.ToImmutable();
    }

    /// <summary>Whether the project declares a type, a namespace, an alias or a variable of the whole program that is called as one of the runtime library, so that a name may mean another thing.</summary>
    public bool DeclaresLibraryNames { get; }

    /// <summary>Whether a file has a <c>using static</c>, so that a name may mean a member of any class.</summary>
    public bool ImportsMembers { get; }

    /// <summary>The scope of <paramref name="compilation"/>.</summary>
    public static ProjectScope Of(Compilation compilation, CancellationToken cancellation) =>
        s_scopes.GetValue(compilation, key => new ProjectScope(key, cancellation));

    /// <summary>How many declarations a type that is not nested has, by its metadata name.</summary>
    public int Declarations(string name) => _declarations.TryGetValue(name, out int count) ? count : 0;

    /// <summary>Whether a type of the runtime library has that name, or is the attribute of that name.</summary>
    public bool IsLibraryName(string name) => _library?.Names.Contains(name) == true;

    /// <inheritdoc/>
    public bool Equals(ProjectScope? other) =>
        ReferenceEquals(this, other)
        || (other is not null && ReferenceEquals(_library, other._library) && !DeclaresLibraryNames && !other.DeclaresLibraryNames && ImportsMembers == other.ImportsMembers
            && _globalUsings.SequenceEqual(other._globalUsings) && _references.SequenceEqual(other._references) && _assemblyName == other._assemblyName);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as ProjectScope);

    /// <inheritdoc/>
    public override int GetHashCode() => _globalUsings.Length;

    /// <summary>Names of the runtime library's public types; attributes with and without their suffix.</summary>
    private sealed class LibraryNames
    {
        private static readonly ConditionalWeakTable<ISymbol, LibraryNames> s_byMarker = new();

        private LibraryNames(ISymbol marker)
        {
            Names = new HashSet<string>(StringComparer.Ordinal);
            for (INamespaceSymbol? part = marker.ContainingNamespace; part is { IsGlobalNamespace: false }; part = part.ContainingNamespace)
                Names.Add(part.Name);
            foreach (INamedTypeSymbol type in marker.ContainingNamespace.GetTypeMembers().Where(type => SymbolEqualityComparer.Default.Equals(type.ContainingAssembly, marker.ContainingAssembly)))
            {
                Names.Add(type.Name);
                if (type.Name.EndsWith(AttributeSuffix, StringComparison.Ordinal))
                    Names.Add(type.Name.Substring(0, type.Name.Length - AttributeSuffix.Length));
            }
        }

        public HashSet<string> Names { get; }

        public static LibraryNames Of(ISymbol marker) => s_byMarker.GetValue(marker, key => new LibraryNames(key));
    }

    /// <summary>What one file declares for the others.</summary>
    private sealed class FileFacts
    {
        private readonly HashSet<string> _names = new(StringComparer.Ordinal);
        private LibraryNames? _comparedWith;
        private bool _declares;

        public ImmutableArray<string> GlobalUsings { get; private set; }

        public ImmutableArray<string> Declarations { get; private set; }

        public bool ImportsMembers { get; private set; }

        public static FileFacts Find(SyntaxTree tree)
        {
            FileFacts facts = new();
            CompilationUnitSyntax root = (CompilationUnitSyntax)tree.GetRoot();
            ImmutableArray<string>.Builder declarations = ImmutableArray.CreateBuilder<string>();
            foreach (SyntaxNode node in root.DescendantNodes(static node => node is CompilationUnitSyntax or BaseNamespaceDeclarationSyntax or TypeDeclarationSyntax))
            {
                switch (node)
                {
                    case BaseNamespaceDeclarationSyntax space:
                        facts._names.UnionWith(SyntaxNames.Parts(space));
                        break;
                    case TypeDeclarationSyntax type:
                        facts._names.Add(type.Identifier.ValueText);
                        if (type.Parent is BaseNamespaceDeclarationSyntax or CompilationUnitSyntax)
                            declarations.Add(SyntaxNames.MetadataName(type));
                        break;
                    case GlobalStatementSyntax statement:
                        // Locals of top-level statements come before all types of the global namespace and all usings, in every file.
                        facts._names.UnionWith(statement.DescendantNodes().Select(DeclaredName).OfType<string>());
                        break;
                    case UsingDirectiveSyntax { Alias.Name.Identifier: var alias }:
                        facts._names.Add(alias.ValueText);
                        break;
                    case UsingDirectiveSyntax directive:
                        facts.ImportsMembers |= directive.StaticKeyword != default;
                        break;
                    case ExternAliasDirectiveSyntax { Identifier: var alias }:
                        facts._names.Add(alias.ValueText);
                        break;
                    case EnumDeclarationSyntax type:
                        facts._names.Add(type.Identifier.ValueText);
                        break;
                    case DelegateDeclarationSyntax type:
                        facts._names.Add(type.Identifier.ValueText);
                        break;
                }
            }

            facts.GlobalUsings = [.. root.Usings.Where(directive => directive.GlobalKeyword != default).Select(directive => directive.ToString())];
            facts.Declarations = declarations.ToImmutable();
            return facts;
        }

        private static string? DeclaredName(SyntaxNode node) => node switch
        {
            VariableDeclaratorSyntax variable => variable.Identifier.ValueText,
            SingleVariableDesignationSyntax variable => variable.Identifier.ValueText,
            LocalFunctionStatementSyntax function => function.Identifier.ValueText,
            _ => null,
        };

        /// <summary>Whether a name of <paramref name="library"/> is declared here.</summary>
        public bool Declares(LibraryNames library)
        {
            if (!ReferenceEquals(_comparedWith, library))
            {
                _declares = _names.Overlaps(library.Names);
                _comparedWith = library;
            }

            return _declares;
        }
    }
}
