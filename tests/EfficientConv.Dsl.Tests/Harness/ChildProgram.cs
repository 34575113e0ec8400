using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using EfficientConv.Dsl.Tests.RandomNetworks;

namespace EfficientConv.Dsl.Tests.Harness;

/// <summary>
/// The random networks in a process of their own, for what cannot be tried in the test's process: without some of the processor's instructions,
/// and with memory around all buffers that must not be touched. <c>run folder</c> and <c>guard folder</c> read what <see cref="Start"/> wrote.
/// </summary>
internal static class ChildProgram
{
    private const string ImageFile = "networks.dll", FactsFile = "facts.txt", ProgressFile = "progress.txt", OutputsFile = "outputs.safetensors";

    /// <summary>What the child found.</summary>
    /// <param name="ExitCode">0 when all went well.</param>
    /// <param name="Progress">The last thing that it began.</param>
    /// <param name="Error">Its error output.</param>
    /// <param name="HasFma">Whether it saw multiply-add instructions.</param>
    /// <param name="Best">The instruction set that it chose.</param>
    /// <param name="Outputs">Outputs by network name and instruction set.</param>
    public sealed record Result(int ExitCode, string Progress, string Error, bool HasFma, InstructionSet Best, IReadOnlyDictionary<string, float[]> Outputs);

    /// <summary>Starts this assembly as a program over all random networks.</summary>
    public static Result Start(string mode, params (string Name, string Value)[] environment)
    {
        string folder = Directory.CreateTempSubdirectory("efficientconv-").FullName;
        try
        {
            File.WriteAllBytes(Path.Combine(folder, ImageFile), RandomCase.Batch.Image);
            foreach (RandomCase item in RandomCase.All)
                SafetensorsWriter.Write(Path.Combine(folder, item.Name + ".safetensors"), item.Weights);
            SafetensorsWriter.Write(Path.Combine(folder, "inputs.safetensors"), RandomCase.All.Select(c => (c.Name, new[] { c.Input.Length }, c.Input)));
            string host = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", "..", OperatingSystem.IsWindows() ? "dotnet.exe" : "dotnet"));
            ProcessStartInfo start = new(host, ["exec", typeof(ChildProgram).Assembly.Location, mode, folder]) { RedirectStandardError = true };
            foreach ((string name, string value) in environment)
                start.Environment[name] = value;
            using Process process = Process.Start(start)!;
            string error = process.StandardError.ReadToEnd();
            process.WaitForExit();
            string[] facts = Read(FactsFile).Split('\n');
            return new Result(
                process.ExitCode, Read(ProgressFile), error, facts[0] == bool.TrueString, Enum.Parse<InstructionSet>(facts[1]),
                process.ExitCode == 0 && mode == "run" ? Outputs(Path.Combine(folder, OutputsFile)) : new Dictionary<string, float[]>());

            string Read(string file) => File.ReadAllText(Path.Combine(folder, file));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static int Main(string[] arguments)
    {
        (string mode, string folder) = (arguments[0], arguments[1]);
        CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
        File.WriteAllText(Path.Combine(folder, FactsFile), $"{Fma.IsSupported}\n{InstructionSets.Best}");
        Assembly networks = NetworkBatch.LoadImage(File.ReadAllBytes(Path.Combine(folder, ImageFile)));
        using SafetensorsFile inputs = SafetensorsFile.Open(Path.Combine(folder, "inputs.safetensors"));
        List<(string Name, int[] Shape, float[] Values)> outputs = [];
        foreach (string name in inputs.Tensors.Select(t => t.Name).Order(StringComparer.Ordinal))
        {
            float[] input = inputs.ReadSingle(name);
            string weights = Path.Combine(folder, name + ".safetensors");
            IEnumerable<InstructionSet> sets = mode == "run" ? [InstructionSets.Best, InstructionSet.Scalar] : Numbers.Sets;
            foreach (InstructionSet set in sets)
            {
                File.WriteAllText(Path.Combine(folder, ProgressFile), $"{name} {set}");
                if (mode == "run")
                {
                    NetworkFactory factory = NetworkBatch.Find(networks, name);
                    float[] output = factory.Load(File.ReadAllBytes(weights), new LoadOptions { InstructionSet = set }).Run(input, RandomCase.Images, factory.OutputShape);
                    outputs.Add(($"{name} {set}", [output.Length], output));
                }
                else
                {
                    using SafetensorsFile file = SafetensorsFile.Open(weights);
                    GuardedProgram.For(NetworkBatch.FindType(networks, name)).Run(set, file.Tensors.ToDictionary(t => t.Name, t => file.ReadSingle(t.Name)), input);
                }
            }
        }

        SafetensorsWriter.Write(Path.Combine(folder, OutputsFile), outputs);
        return 0;
    }

    private static Dictionary<string, float[]> Outputs(string path)
    {
        using SafetensorsFile file = SafetensorsFile.Open(path);
        return file.Tensors.ToDictionary(t => t.Name, t => file.ReadSingle(t.Name));
    }
}
