using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace EfficientConv.Dsl.Generators.Reading;

/// <summary>
/// What other files and references of a project can change about the meaning of an attribute that names only the runtime library: references, global usings, and
/// declared names. It is found from syntax alone and, file by file, remembered as long as the file stays as it is.
/// </summary>
internal sealed class ProjectScope : IEquatable<ProjectScope>
{
    private const string AttributeSuffix = "Attribute";

    private static readonly ConditionalWeakTable<Compilation, ProjectScope> s_scopes = new();
    private static readonly ConditionalWeakTable<SyntaxTree, FileFacts> s_files = new();

    private readonly Dictionary<string, int> _partialDeclarations = new(StringComparer.Ordinal);
    private readonly ImmutableArray<string> _globalUsings;
    private readonly LibraryNames? _library;

    private ProjectScope(Compilation compilation, CancellationToken cancellation)
    {
        // The library's symbols are the same objects in all compilations with the same references.
        _library = compilation.GetTypeByMetadataName(NetworkAttributes.MarkerMetadataName) is { ContainingAssembly: { } assembly } marker
            && !SymbolEqualityComparer.Default.Equals(assembly, compilation.Assembly)
            ? LibraryNames.Of(marker)
            : null;
        ImmutableArray<string>.Builder usings = ImmutableArray.CreateBuilder<string>();
        foreach (SyntaxTree tree in compilation.SyntaxTrees)
        {
            cancellation.ThrowIfCancellationRequested();
            FileFacts facts = s_files.GetValue(tree, FileFacts.Find);
            usings.AddRange(facts.GlobalUsings);
            DeclaresLibraryNames |= _library is null || facts.Declares(_library);
            foreach (string name in facts.PartialDeclarations)
                _partialDeclarations[name] = PartialDeclarations(name) + 1;
        }

        _globalUsings = usings.ToImmutable();
    }

    /// <summary>Whether the project declares a type or a namespace that is called as one of the runtime library, so that a name may mean another thing.</summary>
    public bool DeclaresLibraryNames { get; }

    /// <summary>The scope of <paramref name="compilation"/>.</summary>
    public static ProjectScope Of(Compilation compilation, CancellationToken cancellation) =>
        s_scopes.GetValue(compilation, key => new ProjectScope(key, cancellation));

    /// <summary>How many partial declarations of that name there are.</summary>
    public int PartialDeclarations(string name) => _partialDeclarations.TryGetValue(name, out int count) ? count : 0;

    /// <summary>Whether a type of the runtime library has that name, or is the attribute of that name.</summary>
    public bool IsLibraryName(string name) => _library?.Names.Contains(name) == true;

    /// <inheritdoc/>
    public bool Equals(ProjectScope? other) =>
        ReferenceEquals(this, other)
        || (other is not null && ReferenceEquals(_library, other._library) && !DeclaresLibraryNames && !other.DeclaresLibraryNames && _globalUsings.SequenceEqual(other._globalUsings));

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

        public ImmutableArray<string> PartialDeclarations { get; private set; }

        public static FileFacts Find(SyntaxTree tree)
        {
            FileFacts facts = new();
            CompilationUnitSyntax root = (CompilationUnitSyntax)tree.GetRoot();
            ImmutableArray<string>.Builder partials = ImmutableArray.CreateBuilder<string>();
            foreach (SyntaxNode node in root.DescendantNodes(static node => node is CompilationUnitSyntax or BaseNamespaceDeclarationSyntax or TypeDeclarationSyntax))
            {
                switch (node)
                {
                    case BaseNamespaceDeclarationSyntax space:
                        facts._names.UnionWith(space.Name.DescendantTokens().Where(token => token.IsKind(SyntaxKind.IdentifierToken)).Select(token => token.ValueText));
                        break;
                    case TypeDeclarationSyntax type:
                        facts._names.Add(type.Identifier.ValueText);
                        if (type.Modifiers.Any(SyntaxKind.PartialKeyword))
                            partials.Add(type.Identifier.ValueText);
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
            facts.PartialDeclarations = partials.ToImmutable();
            return facts;
        }

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
