using System.Globalization;

namespace EfficientConv.Dsl;

/// <summary>Matches a safetensors file with a network's parameters and finds everything that is wrong at once.</summary>
internal static class Checkpoint
{
    // What torch.nn.DataParallel and training frameworks put in front of every key.
    private static readonly string[] Wrappers = ["module.", "model."];

    /// <summary>Reads all parameters, by <see cref="TensorSpec.Key"/>.</summary>
    /// <exception cref="WeightsException">Anything is wrong.</exception>
    internal static Dictionary<string, float[]> Read(
        string network, string source, ReadOnlySpan<TensorSpec> parameters, SafetensorsFile file, string prefix)
    {
        var problems = new List<WeightsProblem>();
        Dictionary<TensorSpec, SafetensorsTensor> found = Match(parameters, file, prefix, problems);
        var values = new Dictionary<string, float[]>(StringComparer.Ordinal);
        foreach (TensorSpec spec in parameters)
        {
            string shape = SafetensorsHeader.Shape(spec.Shape.Select(d => (long)d));
            if (!found.TryGetValue(spec, out SafetensorsTensor? tensor))
            {
                problems.Add(new(WeightsProblemKind.Missing, spec.Key, shape, "nothing by this name"));
                continue;
            }
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
            float[] read = file.ReadSingle(tensor.Name);
            CheckValues(spec, tensor.Name, read, problems);
            values[spec.Key] = read;
        }
        if (problems.Count > 0)
            throw new WeightsException(network, source, problems);
        return values;
    }

    private static Dictionary<TensorSpec, SafetensorsTensor> Match(
        ReadOnlySpan<TensorSpec> parameters, SafetensorsFile file, string prefix, List<WeightsProblem> problems)
    {
        var byName = new Dictionary<string, TensorSpec>(StringComparer.Ordinal);
        foreach (TensorSpec spec in parameters)
            byName[spec.CanonicalKey] = spec;
        foreach (TensorSpec spec in parameters)
            byName[spec.Key] = spec;

        if (prefix.Length > 0 && !prefix.EndsWith('.'))
            prefix += ".";
        var found = new Dictionary<TensorSpec, SafetensorsTensor>(ReferenceEqualityComparer.Instance);
        foreach (SafetensorsTensor tensor in file.Tensors)
        {
            if (!tensor.Name.StartsWith(prefix, StringComparison.Ordinal))
                continue;
            string name = tensor.Name[prefix.Length..];
            if (name == "num_batches_tracked" || name.EndsWith(".num_batches_tracked", StringComparison.Ordinal))
                continue;
            if (Find(byName, name) is not { } spec)
                problems.Add(new(WeightsProblemKind.Unexpected, tensor.Name, "nothing by this name", $"{tensor.Type} {SafetensorsHeader.Shape(tensor.Shape)}"));
            else if (!found.TryAdd(spec, tensor))
                problems.Add(new(WeightsProblemKind.Ambiguous, tensor.Name, $"one tensor for {spec.Key}", $"\"{found[spec].Name}\" as well"));
        }
        return found;
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

    private static string At(float value, int index) => string.Create(CultureInfo.InvariantCulture, $"{value} at flat index {index}");
}
