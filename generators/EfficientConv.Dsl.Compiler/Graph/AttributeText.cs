using System.Globalization;
using EfficientConv.Dsl.Compiler.Declarations;
using EfficientConv.Dsl.Compiler.Graph.Blocks;
using EfficientConv.Dsl.Compiler.Graph.Keys;
using EfficientConv.Dsl.Compiler.Model;

namespace EfficientConv.Dsl.Compiler.Graph;

/// <summary>Attributes as C#.</summary>
public static class AttributeText
{
    /// <summary>The arguments whose numbers are an enumeration's, alone or after the attribute that means another one: its name in the runtime library, and our copy of it.</summary>
    private static readonly Dictionary<string, (string Name, Type Members)> s_enumerations = new()
    {
        ["activation"] = ("Activation", typeof(ActivationKind)), ["squeezeActivation"] = ("Activation", typeof(ActivationKind)), ["gate"] = ("Activation", typeof(ActivationKind)),
        ["kind"] = ("Activation", typeof(ActivationKind)), ["shortcut"] = ("Shortcut", typeof(ShortcutMode)), ["SqueezeFrom"] = ("SqueezeSource", typeof(SqueezeSource)),
        ["Algorithm"] = ("ConvAlgorithm", typeof(ConvolutionAlgorithm)), ["AutoPad"] = ("AutoPad", typeof(AutoPadMode)), ["mode"] = ("Interpolation", typeof(InterpolationMode)),
        ["Layout"] = ("TensorLayout", typeof(SpanLayout)), ["Keys"] = ("KeyStyle", typeof(KeyStyle)), ["Form"] = ("BlockForm", typeof(BlockForm)),
        ["Pad2d.mode"] = ("PadMode", typeof(PadMode)),
    };

    /// <summary><paramref name="attribute"/> as a user writes it, without brackets: <c>Conv2d(32, kernelSize: 5, Name = "stem")</c>.</summary>
    public static string Of(AttributeDeclaration attribute)
    {
        List<string> arguments = [];
        for (int i = 0; i < attribute.Arguments.Count; i++)
        {
            AttributeArgument argument = attribute.Arguments[i];
            if (!argument.IsExplicit)
                continue;
            bool isProperty = char.IsUpper(argument.Name[0]), isPositional = !isProperty && arguments.Count == i && (i == 0 || IsObvious(attribute.Kind));
            if (argument is { Name: "tensors", Value: EquatableArray<string> names })
                arguments.AddRange(names.Select(PlainText.Quote));
            else
                arguments.Add((isPositional ? string.Empty : isProperty ? argument.Name + " = " : argument.Name + ": ") + Value(attribute.Kind, argument));
        }

        string template = attribute.Template is null ? string.Empty : $"<{attribute.Template.Name}>";
        return attribute.Kind + template + (arguments.Count == 0 ? string.Empty : $"({string.Join(", ", arguments)})");
    }

    /// <summary>The enumeration of an argument of the attribute <paramref name="kind"/>; null for one that is a number.</summary>
    internal static (string Name, Type Members)? EnumerationOf(string kind, string argument) =>
        s_enumerations.TryGetValue($"{kind}.{argument}", out (string Name, Type Members) own) ? own : s_enumerations.TryGetValue(argument, out (string Name, Type Members) shared) ? shared : null;

    /// <summary>Attributes whose arguments are read by their order: a shape, a range, channel counts.</summary>
    private static bool IsObvious(string kind) => kind is "InputShape" or "SliceChannels" or "Fire";

    private static string Value(string kind, AttributeArgument argument) => argument.Value switch
    {
        int when TemplateParameters.Find(argument.Value) is { } parameter => TemplateParameters.Text(parameter),
        int number when EnumerationOf(kind, argument.Name) is { } enumeration =>
            $"{enumeration.Name}.{Enum.GetName(enumeration.Members, number) ?? throw new InvalidOperationException($"{argument.Name} {number} is no {enumeration.Name}.")}",
        EquatableArray<double> numbers => $"new[] {{ {string.Join(", ", numbers.Select(Number))} }}",
        EquatableArray<string> texts => $"new[] {{ {string.Join(", ", texts.Select(PlainText.Quote))} }}",
        double number => Number(number),
        bool truth => truth ? "true" : "false",
        string text => PlainText.Quote(text),
        null => "null",
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ => throw new InvalidOperationException($"{argument} has a value that no attribute takes."),
    };

    /// <summary>A number of double precision: one without a fraction or an exponent is written as an integer, which C# converts.</summary>
    private static string Number(double value) => value switch
    {
        double.PositiveInfinity => "double.PositiveInfinity",
        double.NegativeInfinity => "double.NegativeInfinity",
        _ when double.IsNaN(value) => "double.NaN",
        0 when BitConverter.DoubleToInt64Bits(value) != 0 => "-0.0",
        _ => value.ToString("R", CultureInfo.InvariantCulture) is var text && text.Contains('E') ? text.Replace("E", "e") : text,
    };
}
