using System.Globalization;
using System.Text;

namespace EfficientConv.Dsl;

/// <summary>What is wrong with a tensor of a checkpoint.</summary>
public enum WeightsProblemKind
{
    /// <summary>The network needs it and the checkpoint lacks it.</summary>
    Missing,

    /// <summary>The checkpoint has it and the network has no use for it.</summary>
    Unexpected,

    /// <summary>The same parameter is in the checkpoint under two names.</summary>
    Ambiguous,

    /// <summary>Its shape is another.</summary>
    Misshaped,

    /// <summary>Its element type cannot be read.</summary>
    UnsupportedType,

    /// <summary>It holds a NaN or an infinity.</summary>
    NonFinite,

    /// <summary>A running variance is below zero.</summary>
    NegativeVariance,
}

/// <summary>One thing that is wrong with a checkpoint.</summary>
/// <param name="Kind">What is wrong.</param>
/// <param name="Tensor">The tensor's name.</param>
/// <param name="Expected">What the network expects.</param>
/// <param name="Found">What the checkpoint holds.</param>
public sealed record WeightsProblem(WeightsProblemKind Kind, string Tensor, string Expected, string Found)
{
    /// <summary>One line of the exception's message.</summary>
    public override string ToString() => $"{Word(Kind)} \"{Tensor}\": expected {Expected}, found {Found}";

    internal static string Word(WeightsProblemKind kind) => kind switch
    {
        WeightsProblemKind.Missing => "missing",
        WeightsProblemKind.Unexpected => "unexpected",
        WeightsProblemKind.Ambiguous => "ambiguous",
        WeightsProblemKind.Misshaped => "wrong shape of",
        WeightsProblemKind.UnsupportedType => "unsupported type of",
        WeightsProblemKind.NonFinite => "non-finite value in",
        _ => "negative variance in",
    };
}

/// <summary>A checkpoint does not fit a network. All that is wrong is listed; nothing was built.</summary>
public sealed class WeightsException : Exception
{
    private const int ShownProblems = 20;

    internal WeightsException(string network, string source, IReadOnlyList<WeightsProblem> problems, string? hint, IReadOnlyList<string> prefixes)
        : base(Describe(network, source, problems, hint))
    {
        Problems = problems;
        Hint = hint;
        Prefixes = prefixes;
    }

    /// <summary>Everything that is wrong.</summary>
    public IReadOnlyList<WeightsProblem> Problems { get; }

    /// <summary>What to try, where the network's names stand after a prefix or the names are those of another published model; else null.</summary>
    public string? Hint { get; }

    /// <summary>Values of <see cref="LoadOptions.Prefix"/> with which the network's names were found, the most complete first; empty where there are none.</summary>
    public IReadOnlyList<string> Prefixes { get; }

    private static string Describe(string network, string source, IReadOnlyList<WeightsProblem> problems, string? hint)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{source} does not fit {network} ({problems.Count} problem{(problems.Count == 1 ? "" : "s")}):");
        if (hint is not null)
            text.Append('\n').Append(hint);

        // A checkpoint of another style has hundreds of each kind: some of every kind say more than many of one.
        IGrouping<WeightsProblemKind, WeightsProblem>[] kinds = [.. problems.GroupBy(p => p.Kind)];
        var shown = new Dictionary<WeightsProblemKind, int>();
        int left = ShownProblems;
        foreach (IGrouping<WeightsProblemKind, WeightsProblem> kind in kinds.OrderBy(k => k.Count()))
        {
            shown[kind.Key] = Math.Min(kind.Count(), left / (kinds.Length - shown.Count));
            left -= shown[kind.Key];
        }

        foreach (IGrouping<WeightsProblemKind, WeightsProblem> kind in kinds)
        {
            foreach (WeightsProblem problem in kind.Take(shown[kind.Key]))
                text.Append(CultureInfo.InvariantCulture, $"\n  {problem}");
            if (kind.Count() > shown[kind.Key])
                text.Append(CultureInfo.InvariantCulture, $"\n  ... and {kind.Count() - shown[kind.Key]} more {WeightsProblem.Word(kind.Key)}");
        }
        return text.ToString();
    }
}
