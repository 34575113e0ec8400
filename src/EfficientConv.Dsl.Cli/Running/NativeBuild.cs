using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;
using EfficientConv.Dsl.Compiler;

namespace EfficientConv.Dsl.Cli.Running;

/// <summary>Publishes generated networks with NativeAOT for a machine that need not be this one, to look at their machine code.</summary>
internal sealed class NativeBuild : IDisposable
{
    private const string Name = "networks";

    private readonly string _folder = Directory.CreateTempSubdirectory("efficientconv-").FullName;

    /// <summary>The binary, with symbols.</summary>
    public string Binary => Path.Combine(_folder, "out", Name);

    /// <summary>Publishes <paramref name="networks"/> in one binary for a runtime identifier; takes about a minute.</summary>
    /// <exception cref="ToolException">It does not build.</exception>
    public static NativeBuild Publish(IEnumerable<(string Type, IEnumerable<GeneratedSource> Sources)> networks, string runtime, InstructionSet set)
    {
        NativeBuild build = new();
        try
        {
            StringBuilder program = new("using EfficientConv.Dsl;\n");
            foreach ((string type, IEnumerable<GeneratedSource> sources) in networks)
            {
                foreach (GeneratedSource source in sources)
                    File.WriteAllText(Path.Combine(build._folder, source.HintName), source.Text);
                program.Append("Run<global::").Append(type).Append(">();\n");
            }

            program.Append("static void Run<T>() where T : class, IConvNet<T>\n{\n    float[] output = new float[T.OutputShape.ElementCount];\n" +
                "    T.CreateRandom(1).Forward(new float[T.InputShape.ElementCount], output);\n    System.Console.WriteLine(output[0]);\n}\n");
            File.WriteAllText(Path.Combine(build._folder, "Program.cs"), program.ToString());
            File.WriteAllText(Path.Combine(build._folder, Name + ".csproj"), Project(runtime, set));
            Subprocess.Result result = Subprocess.Run(new ProcessStartInfo("dotnet", ["publish", build._folder, "-c", "Release", "-r", runtime, "-o", Path.Combine(build._folder, "out"), "-v", "quiet", "--nologo"]));
            return result.ExitCode == 0 ? build : throw new ToolException($"Publishing for {runtime} failed:\n{(result.Output + result.Error).Trim()}", ExitCode.Failed);
        }
        catch
        {
            build.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static string Project(string runtime, InstructionSet set)
    {
        string instructions = !runtime.EndsWith("-x64", StringComparison.Ordinal) ? string.Empty
            : $"<IlcInstructionSet>{(set == InstructionSet.Avx512 ? "x86-64-v4" : "x86-64-v3")}</IlcInstructionSet>";

        // To another architecture: a linker that knows it, and the libraries that a multi-architecture system has for it.
        string cross = runtime == "linux-arm64" && RuntimeInformation.ProcessArchitecture != Architecture.Arm64
            ? "<LinkerFlavor>lld</LinkerFlavor><ObjCopyName>aarch64-linux-gnu-objcopy</ObjCopyName><SysRoot>/</SysRoot>"
            : string.Empty;
        return $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <OutputType>Exe</OutputType>
                <TargetFramework>net10.0</TargetFramework>
                <Nullable>enable</Nullable>
                <AllowUnsafeBlocks>true</AllowUnsafeBlocks>
                <InvariantGlobalization>true</InvariantGlobalization>
                <PublishAot>true</PublishAot>
                <StripSymbols>false</StripSymbols>
                <NuGetAudit>false</NuGetAudit>
                {instructions}{cross}
              </PropertyGroup>
              <ItemGroup>
                <Reference Include="{typeof(InstructionSets).Assembly.Location}" />
              </ItemGroup>
            </Project>
            """;
    }
}
