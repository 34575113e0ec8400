using EfficientConv.Dsl.Compiler.Findings;

namespace EfficientConv.Dsl.Compiler.Graph;

/// <summary>The names that attributes gave to tensors so far, local to one class.</summary>
/// <param name="input">The layer whose output comes in.</param>
internal sealed class TensorNames(int input)
{
    /// <summary>What comes in, unless an attribute has this name.</summary>
    public const string Input = "input";

    private readonly Dictionary<string, int> _layers = [];

    /// <summary>Gives the current tensor a name.</summary>
    public void Define(GraphBuilder builder, AttributeReader reader, string name)
    {
        if (builder.Failed)
            return;
        if (_layers.ContainsKey(name))
        {
            builder.Report(
                RuleCatalog.DuplicateName, reader.Index, "Name",
                $"{reader.Kind} \"{name}\" has the name of a tensor further up (a name may be given once, or From, Add and Concat could mean either)");
            return;
        }

        _layers.Add(name, builder.Current);
    }

    /// <summary>The layer whose output has <paramref name="name"/>, or null after a finding at <paramref name="argument"/>.</summary>
    public int? Find(GraphBuilder builder, AttributeReader reader, string argument, string name)
    {
        if (builder.Failed)
            return null;
        if (_layers.TryGetValue(name, out int layer))
            return layer;
        if (name == Input)
            return input;
        string[] known = [.. _layers.Keys.OrderBy(n => n, StringComparer.Ordinal), Input];
        builder.Report(
            RuleCatalog.UnknownName, reader.Index, argument,
            $"{reader.Kind} \"{reader.Name}\" reads \"{name}\", which no attribute above it names (known here: {string.Join(", ", known.Select(n => $"\"{n}\""))})",
            FixProposal.Alternatives(argument, known.OrderBy(n => Distance(n, name)).Take(2).Select(n => $"\"{n}\"")));
        return null;
    }

    /// <summary>Insertions, deletions and replacements from one text to the other (Levenshtein).</summary>
    private static int Distance(string a, string b)
    {
        int[] row = Enumerable.Range(0, b.Length + 1).ToArray();
        for (int i = 1; i <= a.Length; i++)
        {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.Length; j++)
            {
                int replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(replaced, Math.Min(row[j], row[j - 1]) + 1);
            }
        }

        return row[b.Length];
    }
}
