using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Runtime.Loader;

namespace EfficientConv.Dsl.Cli.Running;

/// <summary>
/// The tool starts itself to run a network alone: for the just-in-time compiler's listing, which is asked for when a process starts, and for memory
/// that no compiler has touched. The hidden verb's arguments: assembly, instruction set, calls.
/// </summary>
internal static class ChildProcess
{
    /// <summary>The hidden verb.</summary>
    public const string Verb = "run-in-child";

    /// <summary>Writes the assembly into a temporary folder and runs the network that it holds.</summary>
    public static Subprocess.Result Start(byte[] assembly, InstructionSet set, int calls, params (string Name, string Value)[] environment)
    {
        string folder = Directory.CreateTempSubdirectory("efficientconv-").FullName;
        using Ending ending = new(() => Directory.Delete(folder, recursive: true));
        try
        {
            string image = Path.Combine(folder, "network.dll");
            File.WriteAllBytes(image, assembly);
            ProcessStartInfo start = StartInfo(Verb, image, set.ToString(), calls.ToString(CultureInfo.InvariantCulture));
            foreach ((string name, string value) in environment)
                start.Environment[name] = value;
            return Subprocess.Run(start);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>How the tool starts itself.</summary>
    public static ProcessStartInfo StartInfo(params string[] arguments)
    {
        string host = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", "..", OperatingSystem.IsWindows() ? "dotnet.exe" : "dotnet"));
        return new ProcessStartInfo(host, ["exec", typeof(ChildProcess).Assembly.Location, .. arguments]);
    }

    /// <summary>What the child does: loads, runs, and says how much memory it had before and at most.</summary>
    public static int Run(string[] arguments)
    {
        long before = PeakResidentBytes();
        if (arguments.Length != 4)
            throw new ToolException($"{Verb} is for the tool itself.");
        RunnableNetwork network = RunnableNetwork.In(AssemblyLoadContext.Default.LoadFromAssemblyPath(arguments[1]));
        LoadedNetwork loaded = network.CreateRandom(1, Enum.Parse<InstructionSet>(arguments[2]));
        float[] input = new float[network.InputShape.ElementCount], output = new float[network.OutputShape.ElementCount];
        for (int i = int.Parse(arguments[3], CultureInfo.InvariantCulture); i > 0; i--)
            loaded.ForwardOne(input, output);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{before} {PeakResidentBytes()}"));
        return ExitCode.Success;
    }

    /// <summary>The most memory that the process ever had.</summary>
    private static long PeakResidentBytes()
    {
        const string Status = "/proc/self/status";
        if (File.Exists(Status) && File.ReadLines(Status).FirstOrDefault(l => l.StartsWith("VmHWM:", StringComparison.Ordinal)) is { } line)
            return long.Parse(line.AsSpan(6).Trim().ToString().Split(' ')[0], CultureInfo.InvariantCulture) << 10;
        using Process process = Process.GetCurrentProcess();
        return process.PeakWorkingSet64;
    }
}
