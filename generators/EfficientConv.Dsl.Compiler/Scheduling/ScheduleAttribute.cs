using EfficientConv.Dsl.Compiler.Declarations;
using EfficientConv.Dsl.Compiler.Graph;

namespace EfficientConv.Dsl.Compiler.Scheduling;

/// <summary>Reads what the <c>Schedule</c> attribute of a network says.</summary>
public static class ScheduleAttribute
{
    /// <summary>Name of the attribute; it is no layer.</summary>
    public const string Kind = "Schedule";

    /// <summary><paramref name="settings"/> with what <paramref name="declaration"/> sets itself.</summary>
    public static ScheduleSettings Apply(NetworkDeclaration declaration, ScheduleSettings settings)
    {
        AttributeDeclaration? attribute = declaration.Attributes.FirstOrDefault(a => a.Kind == Kind);
        return attribute is null ? settings : settings with
        {
            FirstLevelBytes = Given(attribute.Int("firstLevelCacheBytes"), settings.FirstLevelBytes),
            SecondLevelBytes = Given(attribute.Int("secondLevelCacheBytes"), settings.SecondLevelBytes),
            Form = (BlockForm)attribute.Int("Form", (int)settings.Form),
            Rows = attribute.Int("Rows", settings.Rows),
            Slab = attribute.Int("Slab", settings.Slab),
        };
    }

    /// <summary>Reports sizes that no cache has.</summary>
    internal static void Check(AttributeReader reader)
    {
        foreach (string name in new[] { "firstLevelCacheBytes", "secondLevelCacheBytes" })
        {
            int bytes = reader.Attribute.Int(name);
            if (bytes != AttributeDeclaration.Unset && !ScheduleSettings.IsBelievable(bytes))
                reader.Invalid(name, FormattableString.Invariant($"{bytes}"), FormattableString.Invariant($"{ScheduleSettings.FewestBytes} to {ScheduleSettings.MostBytes} bytes"));
        }

        foreach (string name in new[] { "Rows", "Slab" })
        {
            int count = reader.Attribute.Int(name, 0);
            if (count < 0)
                reader.Invalid(name, FormattableString.Invariant($"{count}"), "0 (for the cheapest) or more");
        }
    }

    private static int Given(int value, int fallback) => value == AttributeDeclaration.Unset ? fallback : value;
}
