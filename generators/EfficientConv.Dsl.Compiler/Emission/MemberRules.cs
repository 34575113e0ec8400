using EfficientConv.Dsl.Compiler.Declarations;
using EfficientConv.Dsl.Compiler.Findings;

namespace EfficientConv.Dsl.Compiler.Emission;

/// <summary>What in a network's class leaves no room for the generated part: its name, or a member that the user declares himself.</summary>
internal static class MemberRules
{
    /// <summary>One finding for the name, and one for each member of the user's.</summary>
    public static IEnumerable<Finding> Check(GeneratedType type, IReadOnlyList<GeneratedMember> generated)
    {
        string place = $"\"{type.Name}\"";
        if (type.Name == GeneratedMembers.Engine || generated.Any(member => member.ClashesWith(type.Name)))
            yield return Report(-1, $"has the name of its generated member {type.Name} (no member of a class may have the class's name)");
        for (int i = 0; i < type.Members.Count; i++)
        {
            OwnMember own = type.Members[i];
            if (own.IsConstructor)
                yield return Report(i, "declares a constructor (Load and CreateRandom make the instances of a network and give them their weights, so it has none of its own)");
            else if (own.IsRequired)
                yield return Report(i, $"declares {own.Name} as required (Load and CreateRandom make the instances of a network and would leave it unset)");
            else if (own.Name == GeneratedMembers.Engine || generated.Any(member => member.ClashesWith(own)))
            {
                string rule = IsOverload(own) ? "methods of one name must differ in their parameters" : "a class has one member of a name";
                yield return Report(i, $"declares {own.Name}, which is generated too ({rule})");
            }
        }

        bool IsOverload(OwnMember own) => own.Signature is not null && generated.Any(member => member.Name == own.Name && member.Parameters is not null);

        Finding Report(int member, string fact) =>
            new(RuleCatalog.MemberClash.Id, -1, null, $"{place} {fact}") { Severity = RuleCatalog.MemberClash.Severity, MemberIndex = member };
    }

    /// <summary>Whether the class has room for <paramref name="generated"/>.</summary>
    public static bool CanStand(GeneratedType type, GeneratedMember generated) =>
        !generated.ClashesWith(type.Name) && !type.Members.Any(generated.ClashesWith);
}
