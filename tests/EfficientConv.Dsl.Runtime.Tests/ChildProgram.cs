using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace EfficientConv.Dsl.Runtime.Tests;

/// <summary>Every function of 128-bit vectors in a process of its own, where the processor's multiply-add instructions can be switched off.</summary>
internal static class ChildProgram
{
    private const string Input = "input";

    /// <summary>
    /// What the functions make of <paramref name="values"/> where multiply-adds round twice, by the function's name; null on a machine that cannot switch them off.
    /// </summary>
    public static IReadOnlyDictionary<string, float[]>? WithoutFusedMultiplyAdd(float[] values)
    {
        // Arm always has them.
        if (AdvSimd.IsSupported)
            return null;
        string folder = Directory.CreateTempSubdirectory("efficientconv-").FullName;
        try
        {
            string from = Path.Combine(folder, "in.safetensors"), to = Path.Combine(folder, "out.safetensors");
            SafetensorsWriter.Write(from, [(Input, [values.Length], values)]);
            string host = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", "..", OperatingSystem.IsWindows() ? "dotnet.exe" : "dotnet"));
            ProcessStartInfo start = new(host, ["exec", typeof(ChildProgram).Assembly.Location, from, to]) { RedirectStandardError = true };

            // Newer runtimes count FMA to AVX2 and have no switch of its own.
            start.Environment["DOTNET_EnableFMA"] = "0";
            start.Environment["DOTNET_EnableAVX2"] = "0";
            using Process process = Process.Start(start)!;
            string error = process.StandardError.ReadToEnd();
            process.WaitForExit();
            Assert.True(process.ExitCode == 0, error);
            using SafetensorsFile file = SafetensorsFile.Open(to);
            return file.Tensors.ToDictionary(t => t.Name, t => file.ReadSingle(t.Name));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static int Main(string[] arguments)
    {
        if (Fma.IsSupported || Simd128.IsFused)
            throw new InvalidOperationException("Multiply-adds still round once.");
        using SafetensorsFile file = SafetensorsFile.Open(arguments[0]);
        List<(string Name, int[] Shape, float[] Values)> results = [];
        foreach (string name in Vectors.FunctionNames)
        {
            float[] values = file.ReadSingle(Input);
            Vectors.Of128Bits.Function(name)(values);
            results.Add((name, [values.Length], values));
        }

        SafetensorsWriter.Write(arguments[1], results);
        return 0;
    }
}
