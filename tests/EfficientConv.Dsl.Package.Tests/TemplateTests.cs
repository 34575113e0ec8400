using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace EfficientConv.Dsl.Package.Tests;

/// <summary>The templates as a user meets them: installed from their package, created, built and run; the classifier published with NativeAOT and run as well.</summary>
public sealed partial class TemplateTests : IAsyncLifetime
{
    // Not a version that anybody may have in a folder of packages.
    private static readonly string s_version = string.Create(CultureInfo.InvariantCulture, $"{PackageFixture.Version}-test.{Environment.ProcessId}");

    private readonly string _root = Directory.CreateTempSubdirectory("efficientconv-templates-").FullName;

    public async Task InitializeAsync()
    {
        string feed = Directory.CreateDirectory(At("feed")).FullName, library = PackageFixture.Metadata("PackedProject");
        string templates = Path.Combine(Path.GetDirectoryName(library)!, "..", "EfficientConv.Dsl.Templates", "EfficientConv.Dsl.Templates.csproj");
        foreach (string project in (string[])[library, templates])
        {
            (await DotnetCommand.RunAsync(
                _root, "pack", project, "--no-build", "-c", PackageFixture.Metadata("Configuration"), "-o", feed, $"-p:Version={s_version}", "-p:EnablePackageValidation=false")).Succeeded();
        }

        (await DotnetCommand.RunAsync(_root, "new", "install", Path.Combine(feed, $"EfficientConv.Dsl.Templates.{s_version}.nupkg"), "--debug:custom-hive", At("hive"))).Succeeded();
        await File.WriteAllTextAsync(At("NuGet.config"), """<configuration><packageSources><add key="efficientconv-local" value="feed" /></packageSources></configuration>""");
        // What the machine has is not fetched again, and what is restored here stays here.
        await File.WriteAllTextAsync(At("Directory.Build.props"), $"""
            <Project>
              <PropertyGroup>
                <TreatWarningsAsErrors>true</TreatWarningsAsErrors>
                <NuGetAudit>false</NuGetAudit>
                <RestorePackagesPath>{At("packages")}</RestorePackagesPath>
                <RestoreFallbackFolders>{Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages")}</RestoreFallbackFolders>
              </PropertyGroup>
            </Project>
            """);
        await File.WriteAllTextAsync(At("Directory.Build.targets"), "<Project />");
        await File.WriteAllTextAsync(At("Directory.Packages.props"), "<Project />");
    }

    public Task DisposeAsync()
    {
        Directory.Delete(_root, recursive: true);
        return Task.CompletedTask;
    }

    [Fact]
    public async Task Classifier_IsCreatedRunAndPublished()
    {
        string folder = await CreateAsync("efficientconv-classifier", "Shop.Window");
        Assert.Contains("namespace Shop.Window;", await File.ReadAllTextAsync(Path.Combine(folder, "Classifier.cs")), StringComparison.Ordinal);
        AssertClasses((await DotnetCommand.RunAsync(folder, "run", "-c", "Release")).Succeeded().Output);
        if (!HasLinker)
            return;
        CommandResult published = await DotnetCommand.RunAsync(folder, "publish", "-c", "Release", "-o", At("published"));
        Assert.DoesNotContain("warning", published.Succeeded().Output, StringComparison.OrdinalIgnoreCase);
        using Process process = Process.Start(new ProcessStartInfo(At(OperatingSystem.IsWindows() ? "published/Shop.Window.exe" : "published/Shop.Window")) { RedirectStandardOutput = true })!;
        string output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.Equal(0, process.ExitCode);
        AssertClasses(output);
        Assert.Empty(Directory.GetFiles(At("published"), "*.dll"));
    }

    [Fact]
    public async Task Block_IsCreatedAndRun()
    {
        string folder = await CreateAsync("efficientconv-block", "MyBlock");
        string output = (await DotnetCommand.RunAsync(folder, "run", "-c", "Release")).Succeeded().Output;
        Assert.StartsWith("24 x 56 x 56 to 24 x 56 x 56: 8832 parameters, 25740288 multiply-adds", output, StringComparison.Ordinal);
        Assert.Matches(Time(), output);
    }

    // .ci/run installs it; elsewhere the rest of the test is worth running without it.
    private static bool HasLinker => OperatingSystem.IsWindows() || (Environment.GetEnvironmentVariable("PATH") ?? string.Empty).Split(Path.PathSeparator).Any(folder => File.Exists(Path.Combine(folder, "clang")));

    private static void AssertClasses(string output)
    {
        string[] lines = output.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        Assert.Matches(BestClass(), lines[0]);
        Assert.Equal(4, lines.Length);
        Assert.Matches(Time(), lines[3]);
    }

    private async Task<string> CreateAsync(string template, string name)
    {
        string folder = At(name);
        (await DotnetCommand.RunAsync(_root, "new", template, "-n", name, "-o", folder, "--debug:custom-hive", At("hive"))).Succeeded();
        Assert.Contains($"Version=\"{s_version}\"", await File.ReadAllTextAsync(Path.Combine(folder, name + ".csproj")), StringComparison.Ordinal);
        return folder;
    }

    private string At(string path) => Path.Combine(_root, path);

    [GeneratedRegex(@"^Ankle boot\s+9\d\.\d %$|^Ankle boot\s+100\.0 %$")]
    private static partial Regex BestClass();

    [GeneratedRegex(@"\d+ us a (picture|call), (Avx2|Avx512|Vector128|Scalar)")]
    private static partial Regex Time();
}
