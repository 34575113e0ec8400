using System.Globalization;
using System.Reflection;
using EfficientConv.Dsl.Compiler;
using EfficientConv.Dsl.Compiler.Declarations;
using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Model;
using EfficientConv.Dsl.Compiler.Scheduling;
using EfficientConv.Dsl.Measuring;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace EfficientConv.Dsl.Tests.Harness;

/// <summary>Attribute text to a declaration without a compilation: quick enough to try many.</summary>
internal static class DeclarationText
{
    private static readonly Assembly s_library = typeof(LayerAttribute).Assembly;

    /// <summary>The declaration of a public class <c>Batch.{name}</c> with <paramref name="attributes"/>.</summary>
    public static NetworkDeclaration Parse(string attributes, string name = "Net")
    {
        CompilationUnitSyntax unit = SyntaxFactory.ParseCompilationUnit(attributes + $" public sealed partial class {name};");
        Assert.DoesNotContain(unit.GetDiagnostics(), d => d.Severity == Microsoft.CodeAnalysis.DiagnosticSeverity.Error);
        IEnumerable<AttributeDeclaration> read = unit.DescendantNodes().OfType<AttributeSyntax>().Select(Read);
        return new NetworkDeclaration("Batch", [], name, "class", true, read.ToEquatableArray(), []);
    }

    /// <summary>The layers of <paramref name="attributes"/>, which must be valid.</summary>
    public static LayerGraph Graph(string attributes)
    {
        ExpansionResult result = Expansion.Expand(Parse(attributes));
        Assert.True(result.Graph is not null, $"{attributes}: {string.Join("; ", result.Findings.Select(f => f.Message))}");
        return result.Graph;
    }

    /// <summary>One of the files generated for <paramref name="attributes"/>: the kernels of a target, or the user's half.</summary>
    public static string Generate(string attributes, string? target, string name = "Net") => NetworkCompiler.Compile(Parse(attributes, name), ScheduleSettings.Default).Sources
        .Single(s => target is null ? s.HintName.Count(c => c == '.') == 2 : s.HintName.EndsWith($".{target}.g.cs", StringComparison.Ordinal)).Text;

    private static AttributeDeclaration Read(AttributeSyntax attribute)
    {
        string kind = attribute.Name.ToString();
        Type type = s_library.GetType($"EfficientConv.Dsl.{kind}Attribute", throwOnError: true)!;
        Dictionary<string, AttributeArgument> arguments = [];
        ParameterInfo[] parameters = type.GetConstructors().Single().GetParameters();
        foreach (ParameterInfo parameter in parameters)
            arguments[parameter.Name!] = new AttributeArgument(parameter.Name!, DeclarationReflection.Default(parameter), IsExplicit: false);
        int position = 0;
        List<string> texts = [];
        foreach (AttributeArgumentSyntax argument in attribute.ArgumentList?.Arguments ?? [])
        {
            if (argument.NameEquals is null && parameters.LastOrDefault()?.ParameterType == typeof(string[]))
            {
                texts.Add(argument.Expression.ToString().Trim('"'));
                arguments[parameters[^1].Name!] = new AttributeArgument(parameters[^1].Name!, texts.ToEquatableArray(), IsExplicit: true);
                continue;
            }

            string name = argument.NameEquals?.Name.Identifier.ValueText ?? argument.NameColon?.Name.Identifier.ValueText ?? parameters[position].Name!;
            position++;
            Type target = argument.NameEquals is null ? parameters.Single(p => p.Name == name).ParameterType : type.GetProperty(name)!.PropertyType;
            arguments[name] = new AttributeArgument(name, Value(argument.Expression, target), IsExplicit: true);
        }

        return new AttributeDeclaration(kind, arguments.Values.ToEquatableArray());
    }

    private static object? Value(ExpressionSyntax expression, Type type)
    {
        string text = expression.ToString();
        if (type.IsEnum)
            return (int)Enum.Parse(type, text[(text.LastIndexOf('.') + 1)..]);
        if (type == typeof(bool))
            return bool.Parse(text);
        if (type == typeof(double[]))
            return expression.DescendantNodes().OfType<InitializerExpressionSyntax>().Single().Expressions.Select(value => (double)Value(value, typeof(double))!).ToEquatableArray();
        if (type == typeof(double))
            return double.Parse(text, CultureInfo.InvariantCulture);
        return type == typeof(int) ? int.Parse(text, CultureInfo.InvariantCulture) : text.Trim('"');
    }
}
