using System.Globalization;

namespace EfficientConv.Dsl;

/// <summary>Finds what stands before a network's names in a checkpoint, and decides whether it may be taken off.</summary>
internal sealed class CheckpointPrefixes
{
    private const int ShownPrefixes = 5;

    // What is put before every key: DataParallel, Lightning and others, torch.compile, FSDP, files that hold more than the weights, modules that hold one
    // network, moving averages.
    private static readonly string[] Wrappers =
    [
        "module.", "model.", "_orig_mod.", "_fsdp_wrapped_module.", "state_dict.", "model_state_dict.", "net.", "network.", "backbone.", "ema.", "ema_model.", "model_ema.",
    ];

    private readonly Dictionary<string, int> _counts;
    private readonly string _given;

    /// <summary>Looks for the names of <paramref name="known"/> after every dot of <paramref name="names"/>.</summary>
    /// <param name="known">The tensors by every name that they may have.</param>
    /// <param name="names">All names of the checkpoint.</param>
    /// <param name="given">The prefix that was asked for, empty or with a dot at its end.</param>
    internal CheckpointPrefixes(Dictionary<string, TensorSpec> known, IEnumerable<string> names, string given)
    {
        var found = new Dictionary<string, HashSet<TensorSpec>>(StringComparer.Ordinal);
        var seen = new HashSet<TensorSpec>(ReferenceEqualityComparer.Instance);
        foreach (string name in names)
        {
            seen.Clear();
            for (int start = 0; start >= 0; start = name.IndexOf('.', start) is >= 0 and var dot ? dot + 1 : -1)
            {
                // A tensor may have a longer and a shorter name, "net.0.weight" and "0.weight": the longer one counts.
                if (!known.TryGetValue(name[start..], out TensorSpec? spec) || !seen.Add(spec))
                    continue;
                if (!found.TryGetValue(name[..start], out HashSet<TensorSpec>? specs))
                    found.Add(name[..start], specs = new HashSet<TensorSpec>(ReferenceEqualityComparer.Instance));
                specs.Add(spec);
            }
        }

        _counts = found.ToDictionary(p => p.Key, p => p.Value.Count, StringComparer.Ordinal);
        _given = given;
        Used = Choose();
    }

    /// <summary>What is taken off: the prefix that was asked for and, where one known wrapper after it has more of the network's names than any other place, that.</summary>
    internal string Used { get; }

    /// <summary>
    /// Where at least half of <paramref name="count"/> tensors are, and as many as at <see cref="Used"/>, beside it.
    /// </summary>
    internal IReadOnlyList<string> Others(int count) =>
    [
        .. _counts.Where(p => p.Key != Used && p.Value >= Count(Used) && 2 * p.Value >= count)
            .OrderByDescending(p => p.Value).ThenBy(p => p.Key, StringComparer.Ordinal).Select(p => p.Key),
    ];

    /// <summary>What to do about <paramref name="others"/>; null where there are none.</summary>
    internal string? Hint(IReadOnlyList<string> others)
    {
        if (others.Count == 0)
            return null;
        string[] shown = [.. others.Take(ShownPrefixes)];
        string places = string.Join(", ", shown.Select(Place)), setting = $"LoadOptions.{nameof(LoadOptions.Prefix)} = ";
        if (others.Count > shown.Length)
            places += string.Create(CultureInfo.InvariantCulture, $" and {others.Count - shown.Length} more");
        string hint;
        if (Count(Used) > 0)
        {
            string these = Used.Length > 0 ? setting + Setting(Used) : $"LoadOptions.{nameof(LoadOptions.Strict)} = false";
            hint = $"The network's names are there more than once, {Place(Used)} and {places}: {setting}{Setting(others[0])} reads those, {these} these.";
        }
        else if (others.Count > 1)
        {
            string times = others.Count.ToString(CultureInfo.InvariantCulture);
            hint = $"The network's names are there {times} times, {places}: {setting}{string.Join(" or ", shown.Select(Setting))} chooses.";
        }
        else
        {
            hint = $"The network's names are there {places}: {setting}{Setting(others[0])} reads them.";
        }

        string? average = others.Prepend(Used).FirstOrDefault(p => p.Split('.').Any(IsAverage));
        return average is null ? hint : $"{hint} Those {Place(average)} are the moving average that training keeps, usually the weights to run.";

        static string Place(string prefix) => prefix.Length == 0 ? "as they stand" : $"behind \"{prefix}\"";
        static string Setting(string prefix) => $"\"{prefix.TrimEnd('.')}\"";
        static bool IsAverage(string part) => part is "ema" or "swa" || part.StartsWith("ema_", StringComparison.Ordinal) || part.EndsWith("_ema", StringComparison.Ordinal);
    }

    private string Choose()
    {
        int most = Count(_given);
        string used = _given;
        bool isTied = false;
        foreach ((string prefix, int count) in _counts)
        {
            if (count < most || prefix == _given || !prefix.StartsWith(_given, StringComparison.Ordinal) || !IsWrapper(prefix.AsSpan(_given.Length)))
                continue;

            // As they stand first; of two wrappers with as many names, neither.
            isTied = count == most && used.Length > _given.Length;
            if (count > most)
                (most, used) = (count, prefix);
        }

        return isTied ? _given : used;
    }

    private int Count(string prefix) => _counts.GetValueOrDefault(prefix);

    private static bool IsWrapper(ReadOnlySpan<char> prefix)
    {
        while (prefix.Length > 0)
        {
            string? wrapper = null;
            foreach (string candidate in Wrappers)
                wrapper = prefix.StartsWith(candidate, StringComparison.Ordinal) ? candidate : wrapper;
            if (wrapper is null)
                return false;
            prefix = prefix[wrapper.Length..];
        }

        return true;
    }
}
