using System.Reflection;
using Microsoft.CodeAnalysis;

namespace EfficientConv.Dsl.Generators.Tests.Harness;

/// <summary>Looks through everything that an object holds on to.</summary>
internal static class ObjectGraph
{
    /// <summary>Symbols, nodes, compilations and the like that <paramref name="root"/> keeps alive; any of them in a generator's cache keeps a whole compilation alive.</summary>
    public static IReadOnlyList<object> RoslynObjects(object? root)
    {
        List<object> found = [];
        HashSet<object> seen = new(ReferenceEqualityComparer.Instance);
        Stack<object?> open = new([root]);
        while (open.TryPop(out object? item))
        {
            if (item is null or string or Type or MemberInfo or Pointer || item.GetType().IsPrimitive || !seen.Add(item))
                continue;
            if (item is ISymbol or SyntaxNode or SyntaxTree or SyntaxToken or Compilation or SemanticModel or Location or AttributeData)
            {
                found.Add(item);
                continue;
            }

            if (item is Array array)
            {
                foreach (object? element in array)
                    open.Push(element);
                continue;
            }

            for (Type? type = item.GetType(); type is not null; type = type.BaseType)
            {
                foreach (FieldInfo field in type.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly))
                    open.Push(field.GetValue(item));
            }
        }

        return found;
    }
}
