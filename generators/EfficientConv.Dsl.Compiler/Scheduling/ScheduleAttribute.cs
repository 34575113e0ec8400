using EfficientConv.Dsl.Compiler.Declarations;
using EfficientConv.Dsl.Compiler.Graph;

namespace EfficientConv.Dsl.Compiler.Scheduling;

/// <summary>Reads what the <c>Schedule</c> attribute of a network says.</summary>
public static class ScheduleAttribute
{
    /// <summary><paramref name="settings"/> with what <paramref name="declaration"/> sets itself.</summary>
    public static ScheduleSettings Apply(NetworkDeclaration declaration, ScheduleSettings settings)
    {
        AttributeDeclaration? attribute = declaration.Attributes.FirstOrDefault(a => a.Kind == ScheduleArguments.Kind);
        return attribute is null ? settings : settings with
        {
            FirstLevelBytes = Given(attribute.Int("firstLevelCacheBytes"), settings.FirstLevelBytes),
            SecondLevelBytes = Given(attribute.Int("secondLevelCacheBytes"), settings.SecondLevelBytes),
            Form = (BlockForm)attribute.Int("Form", (int)settings.Form),
            Rows = attribute.Int("Rows", settings.Rows),
            Slab = attribute.Int("Slab", settings.Slab),
            FusedBlocks = attribute.Int("FusedBlocks", settings.FusedBlocks),
        };
    }

    private static int Given(int value, int fallback) => value == AttributeDeclaration.Unset ? fallback : value;
}
