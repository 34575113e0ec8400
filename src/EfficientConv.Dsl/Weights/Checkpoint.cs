using System.Globalization;
using EfficientConv.Dsl.Runtime;

namespace EfficientConv.Dsl;

/// <summary>Matches one or several safetensors files with a network's parameters and finds everything that is wrong at once.</summary>
internal static class Checkpoint
{
    /// <summary>Reads all parameters, by <see cref="TensorSpec.Key"/>.</summary>
    /// <exception cref="WeightsException">Anything is wrong.</exception>
    internal static Dictionary<string, float[]> Read(
        string network, string source, ReadOnlySpan<TensorSpec> parameters, ReadOnlySpan<ReparameterizedConvolution> reparameterized, IReadOnlyList<SafetensorsFile> files,
        LoadOptions? options)
    {
        string given = options?.Prefix ?? "";
        if (given.Length > 0 && !given.EndsWith('.'))
            given += ".";
        (SafetensorsFile File, SafetensorsTensor Tensor)[] all = [.. files.SelectMany(file => file.Tensors.Select(tensor => (file, tensor))).Where(s => !IsCounter(s.tensor.Name))];
        var prefixes = new CheckpointPrefixes(WithBranches(parameters, reparameterized), all.Select(s => s.Tensor.Name), given);
        Stored[] stored =
        [
            .. all.Where(s => s.Tensor.Name.StartsWith(given, StringComparison.Ordinal))
                .Select(s => new Stored(s.File, s.Tensor, s.Tensor.Name.StartsWith(prefixes.Used, StringComparison.Ordinal) ? s.Tensor.Name[prefixes.Used.Length..] : null)),
        ];
        var sums = new List<(ReparameterizedConvolution Sum, TensorSpec Weight)>();
        TensorSpec[] expected = InPlaceOfSums(parameters, reparameterized, stored, sums);

        var problems = new List<WeightsProblem>();
        var unexpected = new List<string>();
        Dictionary<TensorSpec, Stored> found = Match(expected, stored, options?.Strict != false, problems, unexpected);
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
            throw Failure(network, source, problems, expected, all.Select(s => s.Tensor.Name), prefixes);
        foreach ((ReparameterizedConvolution sum, TensorSpec weight) in sums)
            sum.Sum(weight, values);
        if (options?.UnexpectedKeys is { } keys)
        {
            foreach (string name in unexpected)
                keys.Add(name);
        }

        return values;
    }

    /// <summary>Every name that a tensor may have, those of branches as well.</summary>
    private static Dictionary<string, TensorSpec> WithBranches(ReadOnlySpan<TensorSpec> parameters, ReadOnlySpan<ReparameterizedConvolution> reparameterized)
    {
        Dictionary<string, TensorSpec> byName = Names(parameters);
        foreach (ReparameterizedConvolution sum in reparameterized)
        {
            foreach (TensorSpec branch in sum.Tensors(byName[sum.WeightKey]))
                byName.TryAdd(branch.Key, branch);
        }

        return byName;
    }

    /// <summary>The parameters, with branches in place of each sum that the checkpoint does not hold itself.</summary>
    private static TensorSpec[] InPlaceOfSums(
        ReadOnlySpan<TensorSpec> parameters, ReadOnlySpan<ReparameterizedConvolution> reparameterized, Stored[] stored,
        List<(ReparameterizedConvolution Sum, TensorSpec Weight)> sums)
    {
        if (reparameterized.Length == 0)
            return parameters.ToArray();
        var byKey = new Dictionary<string, TensorSpec>(StringComparer.Ordinal);
        foreach (TensorSpec spec in parameters)
            byKey[spec.Key] = spec;
        Dictionary<string, TensorSpec> byName = Names(parameters);
        var present = new HashSet<TensorSpec>(stored.Select(s => Find(byName, s)).OfType<TensorSpec>(), ReferenceEqualityComparer.Instance);

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

    private static Dictionary<TensorSpec, Stored> Match(TensorSpec[] parameters, Stored[] stored, bool isStrict, List<WeightsProblem> problems, List<string> unexpected)
    {
        Dictionary<string, TensorSpec> byName = Names(parameters);
        var found = new Dictionary<TensorSpec, Stored>(ReferenceEqualityComparer.Instance);
        foreach (Stored candidate in stored)
        {
            SafetensorsTensor tensor = candidate.Tensor;
            if (Find(byName, candidate) is not { } spec)
            {
                unexpected.Add(tensor.Name);
                if (isStrict)
                    problems.Add(new(WeightsProblemKind.Unexpected, tensor.Name, "nothing by this name", $"{tensor.Type} {SafetensorsHeader.Shape(tensor.Shape)}"));
            }
            else if (!found.TryAdd(spec, candidate))
            {
                problems.Add(new(WeightsProblemKind.Ambiguous, tensor.Name, $"one tensor for {spec.Key}", $"\"{found[spec].Tensor.Name}\" as well"));
            }
        }
        return found;
    }

    /// <summary>The tensors by every name that they may have; a key wins over a canonical name, and that over what a plain <c>nn.Sequential</c> has.</summary>
    private static Dictionary<string, TensorSpec> Names(ReadOnlySpan<TensorSpec> parameters)
    {
        var byName = new Dictionary<string, TensorSpec>(StringComparer.Ordinal);
        foreach (TensorSpec spec in parameters)
            byName[InPlainSequential(spec.Key)] = spec;
        foreach (TensorSpec spec in parameters)
            byName[spec.CanonicalKey] = spec;
        foreach (TensorSpec spec in parameters)
            byName[spec.Key] = spec;
        return byName;
    }

    /// <summary>
    /// The key where one of the tutorial's blocks is an <c>nn.Sequential</c> itself and not a module that holds one as <c>net</c> or <c>block</c>:
    /// <c>3.0.weight</c> for <c>3.net.0.weight</c>.
    /// </summary>
    private static string InPlainSequential(string key)
    {
        string[] parts = key.Split('.');
        return string.Join('.', parts.Where((part, i) => part is not ("net" or "block") || i + 1 == parts.Length || !KeyStyles.IsNumber(parts[i + 1])));
    }

    // Training's counters: every batch norm of PyTorch has one, and torch.optim.swa_utils.AveragedModel.
    private static bool IsCounter(string name) => name[(name.LastIndexOf('.') + 1)..] is "num_batches_tracked" or "n_averaged";

    private static WeightsException Failure(
        string network, string source, List<WeightsProblem> problems, TensorSpec[] expected, IEnumerable<string> names, CheckpointPrefixes prefixes)
    {
        bool isMissing = problems.Exists(p => p.Kind == WeightsProblemKind.Missing), isUnexpected = problems.Exists(p => p.Kind == WeightsProblemKind.Unexpected);
        IReadOnlyList<string> others = isMissing || isUnexpected ? prefixes.Others(expected.Length) : [];
        string? hint = prefixes.Hint(others) ?? FoldHint(problems, expected) ?? (isMissing && isUnexpected ? StyleHint(expected, names.Where(n => n.StartsWith(prefixes.Used, StringComparison.Ordinal))) : null);
        return new WeightsException(network, source, problems, hint, [.. others.Select(p => p.TrimEnd('.')).Where(p => p.Length > 0)]);
    }

    /// <summary>What to try where one side has the batch norms that the other has as biases of convolutions.</summary>
    private static string? FoldHint(List<WeightsProblem> problems, TensorSpec[] expected)
    {
        const string Mean = ".running_mean", Bias = ".bias";
        HashSet<string> weights = [.. expected.Where(spec => spec.Kind == TensorKind.Weight).Select(spec => spec.Key[..(spec.Key.LastIndexOf('.') + 1)])];
        bool Lacks(string end) => problems.Exists(p => p.Kind == WeightsProblemKind.Missing && p.Tensor.EndsWith(end, StringComparison.Ordinal));
        bool Has(Predicate<string> name) => problems.Exists(p => p.Kind == WeightsProblemKind.Unexpected && name(p.Tensor));
        if (Lacks(Mean) && Has(name => name.EndsWith(Bias, StringComparison.Ordinal) && weights.Contains(name[..(name.LastIndexOf('.') + 1)])))
            return "The checkpoint has its batch norms folded into the convolutions: so has a network with InputShape's FoldedBatchNorm = true (and layers outside blocks with bias: true and no BatchNorm).";
        return Lacks(Bias) && Has(name => name.EndsWith(Mean, StringComparison.Ordinal))
            ? "The checkpoint has batch norms that the network does not have: InputShape's FoldedBatchNorm folds those of its blocks, and is false where it is not set."
            : null;
    }

    /// <summary>What to try where the names are those of another style than the network's.</summary>
    private static string? StyleHint(TensorSpec[] expected, IEnumerable<string> names)
    {
        KeyStyle? theirs = KeyStyles.Guess(names), ours = KeyStyles.Guess(expected.Select(s => s.Key));
        return theirs is { } style && theirs != ours
            ? $"The names look like KeyStyle.{style}; the network expects {(ours is { } own ? $"KeyStyle.{own}" : "others")} (InputShape's Keys chooses the style)."
            : null;
    }

    private static TensorSpec? Find(Dictionary<string, TensorSpec> byName, Stored stored) => stored.Key is null ? null : byName.GetValueOrDefault(stored.Key);

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

    /// <summary>A tensor of the checkpoint.</summary>
    /// <param name="File">Where it is.</param>
    /// <param name="Tensor">The tensor.</param>
    /// <param name="Key">Its name without the prefix; null where it does not have that.</param>
    private readonly record struct Stored(SafetensorsFile File, SafetensorsTensor Tensor, string? Key);

    private static string At(float value, int index) => string.Create(CultureInfo.InvariantCulture, $"{value} at flat index {index}");
}
