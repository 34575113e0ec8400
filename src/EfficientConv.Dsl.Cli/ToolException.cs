namespace EfficientConv.Dsl.Cli;

/// <summary>How the tool ends.</summary>
internal static class ExitCode
{
    /// <summary>Everything was done, and what was checked is right.</summary>
    public const int Success = 0;

    /// <summary>A network has a mistake, or something that was checked is wrong.</summary>
    public const int Failed = 1;

    /// <summary>The command line is wrong, a file cannot be read or written, memory does not suffice, or the tool was stopped or failed itself.</summary>
    public const int Usage = 2;
}

/// <summary>Something that the user has to put right; the message says what, where, what was found and what is expected.</summary>
internal sealed class ToolException(string message, int exitCode = ExitCode.Usage) : Exception(message)
{
    public int ExitCode => exitCode;
}
