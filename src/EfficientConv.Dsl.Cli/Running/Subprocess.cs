using System.Diagnostics;

namespace EfficientConv.Dsl.Cli.Running;

/// <summary>Runs other programs to their end; none outlives the tool.</summary>
internal static class Subprocess
{
    /// <summary>What a program said.</summary>
    /// <param name="ExitCode">Its exit code.</param>
    /// <param name="Output">Its standard output.</param>
    /// <param name="Error">Its standard error.</param>
    public sealed record Result(int ExitCode, string Output, string Error);

    /// <summary>Runs a program and returns when it has ended.</summary>
    /// <exception cref="System.ComponentModel.Win32Exception">It cannot be started.</exception>
    public static Result Run(ProcessStartInfo start)
    {
        start.RedirectStandardOutput = start.RedirectStandardError = true;
        using Process process = Process.Start(start)!;
        using Ending ending = new(() => Kill(process));
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return new Result(process.ExitCode, output, error.Result);
    }

    private static void Kill(Process process)
    {
        try
        {
            process.Kill(entireProcessTree: true);
        }
        catch (Exception exception) when (exception is InvalidOperationException or System.ComponentModel.Win32Exception or AggregateException)
        {
            // It has ended by itself.
        }
    }
}

/// <summary>Does something when the process ends before this is disposed of: the user has stopped it.</summary>
internal sealed class Ending : IDisposable
{
    private readonly Action _action;

    public Ending(Action action)
    {
        _action = action;
        AppDomain.CurrentDomain.ProcessExit += OnExit;
    }

    public void Dispose() => AppDomain.CurrentDomain.ProcessExit -= OnExit;

    private void OnExit(object? sender, EventArgs arguments)
    {
        try
        {
            _action();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // The process ends all the same.
        }
    }
}
