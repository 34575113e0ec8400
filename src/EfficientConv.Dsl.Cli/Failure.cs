using System.Reflection;
using System.Runtime.InteropServices;

namespace EfficientConv.Dsl.Cli;

/// <summary>How the tool ends when something goes wrong: always with one message and an exit code of its own, whatever has happened.</summary>
internal static class Failure
{
    private static readonly PosixSignal[] s_stops = [PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP, PosixSignal.SIGQUIT];

    private static volatile bool s_isStopped;

    /// <summary>Runs <paramref name="work"/> and returns its exit code, or that of what it failed with.</summary>
    public static int Guard(Func<int> work, TextWriter error)
    {
        try
        {
            return work();
        }
        catch (Exception exception)
        {
            exception = Cause(exception);
            if (Message(exception) is { Length: > 0 } message && !s_isStopped)
                Say(error, message);
            return exception is ToolException tool ? tool.ExitCode : ExitCode.Usage;
        }
    }

    /// <summary>Whoever stops the tool, by Ctrl-C for example, gets a message and <see cref="ExitCode.Usage"/>.</summary>
    /// <returns>To be kept until the end.</returns>
    public static IReadOnlyList<IDisposable> EndWhenStopped() => [.. s_stops.Select(signal => PosixSignalRegistration.Create(signal, context =>
    {
        context.Cancel = true;
        s_isStopped = true;
        Say(Console.Error, "error: stopped.");
        Environment.Exit(ExitCode.Usage);
    }))];

    /// <summary>What is after exceptions that only say that another one was thrown.</summary>
    private static Exception Cause(Exception exception)
    {
        while (exception is TargetInvocationException or TypeInitializationException or AggregateException && exception.InnerException is { } inner)
            exception = inner;
        return exception;
    }

    private static string Message(Exception exception) => exception switch
    {
        ToolException { ExitCode: ExitCode.Failed } when exception.Message.Contains(": error ", StringComparison.Ordinal) => exception.Message,
        ToolException => exception.Message.Length == 0 ? string.Empty : "error: " + OneLine(exception.Message),
        IOException or UnauthorizedAccessException => "error: " + OneLine(exception.Message),
        InsufficientExecutionStackException => "error: the sources are nested too deeply to be read.",
        OutOfMemoryException => "error: not enough memory.",
        _ => $"error: efficientconv failed, which is a fault of its own: {exception.GetType().Name} in " +
            $"{exception.TargetSite?.DeclaringType?.Name}.{exception.TargetSite?.Name}: {OneLine(exception.Message)}",
    };

    private static string OneLine(string text) => string.Join(' ', text.Split((char[])['\r', '\n'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));

    private static void Say(TextWriter error, string message)
    {
        try
        {
            error.WriteLine(message);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ObjectDisposedException)
        {
            // Standard error is closed or full: the exit code is all that can be told.
        }
    }
}
