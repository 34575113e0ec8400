using System.Diagnostics;

namespace EfficientConv.Dsl.Tests;

/// <summary>The Python that has PyTorch and torchvision, if the machine has one: EFFICIENTCONV_PYTHON, or the first of the usual names.</summary>
internal static class Torch
{
    private static readonly Lazy<string?> s_python = new(() =>
        new[] { Environment.GetEnvironmentVariable("EFFICIENTCONV_PYTHON"), "python3", "/usr/bin/python3", "python" }
            .FirstOrDefault(python => !string.IsNullOrEmpty(python) && Start(python, ["-c", "import torch, torchvision"]).Code == 0));

    /// <summary>Why tests that need it cannot run, or null.</summary>
    public static string? Missing => s_python.Value is null
        ? "No Python with torch and torchvision on this machine (apt install python3-torchvision, or set EFFICIENTCONV_PYTHON)"
        : null;

    /// <summary>Runs a script beside the tests; it must succeed.</summary>
    public static void Run(string script, params string[] arguments)
    {
        (int code, string text) = Start(s_python.Value!, [Path.Combine(AppContext.BaseDirectory, script), .. arguments]);
        Assert.True(code == 0, text);
    }

    private static (int Code, string Text) Start(string python, IEnumerable<string> arguments)
    {
        try
        {
            using Process process = Process.Start(new ProcessStartInfo(python, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            Task<string> output = process.StandardOutput.ReadToEndAsync(), error = process.StandardError.ReadToEndAsync();
            process.WaitForExit();
            return (process.ExitCode, output.Result + error.Result);
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            return (-1, e.Message);
        }
    }
}

/// <summary>A theory that is skipped, with a message, where there is no PyTorch.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class TorchTheoryAttribute : TheoryAttribute
{
    public TorchTheoryAttribute() => Skip = Torch.Missing;
}
