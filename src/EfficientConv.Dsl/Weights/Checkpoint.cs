using System.Globalization;
using EfficientConv.Dsl.Runtime;

namespace EfficientConv.Dsl;

/// <summary>Matches one or several safetensors files with a network's parameters and finds everything that is wrong at once.</summary>
internal static class Checkpoint
{
    // What torch.nn.DataParallel and training frameworks put in front of every key.
    private static readonly string[] Wrappers = ["module.", "model."];

    /// <summary>Reads all parameters, by <see cref="TensorSpec.Key"/>.</summary>
    /// <exception cref="WeightsException">Anything is wrong.</exception>
    internal static Dictionary<string, float[]> Read(
        string network, string source, ReadOnlySpan<TensorSpec> parameters, ReadOnlySpan<ReparameterizedConvolution> reparameterized, IReadOnlyList<SafetensorsFile> files, string prefix)
    {
        if (prefix.Length > 0 && !prefix.EndsWith('.'))
            prefix += ".";
        Stored[] stored =
        [
            .. files.SelectMany(file => file.Tensors.Select(tensor => new Stored(file, tensor)))
                .Where(s => s.Tensor.Name.StartsWith(prefix, StringComparison.Ordinal) && !IsCounter(s.Tensor.Name)),
        ];
        var sums = new List<(ReparameterizedConvolution Sum, TensorSpec Weight)>();
        TensorSpec[] expected = WithBranches(parameters, reparameterized, stored, prefix, sums);

        var problems = new List<WeightsProblem>();
        Dictionary<TensorSpec, Stored> found = Match(expected, stored, prefix, problems);
        var values = new Dictionary<string, float[]>(StringComparer.Ordinal);
        foreach (TensorSpec spec in expected)
        {
            string shape = SafetensorsHeader.Shape(spec.Shape.Select(d => (long)d));
            if (!found.TryGetValue(spec, out Stored match))
            {
                problems.Add(new(WeightsProblemKind.Missing, spec.Key, shape, "nothing by this name"));
                continue;
            }
            SafetensorsTensor tensor = match.Tensor;
            if (!spec.Matches(tensor.Shape))
            {
                problems.Add(new(WeightsProblemKind.Misshaped, tensor.Name, shape, SafetensorsHeader.Shape(tensor.Shape)));
                continue;
            }
            if (!SafetensorsFile.IsReadable(tensor.Type))
            {
                problems.Add(new(WeightsProblemKind.UnsupportedType, tensor.Name, "F32, F16, BF16 or F64", tensor.Type.ToString()));
                continue;
            }
            float[] read = match.File.ReadSingle(tensor.Name);
            CheckValues(spec, tensor.Name, read, problems);
            values[spec.Key] = read;
        }
        if (problems.Count > 0)
            throw new WeightsException(network, source, problems, Hint(expected, stored, prefix, problems));
        foreach ((ReparameterizedConvolution sum, TensorSpec weight) in sums)
            sum.Sum(weight, values);
        return values;
    }

    /// <summary>The parameters, with branches in place of each sum that the checkpoint does not hold itself.</summary>
    private static TensorSpec[] WithBranches(
        ReadOnlySpan<TensorSpec> parameters, ReadOnlySpan<ReparameterizedConvolution> reparameterized, Stored[] stored, string prefix,
        List<(ReparameterizedConvolution Sum, TensorSpec Weight)> sums)
    {
        if (reparameterized.Length == 0)
            return parameters.ToArray();
        var byKey = new Dictionary<string, TensorSpec>(StringComparer.Ordinal);
        foreach (TensorSpec spec in parameters)
            byKey[spec.Key] = spec;
        Dictionary<string, TensorSpec> byName = Names(parameters);
        var present = new HashSet<TensorSpec>(stored.Select(s => Find(byName, s.Tensor.Name[prefix.Length..])).OfType<TensorSpec>(), ReferenceEqualityComparer.Instance);

        var replaced = new Dictionary<string, ReparameterizedConvolution?>(StringComparer.Ordinal);
        foreach (ReparameterizedConvolution sum in reparameterized)
        {
            if (present.Contains(byKey[sum.WeightKey]) || present.Contains(byKey[sum.BiasKey]))
                continue;
            replaced[sum.WeightKey] = sum;
            replaced[sum.BiasKey] = null;
            sums.Add((sum, byKey[sum.WeightKey]));
        }

        var expected = new List<TensorSpec>();
        foreach (TensorSpec spec in parameters)
        {
            if (!replaced.TryGetValue(spec.Key, out ReparameterizedConvolution? sum))
                expected.Add(spec);
            else if (sum is not null)
                expected.AddRange(sum.Tensors(spec));
        }
        return [.. expected];
    }

    private static Dictionary<TensorSpec, Stored> Match(TensorSpec[] parameters, Stored[] stored, string prefix, List<WeightsProblem> problems)
    {
        Dictionary<string, TensorSpec> byName = Names(parameters);
        var found = new Dictionary<TensorSpec, Stored>(ReferenceEqualityComparer.Instance);
        foreach (Stored candidate in stored)
        {
            SafetensorsTensor tensor = candidate.Tensor;
            if (Find(byName, tensor.Name[prefix.Length..]) is not { } spec)
                problems.Add(new(WeightsProblemKind.Unexpected, tensor.Name, "nothing by this name", $"{tensor.Type} {SafetensorsHeader.Shape(tensor.Shape)}"));
            else if (!found.TryAdd(spec, candidate))
                problems.Add(new(WeightsProblemKind.Ambiguous, tensor.Name, $"one tensor for {spec.Key}", $"\"{found[spec].Tensor.Name}\" as well"));
        }
        return found;
    }

    private static Dictionary<string, TensorSpec> Names(ReadOnlySpan<TensorSpec> parameters)
    {
        var byName = new Dictionary<string, TensorSpec>(StringComparer.Ordinal);
        foreach (TensorSpec spec in parameters)
            byName[spec.CanonicalKey] = spec;
        foreach (TensorSpec spec in parameters)
            byName[spec.Key] = spec;
        return byName;
    }

    // Training's counters, which every batch norm of PyTorch has.
    private static bool IsCounter(string name) => name == "num_batches_tracked" || name.EndsWith(".num_batches_tracked", StringComparison.Ordinal);

    /// <summary>What to try where the names are those of another style than the network's.</summary>
    private static string? Hint(TensorSpec[] expected, Stored[] stored, string prefix, List<WeightsProblem> problems)
    {
        if (!problems.Exists(p => p.Kind == WeightsProblemKind.Missing) || !problems.Exists(p => p.Kind == WeightsProblemKind.Unexpected))
            return null;
        KeyStyle? theirs = KeyStyles.Guess(stored.Select(s => s.Tensor.Name[prefix.Length..])), ours = KeyStyles.Guess(expected.Select(s => s.Key));
        return theirs is { } style && theirs != ours
            ? $"The names look like KeyStyle.{style}; the network expects {(ours is { } own ? $"KeyStyle.{own}" : "others")} (InputShape's Keys chooses the style)."
            : null;
    }

    private static TensorSpec? Find(Dictionary<string, TensorSpec> byName, string name)
    {
        // As it stands first, because a layer may itself be named "model".
        TensorSpec? spec = byName.GetValueOrDefault(name);
        foreach (string wrapper in Wrappers)
        {
            if (spec is not null || !name.StartsWith(wrapper, StringComparison.Ordinal))
                continue;
            name = name[wrapper.Length..];
            spec = byName.GetValueOrDefault(name);
        }
        return spec;
    }

    private static void CheckValues(TensorSpec spec, string name, float[] values, List<WeightsProblem> problems)
    {
        for (int i = 0; i < values.Length; i++)
        {
            if (!float.IsFinite(values[i]))
            {
                problems.Add(new(WeightsProblemKind.NonFinite, name, "finite values", At(values[i], i)));
                return;
            }
            if (spec.Kind == TensorKind.RunningVariance && values[i] < 0)
            {
                problems.Add(new(WeightsProblemKind.NegativeVariance, name, "values of at least 0", At(values[i], i)));
                return;
            }
        }
    }

    private readonly record struct Stored(SafetensorsFile File, SafetensorsTensor Tensor);

    private static string At(float value, int index) => string.Create(CultureInfo.InvariantCulture, $"{value} at flat index {index}");
}
