namespace EfficientConv.Dsl.Compiler.Declarations;

/// <summary>Names of C#.</summary>
public static class Identifiers
{
    /// <summary>Names that mean something to some version of C#, wherever they do: one sign too many harms nobody.</summary>
    private static readonly HashSet<string> Keywords =
    [
        "abstract", "as", "base", "bool", "break", "byte", "case", "catch", "char", "checked", "class", "const", "continue", "decimal", "default", "delegate", "do", "double", "else",
        "enum", "event", "explicit", "extern", "false", "finally", "fixed", "float", "for", "foreach", "goto", "if", "implicit", "in", "int", "interface", "internal", "is", "lock",
        "long", "namespace", "new", "null", "object", "operator", "out", "override", "params", "private", "protected", "public", "readonly", "ref", "return", "sbyte", "sealed", "short",
        "sizeof", "stackalloc", "static", "string", "struct", "switch", "this", "throw", "true", "try", "typeof", "uint", "ulong", "unchecked", "unsafe", "ushort", "using", "virtual",
        "void", "volatile", "while",
        "add", "alias", "allows", "and", "ascending", "assembly", "async", "await", "by", "descending", "dynamic", "equals", "extension", "field", "file", "from", "get", "global", "group",
        "init", "into", "join", "let", "managed", "method", "module", "nameof", "nint", "not", "notnull", "nuint", "on", "or", "orderby", "param", "partial", "property", "record",
        "remove", "required", "scoped", "select", "set", "type", "typevar", "unmanaged", "value", "var", "when", "where", "with", "yield",
        "__arglist", "__makeref", "__reftype", "__refvalue",
    ];

    /// <summary><paramref name="identifier"/> as a declaration may write it: one that is also a keyword, reserved or in some context, needs its @.</summary>
    public static string Escape(string identifier) => Keywords.Contains(identifier) ? "@" + identifier : identifier;
}
