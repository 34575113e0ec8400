namespace EfficientConv.Dsl.Measuring;

/// <summary>This project's repository, where a program runs inside of it.</summary>
internal static class Checkout
{
    private const string Solution = "EfficientConv.Dsl.sln";

    /// <summary>The repository's folder; null for a program that is installed elsewhere, be it inside of another repository.</summary>
    public static string? Root { get; } = Above(AppContext.BaseDirectory);

    /// <summary>The nearest folder at or above <paramref name="folder"/> that is this repository and no other, or null.</summary>
    internal static string? Above(string folder)
    {
        string? at = Path.GetFullPath(folder);
        while (at is not null && !File.Exists(Path.Combine(at, Solution)))
            at = Path.GetDirectoryName(at);
        return at;
    }
}
