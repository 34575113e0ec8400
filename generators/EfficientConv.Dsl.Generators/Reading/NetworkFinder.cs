using EfficientConv.Dsl.Compiler.Declarations;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace EfficientConv.Dsl.Generators.Reading;

/// <summary>A network found in a compilation.</summary>
public sealed class FoundNetwork(NetworkDeclaration declaration, Location location, Location span, IReadOnlyList<Location> members, bool isBroken)
{
    /// <summary>What the generator would compile.</summary>
    public NetworkDeclaration Declaration => declaration;

    /// <summary>The class's name in the source.</summary>
    public Location Location => location;

    /// <summary>From its first attribute to its name, where the compiler's own errors concern it.</summary>
    public Location Span => span;

    /// <summary>Whether <paramref name="diagnostic"/> is about the network: at its attributes, its name, or one of its members that is in the way of a generated one.</summary>
    public bool IsConcernedBy(Diagnostic diagnostic) =>
        members.Append(span).Any(place => place.SourceTree == diagnostic.Location.SourceTree && place.SourceSpan.IntersectsWith(diagnostic.Location.SourceSpan));

    /// <summary>Whether the C# compiler cannot make sense of an attribute; it says why itself.</summary>
    public bool IsBroken => isBroken;
}

/// <summary>Finds the networks of a compilation, for tools: the same reading as the generator's, without running it.</summary>
public static class NetworkFinder
{
    /// <summary>All networks, file after file and from top to bottom.</summary>
    public static IReadOnlyList<FoundNetwork> Find(Compilation compilation, CancellationToken cancellation = default)
    {
        List<FoundNetwork> found = [];
        foreach (SyntaxTree tree in compilation.SyntaxTrees)
        {
            SemanticModel? model = null;
            foreach (TypeDeclarationSyntax declaration in tree.GetRoot(cancellation).DescendantNodes().OfType<TypeDeclarationSyntax>())
            {
                if (declaration.AttributeLists.Count == 0)
                    continue;
                model ??= compilation.GetSemanticModel(tree);
                if (model.GetDeclaredSymbol(declaration, cancellation) is not INamedTypeSymbol type
                    || NetworkAttributes.FindMarker(type, cancellation) is not { } marker
                    || marker.Declaration != declaration
                    || NetworkReader.ReadAt(type, declaration, cancellation) is not { } read)
                    continue;
                bool broken = NetworkAttributes.IsBroken(type, NetworkAttributes.Of(type, marker, cancellation));
                Location span = Location.Create(tree, Microsoft.CodeAnalysis.Text.TextSpan.FromBounds(declaration.SpanStart, declaration.Identifier.Span.End));
                found.Add(new FoundNetwork(read, declaration.Identifier.GetLocation(), span, [.. NetworkReader.MembersInTheWay(type).Select(member => member.Locations[0])], broken));
            }
        }

        return found;
    }
}
