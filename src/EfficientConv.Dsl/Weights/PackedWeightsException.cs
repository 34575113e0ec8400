namespace EfficientConv.Dsl;

/// <summary>A file of packed weights cannot be used: it is damaged, or made for another network, another build of it or another processor.</summary>
public sealed class PackedWeightsException : Exception
{
    internal PackedWeightsException(string path, string reason)
        : base($"{path}: {reason} (load the checkpoint instead and save the packed weights again)")
    {
        Path = path;
        Reason = reason;
    }

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>Why it cannot be used.</summary>
    public string Reason { get; }
}
