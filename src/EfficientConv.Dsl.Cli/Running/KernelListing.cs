using EfficientConv.Dsl.Cli.Input;
using EfficientConv.Dsl.Cli.Verbs;
using EfficientConv.Dsl.Compiler;

namespace EfficientConv.Dsl.Cli.Running;

/// <summary>The machine code that the just-in-time compiler makes of a network.</summary>
internal static class KernelListing
{
    /// <summary>
    /// Runs the network in a child whose just-in-time compiler writes down what it makes of methods that match <paramref name="pattern"/>; empty where none does. Kernels are in their
    /// last form from the first call on, all other methods after some hundred.
    /// </summary>
    public static string Of(NetworkInput network, IEnumerable<GeneratedSource> sources, InstructionSet set, string pattern, int calls, params (string Name, string Value)[] environment)
    {
        string listing = Path.GetTempFileName();
        try
        {
            string filter = string.Join(' ', pattern.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(p => $"*_{Options.Target(set).Name}*:{p}"));
            Subprocess.Result result = ChildProcess.Start(
                NetworkBuild.Emit(sources.Select(f => f.Text)), set, calls,
                [("DOTNET_JitDisasm", filter), ("DOTNET_JitStdOutFile", listing), ("DOTNET_TieredPGO", "0"), .. environment]);
            return result.ExitCode == ExitCode.Success
                ? File.ReadAllText(listing)
                : throw new ToolException($"{network.Name} could not be run: {result.Error.Trim()}", ExitCode.Failed);
        }
        finally
        {
            File.Delete(listing);
        }
    }
}
