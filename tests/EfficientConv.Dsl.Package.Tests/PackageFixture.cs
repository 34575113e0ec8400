using System.Reflection;
using System.Text.RegularExpressions;

namespace EfficientConv.Dsl.Package.Tests;

/// <summary>The package in a local feed, and an app in an empty folder that was restored from it, with the README's code.</summary>
public sealed partial class PackageFixture : IAsyncLifetime
{
    private readonly string _root = Directory.CreateTempSubdirectory("efficientconv-package-").FullName;

    internal string Feed => Path.Combine(_root, "feed");

    internal string App => Path.Combine(_root, "app");

    internal static string Version => Metadata("PackageVersion");

    internal string Package => Path.Combine(Feed, $"EfficientConv.Dsl.{Version}.nupkg");

    /// <summary>What <c>dotnet run</c> printed in the fresh app.</summary>
    internal CommandResult FirstRun { get; private set; } = new(-1, "not run");

    /// <summary>Builds of the fresh app that differ in properties.</summary>
    internal BuildCases Cases { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        Directory.CreateDirectory(Feed);
        Directory.CreateDirectory(App);
        string project = Metadata("PackedProject");
        CommandResult packed = await DotnetCommand.RunAsync(
            Path.GetDirectoryName(project)!, "pack", project, "--no-build", "-c", Metadata("Configuration"), "-o", Feed);
        packed.Succeeded();

        string readme = await File.ReadAllTextAsync(Path.Combine(Path.GetDirectoryName(project)!, "..", "..", "README.md"));
        foreach ((string name, string text) in AppFiles(readme))
            await File.WriteAllTextAsync(Path.Combine(App, name), text);
        Cases = new BuildCases(App, PackageTests.AllCases());
        FirstRun = await DotnetCommand.RunAsync(App, "run", "-c", "Release");
    }

    public Task DisposeAsync()
    {
        Directory.Delete(_root, recursive: true);
        return Task.CompletedTask;
    }

    /// <summary>The app's files in a folder of their own, for <paramref name="frameworks"/>.</summary>
    internal string CopyApp(string frameworks)
    {
        string folder = Directory.CreateDirectory(Path.Combine(_root, string.Concat(frameworks.Where(char.IsLetterOrDigit)))).FullName;
        foreach (string file in Directory.EnumerateFiles(App))
            File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
        string project = Path.Combine(folder, "App.csproj");
        File.WriteAllText(project, File.ReadAllText(project).Replace("<TargetFramework>net10.0</TargetFramework>", $"<TargetFrameworks>{frameworks}</TargetFrameworks>", StringComparison.Ordinal));
        return folder;
    }

    internal static string Metadata(string key) =>
        typeof(PackageFixture).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(a => a.Key == key).Value!;

    private static IEnumerable<(string Name, string Text)> AppFiles(string readme)
    {
        string[] snippets = [.. CSharpFence().Matches(readme).Select(m => m.Groups[1].Value)];
        yield return ("MobileBlock.cs", snippets.First(s => s.Contains("partial class MobileBlock", StringComparison.Ordinal)));
        yield return ("Program.cs", Usings + WriteCheckpoint + snippets.First(s => s.Contains("MobileBlock.Load(", StringComparison.Ordinal)) + Check);
        yield return ("App.csproj", $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <OutputType>Exe</OutputType>
                <TargetFramework>net10.0</TargetFramework>
                <Nullable>enable</Nullable>
                <ImplicitUsings>enable</ImplicitUsings>
                <TreatWarningsAsErrors>true</TreatWarningsAsErrors>
                <NuGetAudit>false</NuGetAudit>
                <RestorePackagesPath>$(MSBuildProjectDirectory)/packages</RestorePackagesPath>
              </PropertyGroup>
              <ItemGroup>
                <PackageReference Include="EfficientConv.Dsl" Version="{Metadata("PackageVersion")}" />
              </ItemGroup>
            </Project>
            """);
        // Added to the sources that the machine has.
        yield return ("NuGet.config", """
            <configuration>
              <packageSources>
                <add key="efficientconv-local" value="../feed" />
              </packageSources>
            </configuration>
            """);
        // Nothing from folders above.
        yield return ("Directory.Build.props", "<Project />");
        yield return ("Directory.Build.targets", "<Project />");
        yield return ("Directory.Packages.props", "<Project />");
    }

    private const string Usings = """
        using System;
        using System.Linq;
        using EfficientConv.Dsl;


        """;

    // Convolutions of zeros and batch norms that shift by a quarter: the block is input + 0.25 exactly.
    private const string WriteCheckpoint = """
        SafetensorsWriter.Write("block.safetensors", MobileBlock.Parameters.ToArray().Select(p => (p.Key, p.Shape, Enumerable.Repeat(p.Kind switch
        {
            TensorKind.BatchNormWeight or TensorKind.RunningVariance => 1f,
            TensorKind.BatchNormBias => 0.25f,
            _ => 0f,
        }, (int)p.ElementCount).ToArray())));


        """;

    private const string Check = """

        for (int i = 0; i < input.Length; i++)
            input[i] = i % 17 - 8;
        block.Forward(input, output);
        Console.WriteLine($"{MobileBlock.InputShape} to {MobileBlock.OutputShape}, {MobileBlock.Cost.Parameters} parameters");
        Console.WriteLine($"input + 0.25: {output.SequenceEqual(input.Select(x => x + 0.25f))}");

        float[] reference = new float[output.Length];
        MobileBlock.CreateRandom(seed: 1).Forward(input, output);
        MobileBlock.CreateRandom(seed: 1, new LoadOptions { InstructionSet = InstructionSet.Scalar }).Forward(input, reference);
        Console.WriteLine($"same bits as scalar code: {output.SequenceEqual(reference)}");

        """;

    [GeneratedRegex("^```csharp\n(.*?)^```", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex CSharpFence();
}
