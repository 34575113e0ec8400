using EfficientConv.Dsl.Compiler.Model;

namespace EfficientConv.Dsl.Compiler.Declarations;

/// <summary>A class that gets a network's generated members: names only, nothing of Roslyn.</summary>
/// <param name="Namespace">Namespace with dots; empty for the global one.</param>
/// <param name="ContainingTypes">Types around the class, outermost first.</param>
/// <param name="Name">The class's name without type parameters.</param>
/// <param name="Keyword">What follows <c>partial</c>: <c>class</c> or <c>record</c>.</param>
/// <param name="IsPublic">Whether the class and everything around it are public.</param>
public record GeneratedType(string Namespace, EquatableArray<ContainingType> ContainingTypes, string Name, string Keyword, bool IsPublic)
{
    /// <summary>Members that the user declares and that may stand in the way of generated ones.</summary>
    public EquatableArray<OwnMember> Members { get; init; } = [];

    /// <summary>Namespace, containing types and name joined by dots.</summary>
    public string FullName =>
        string.Join(".", new[] { Namespace }.Concat(ContainingTypes.Select(t => t.Name)).Append(Name).Where(s => s.Length > 0));
}

/// <summary>A class with network attributes, as read from the source: names and constants only.</summary>
/// <param name="Namespace">Namespace with dots; empty for the global one.</param>
/// <param name="ContainingTypes">Types around the class, outermost first.</param>
/// <param name="Name">The class's name without type parameters.</param>
/// <param name="Keyword">What follows <c>partial</c>: <c>class</c> or <c>record</c>.</param>
/// <param name="IsPublic">Whether the class and everything around it are public.</param>
/// <param name="Attributes">Network attributes in source order, the <c>InputShape</c> marker among them.</param>
/// <param name="Target">Mistakes of the class itself that the reader saw (not partial, static, generic, ...), by rule id.</param>
public sealed record NetworkDeclaration(
    string Namespace,
    EquatableArray<ContainingType> ContainingTypes,
    string Name,
    string Keyword,
    bool IsPublic,
    EquatableArray<AttributeDeclaration> Attributes,
    EquatableArray<TargetProblem> Target) : GeneratedType(Namespace, ContainingTypes, Name, Keyword, IsPublic);

/// <summary>A type around the network class.</summary>
/// <param name="Keyword"><c>class</c>, <c>struct</c>, <c>record</c>, <c>record struct</c> or <c>interface</c>.</param>
/// <param name="Name">Name with type parameters, for example <c>Outer&lt;T&gt;</c>.</param>
public sealed record ContainingType(string Keyword, string Name);

/// <summary>A member that the user declares in a network's class.</summary>
/// <param name="Name">Its name; <see cref="Constructor"/> for one that makes instances.</param>
/// <param name="Signature">Types of a method's parameters with full names, joined by commas; null for what is no method.</param>
/// <param name="IsRequired">Whether who makes an instance must set it.</param>
public sealed record OwnMember(string Name, string? Signature, bool IsRequired)
{
    /// <summary>Name of a constructor.</summary>
    public const string Constructor = ".ctor";

    /// <summary>Whether it is a constructor.</summary>
    public bool IsConstructor => Name == Constructor;
}

/// <summary>A mistake in how the class itself is declared.</summary>
/// <param name="RuleId">For example <c>ECD0001</c>.</param>
/// <param name="Detail">What the class is, for the message: <c>static</c>, <c>abstract</c>, <c>generic</c>, ...</param>
public sealed record TargetProblem(string RuleId, string Detail);

/// <summary>One attribute of the list.</summary>
/// <param name="Kind">Attribute name without the suffix: <c>Conv2d</c>, <c>InvertedResidual</c>, ...</param>
/// <param name="Arguments">Every constructor parameter (defaults included) and every property that was set.</param>
/// <param name="Template">The class that <c>Use</c> places; null for every other kind.</param>
public sealed record AttributeDeclaration(string Kind, EquatableArray<AttributeArgument> Arguments, TemplateDeclaration? Template = null)
{
    /// <summary>Value used for "not given" by integer parameters of the attributes.</summary>
    public const int Unset = int.MinValue;

    /// <summary>The argument called <paramref name="name"/>, or null.</summary>
    public AttributeArgument? Find(string name) => Arguments.FirstOrDefault(a => a.Name == name);

    /// <summary>An integer argument (enumerations too), or <paramref name="fallback"/> when it is absent.</summary>
    public int Int(string name, int fallback = Unset) => Find(name)?.Value is int value ? value : fallback;

    /// <summary>A 64-bit integer argument, or <paramref name="fallback"/> when it is absent.</summary>
    public long Long(string name, long fallback) => Find(name)?.Value switch { long value => value, int value => value, _ => fallback };

    /// <summary>A number, or <paramref name="fallback"/> when absent.</summary>
    public double Double(string name, double fallback) => Find(name)?.Value switch { double d => d, int i => i, float f => f, _ => fallback };

    /// <summary>A truth value, or <paramref name="fallback"/> when absent.</summary>
    public bool Bool(string name, bool fallback) => Find(name)?.Value is bool value ? value : fallback;

    /// <summary>A text, or null when absent.</summary>
    public string? Text(string name) => Find(name)?.Value as string;

    /// <summary>A list of texts; empty when absent.</summary>
    public EquatableArray<string> Texts(string name) => Find(name)?.Value is EquatableArray<string> texts ? texts : [];

    /// <summary>A list of numbers, or null when absent.</summary>
    public EquatableArray<double>? Numbers(string name) => Find(name)?.Value is EquatableArray<double> numbers ? numbers : null;

    /// <summary>Whether the source sets <paramref name="name"/> itself.</summary>
    public bool IsExplicit(string name) => Find(name)?.IsExplicit == true;
}

/// <summary>A class whose attributes are placed in others.</summary>
/// <param name="Name">Its name, for messages.</param>
/// <param name="Attributes">Its layers in source order, copied, so that the declaration is whole by itself.</param>
/// <param name="Problem">Why it cannot be used, or null.</param>
public sealed record TemplateDeclaration(string Name, EquatableArray<AttributeDeclaration> Attributes, string? Problem = null);

/// <summary>A constant handed to an attribute.</summary>
/// <param name="Name">The constructor parameter's or property's name.</param>
/// <param name="Value">
/// <see cref="int"/> (enumerations as their number), <see cref="long"/>, <see cref="double"/>, <see cref="bool"/>, <see cref="string"/>, an <see cref="EquatableArray{T}"/> of texts or of <see cref="double"/>, or null.
/// </param>
/// <param name="IsExplicit">False when it is the parameter's default.</param>
public sealed record AttributeArgument(string Name, object? Value, bool IsExplicit)
{
    /// <summary>Numbers are compared by their bits: what is generated for 0 is not what is generated for -0.</summary>
    public bool Equals(AttributeArgument? other) => other is not null && Name == other.Name && IsExplicit == other.IsExplicit && (Value, other.Value) switch
    {
        (double one, double another) => Bits(one) == Bits(another),
        (EquatableArray<double> some, EquatableArray<double> others) => some.Select(Bits).SequenceEqual(others.Select(Bits)),
        _ => Equals(Value, other.Value),
    };

    /// <inheritdoc/>
    public override int GetHashCode() => Name.GetHashCode();

    private static long Bits(double value) => BitConverter.DoubleToInt64Bits(value);
}
