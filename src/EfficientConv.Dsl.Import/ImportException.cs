namespace EfficientConv.Dsl.Import;

/// <summary>A model that cannot be read or said; the message says what, where, what was found and what is expected.</summary>
internal sealed class ImportException(string message, IReadOnlyList<ImportProblem>? problems = null) : Exception(message)
{
    /// <summary>Every part of the model that cannot be said, where that is why.</summary>
    public IReadOnlyList<ImportProblem> Problems { get; } = problems ?? [];
}

/// <summary>A node that no attribute says.</summary>
/// <param name="Node">Its operator and its name.</param>
/// <param name="Shapes">What it reads and makes.</param>
/// <param name="Why">Why it cannot be said.</param>
/// <param name="Advice">The nearest way.</param>
internal sealed record ImportProblem(string Node, string Shapes, string Why, string Advice);
