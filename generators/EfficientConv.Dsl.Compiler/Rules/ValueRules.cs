using System.Globalization;
using EfficientConv.Dsl.Compiler.Declarations;
using EfficientConv.Dsl.Compiler.Findings;
using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Graph.Keys;

namespace EfficientConv.Dsl.Compiler.Rules;

/// <summary>Values that are wrong whatever the shapes are. The expansion stops at the first error; this finds the other wrong values.</summary>
internal static class ValueRules
{
    private static readonly string[] Positive =
    [
        "channels", "height", "width", "outChannels", "midChannels", "hiddenChannels", "squeezeChannels", "squeezeReduction", "reduction", "multiplier", "outFeatures",
        "numParameters", "groups", "kernelSize", "KernelHeight", "KernelWidth", "stride", "StrideHeight", "StrideWidth", "dilation", "DilationHeight", "DilationWidth",
    ];

    private static readonly string[] NotNegative =
        ["padding", "Padding", "PaddingHeight", "PaddingWidth", "PaddingTop", "PaddingBottom", "PaddingLeft", "PaddingRight"];

    private static readonly string[] PositiveNumbers = ["expansion", "eps", "Eps"];

    /// <summary>Wrong values that are not among <paramref name="known"/>.</summary>
    public static IEnumerable<Finding> Check(NetworkDeclaration declaration, IReadOnlyList<Finding> known)
    {
        if (declaration.Target.Count > 0)
            yield break;
        int position = 0;
        for (int i = 0; i < declaration.Attributes.Count; i++)
        {
            AttributeDeclaration attribute = declaration.Attributes[i];
            bool isModule = Expansion.IsInSequence(attribute.Kind) && attribute.Kind != KeyScheme.StageMark && !GraphExpansion.Handles(attribute.Kind);
            string index = isModule ? position++.ToString(CultureInfo.InvariantCulture) : attribute.Kind;
            string place = $"{attribute.Kind} \"{attribute.Text("Name") ?? index}\"";
            foreach (AttributeArgument argument in attribute.Arguments.Where(argument => argument.IsExplicit))
            {
                if (Expected(argument) is { } expected && !known.Any(finding => finding.AttributeIndex == i && finding.Argument == argument.Name))
                {
                    yield return new Finding(
                        RuleCatalog.InvalidValue.Id, i, argument.Name, FormattableString.Invariant($"{place} has {argument.Name} {argument.Value} (it must be {expected})"));
                }
            }
        }
    }

    /// <summary>What a value must be, if it is something else.</summary>
    private static string? Expected(AttributeArgument argument) => argument.Value switch
    {
        int value when value != AttributeDeclaration.Unset && Positive.Contains(argument.Name) => Range(value, 1),
        int value when value != AttributeDeclaration.Unset && NotNegative.Contains(argument.Name) => Range(value, 0),
        double value when PositiveNumbers.Contains(argument.Name) && !(value > 0 && value <= AttributeReader.MaxValue) => "a positive number",
        _ => null,
    };

    private static string? Range(int value, int minimum) =>
        value >= minimum && value <= AttributeReader.MaxValue ? null : FormattableString.Invariant($"from {minimum} to {AttributeReader.MaxValue}");
}
