using System.IO.Compression;
using System.Reflection;
using System.Reflection.Metadata;
using System.Text.RegularExpressions;

namespace EfficientConv.Dsl.Package.Tests;

/// <summary>The package in a user's hands. One restore serves all; the tests of a class run one after the other in the same app.</summary>
public sealed partial class PackageTests(PackageFixture fixture) : IClassFixture<PackageFixture>
{
    [Fact]
    public void Package_HoldsLibraryCompilerSideAndBuildFiles()
    {
        using ZipArchive package = ZipFile.OpenRead(fixture.Package);
        string[] files =
        [
            .. package.Entries.Select(e => e.FullName)
                .Where(n => !n.StartsWith("_rels/", StringComparison.Ordinal) && !n.StartsWith("package/", StringComparison.Ordinal) && n != "[Content_Types].xml")
                .Order(StringComparer.Ordinal),
        ];
        Assert.Equal(
            [
                "EfficientConv.Dsl.nuspec",
                "README.md",
                "analyzers/dotnet/cs/EfficientConv.Dsl.Analyzers.dll",
                "analyzers/dotnet/cs/EfficientConv.Dsl.CodeFixes.dll",
                "analyzers/dotnet/cs/EfficientConv.Dsl.Compiler.dll",
                "analyzers/dotnet/cs/EfficientConv.Dsl.Generators.dll",
                "build/net10.0/EfficientConv.Dsl.targets",
                "buildTransitive/net10.0/EfficientConv.Dsl.targets",
                "icon.png",
                "lib/net10.0/EfficientConv.Dsl.dll",
                "lib/net10.0/EfficientConv.Dsl.xml",
            ],
            files);

        using StreamReader nuspec = new(package.GetEntry("EfficientConv.Dsl.nuspec")!.Open());
        string text = nuspec.ReadToEnd();
        Assert.DoesNotContain("<dependency ", text, StringComparison.Ordinal);
        Assert.Contains("<license type=\"expression\">MIT</license>", text, StringComparison.Ordinal);
        Assert.Contains("<icon>icon.png</icon>", text, StringComparison.Ordinal);
        Assert.Contains("/CHANGELOG.md</releaseNotes>", text, StringComparison.Ordinal);
        Assert.Contains("<repository type=\"git\" url=\"https://github.com/efficientconv/efficientconv-dsl.git\"", text, StringComparison.Ordinal);
        Assert.Matches(SemanticVersion(), PackageFixture.Version);
        string changelog = File.ReadAllText(Path.Combine(Path.GetDirectoryName(PackageFixture.Metadata("PackedProject"))!, "..", "..", "CHANGELOG.md"));
        Assert.Contains($"\n## {PackageFixture.Version}\n", changelog, StringComparison.Ordinal);
    }

    /// <summary>A debugger steps into the library: its symbols name the sources by address, and no file of the machine that built them.</summary>
    [Fact]
    public void Symbols_SayWhereTheSourcesArePublished()
    {
        using ZipArchive package = ZipFile.OpenRead(Path.ChangeExtension(fixture.Package, ".snupkg"));
        using MemoryStream pdb = new();
        using (Stream entry = package.GetEntry("lib/net10.0/EfficientConv.Dsl.pdb")!.Open())
            entry.CopyTo(pdb);
        pdb.Position = 0;
        using MetadataReaderProvider provider = MetadataReaderProvider.FromPortablePdbStream(pdb);
        MetadataReader reader = provider.GetMetadataReader();
        string[] documents = [.. reader.Documents.Select(handle => reader.GetString(reader.GetDocument(handle).Name))];
        Assert.Contains("/_/src/EfficientConv.Dsl/Runtime/ConvNetEngine.cs", documents);
        Assert.All(documents, document => Assert.StartsWith("/_", document, StringComparison.Ordinal));

        Guid sourceLink = new("CC110556-A091-4D38-9FEC-25AB9A351A6A");
        CustomDebugInformation link = reader.CustomDebugInformation.Select(reader.GetCustomDebugInformation).Single(information => reader.GetGuid(information.Kind) == sourceLink);
        Assert.Matches(SourceAddress(), System.Text.Encoding.UTF8.GetString(reader.GetBlobBytes(link.Value)));
    }

    [Fact]
    public void FreshApp_RunsTheReadmesBlock() => AssertOutput(fixture.FirstRun);

    [Fact]
    public async Task OtherCompilerOptions_BuildAndRun() => AssertOutput(await DotnetCommand.RunAsync(
        fixture.App, "run", "--no-restore", "-c", "Release", "-p:LangVersion=12", "-p:CheckForOverflowUnderflow=true", "-p:Nullable=disable",
        "-p:ImplicitUsings=disable", "-p:TreatWarningsAsErrors=true", "-p:GenerateDocumentationFile=true", "-p:NoWarn=CS1591"));

    [Fact]
    public async Task WrongDeclaration_IsOneErrorAtItsArgument()
    {
        string file = Path.Combine(fixture.App, "Wrong.cs");
        await File.WriteAllTextAsync(file, """
            using EfficientConv.Dsl;

            [InputShape(32, 8, 8)]
            [Conv2d(64, groups: 3)]
            public sealed partial class Wrong
            {
                public static Wrong Random() => CreateRandom(seed: 1);
            }
            """);
        try
        {
            CommandResult build = await DotnetCommand.RunAsync(fixture.App, "build", "--no-restore", "-c", "Release");
            Assert.NotEqual(0, build.ExitCode);
            string[] errors = [.. Error().Matches(build.Output).Select(m => m.Value).Distinct()];
            Assert.True(errors.Length == 1, build.Output);
            Assert.Contains("Wrong.cs(4,13): error ECD0101: ", errors[0], StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public async Task OldCompiler_IsAReadableError()
    {
        CommandResult build = await fixture.Cases.ResultAsync(OldCompiler);
        Assert.NotEqual(0, build.ExitCode);
        Assert.Contains("error EFFICIENTCONV001: EfficientConv.Dsl needs version 4.14 or newer of the C# compiler", build.Output, StringComparison.Ordinal);
        Assert.Contains("this build uses 4.12", build.Output, StringComparison.Ordinal);
    }

    /// <summary>The restore fails and names the framework, where the attributes would be missing one by one.</summary>
    [Theory]
    [InlineData("net8.0", "net8.0")]
    [InlineData("netstandard2.0", "netstandard2.0")]
    [InlineData("net8.0;net10.0", "net8.0")]
    [InlineData("net8.0;net9.0", "net8.0", "net9.0")]
    public async Task OlderFramework_IsOneErrorThatNamesIt(string frameworks, params string[] refused)
    {
        string folder = fixture.CopyApp(frameworks);
        CommandResult build = await DotnetCommand.RunAsync(folder, "build", "-c", "Release");
        Assert.NotEqual(0, build.ExitCode);
        string[] errors = [.. AnyError().Matches(build.Output).Select(m => m.Value).Distinct()];
        Assert.True(errors.Length == refused.Length, build.Output);
        Assert.All(errors.Zip(refused), pair => Assert.Contains($"NU1202: Package EfficientConv.Dsl {PackageFixture.Version} is not compatible with {pair.Second} ", pair.First, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("11")]
    [InlineData("7.3")]
    public async Task OlderLanguage_IsOneErrorThatNamesIt(string version)
    {
        CommandResult build = await fixture.Cases.ResultAsync(Language(version));
        Assert.NotEqual(0, build.ExitCode);
        string[] errors = [.. AnyError().Matches(build.Output).Select(m => m.Value).Distinct()];
        Assert.True(errors.Length == 1, build.Output);
        Assert.StartsWith($"error EFFICIENTCONV004: EfficientConv.Dsl needs C# 12 or newer; LangVersion of this project is '{version}'.", errors[0], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("x86-64-v3", "linux-x64", "PublishAot=true")]
    [InlineData("x86-64-v3", "win-x64", "PublishAot=true")]
    [InlineData("native", "linux-x64", "PublishAot=true", "IlcInstructionSet=native")]
    [InlineData("", "linux-arm64", "PublishAot=true")]
    [InlineData("", "linux-x64")]
    public async Task NativeAot_GetsAvx2OnX64UnlessTheUserChose(string expected, string runtime, params string[] properties)
    {
        CommandResult evaluation = await fixture.Cases.ResultAsync(InstructionSet(runtime, properties));
        Assert.Equal($"[{expected}]", evaluation.Succeeded().Output.Trim());
    }

    [Theory]
    [InlineData("FirstLevel", "48k")]
    [InlineData("FirstLevel", "4095")]
    [InlineData("FirstLevel", "-32768")]
    [InlineData("SecondLevel", "0")]
    [InlineData("SecondLevel", "268435457")]
    [InlineData("SecondLevel", "1e6")]
    public async Task CacheSizeThatIsNone_IsOneErrorThatSaysWhatWasFound(string level, string size)
    {
        CommandResult build = await fixture.Cases.ResultAsync(CacheSize(level, size));
        Assert.NotEqual(0, build.ExitCode);
        string[] errors = [.. BuildMessage().Matches(build.Output).Select(m => m.Value).Distinct()];
        Assert.True(errors.Length == 1, build.Output);
        Assert.StartsWith($"error EFFICIENTCONV002: EfficientConv{level}CacheBytes is '{size}'; it must be", errors[0], StringComparison.Ordinal);
        Assert.Contains("4096 to 268435456", errors[0], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("4096", "268435456")]
    [InlineData("49152", "")]
    public async Task CacheSizesWithinTheRange_Build(string first, string second)
    {
        CommandResult build = await fixture.Cases.ResultAsync(CacheSizes(first, second));
        Assert.DoesNotMatch(BuildMessage(), build.Succeeded().Output);
    }

    [Theory]
    [InlineData("linux-x64", "x86-64-v2")]
    [InlineData("win-x64", "sse4.2")]
    [InlineData("linux-x64", "avx2")]
    [InlineData("linux-x64", "avx,fma")]
    [InlineData("win-x86", "")]
    public async Task NativeAotBelowAvx2_IsWarnedOf(string runtime, string instructionSet)
    {
        string output = await CompileForNativeAot(runtime, instructionSet, "PublishAot=true");
        Assert.Contains($"EFFICIENTCONV003: This NativeAOT program for {runtime} is compiled without AVX2 and FMA (IlcInstructionSet is '{instructionSet}')", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("linux-x64", "", "PublishAot=true")]
    [InlineData("linux-x64", "x86-64-v3", "PublishAot=true")]
    [InlineData("linux-x64", "x86-64-V3", "PublishAot=true")]
    [InlineData("linux-x64", "x86-64-v4", "PublishAot=true")]
    [InlineData("linux-x64", "avx2,fma", "PublishAot=true")]
    [InlineData("linux-x64", "native", "PublishAot=true")]
    [InlineData("linux-arm64", "", "PublishAot=true")]
    [InlineData("linux-x64", "x86-64-v2")]
    public async Task NativeAotWithAvx2OrElsewhere_IsNotWarnedOf(string runtime, string instructionSet, params string[] properties) =>
        Assert.DoesNotContain("EFFICIENTCONV003", await CompileForNativeAot(runtime, instructionSet, properties), StringComparison.Ordinal);

    /// <summary>Every case of the tests above, which are built together: what their attributes say.</summary>
    internal static IReadOnlyList<BuildCase> AllCases() =>
    [
        OldCompiler,
        .. Rows(nameof(OlderLanguage_IsOneErrorThatNamesIt)).Select(row => Language((string)row[0])),
        .. Rows(nameof(NativeAot_GetsAvx2OnX64UnlessTheUserChose)).Select(row => InstructionSet((string)row[1], (string[])row[2])),
        .. Rows(nameof(CacheSizeThatIsNone_IsOneErrorThatSaysWhatWasFound)).Select(row => CacheSize((string)row[0], (string)row[1])),
        .. Rows(nameof(CacheSizesWithinTheRange_Build)).Select(row => CacheSizes((string)row[0], (string)row[1])),
        .. Rows(nameof(NativeAotBelowAvx2_IsWarnedOf)).Select(row => NativeCompilation((string)row[0], (string)row[1], "PublishAot=true")),
        .. Rows(nameof(NativeAotWithAvx2OrElsewhere_IsNotWarnedOf)).Select(row => NativeCompilation((string)row[0], (string)row[1], (string[])row[2])),
    ];

    private static readonly BuildCase OldCompiler = new("Build", ("EfficientConvDslCompilerApiVersion", "roslyn4.12"));

    private static BuildCase Language(string version) => new("Build", ("LangVersion", version));

    private static BuildCase InstructionSet(string runtime, string[] properties) => new(BuildCase.InstructionSet, [("RuntimeIdentifier", runtime), .. Pairs(properties)]);

    private static BuildCase CacheSize(string level, string size) => new("Build", ($"EfficientConv{level}CacheBytes", size));

    private static BuildCase CacheSizes(string first, string second) => new("Build", ("EfficientConvFirstLevelCacheBytes", first), ("EfficientConvSecondLevelCacheBytes", second));

    /// <summary>
    /// The compiler's target alone, with what hooks into it: the restored app has no references for another runtime, so that the compilation itself fails,
    /// as the messages show.
    /// </summary>
    private static BuildCase NativeCompilation(string runtime, string instructionSet, params string[] properties) => new(
        "CoreCompile", [("TreatWarningsAsErrors", "false"), ("RuntimeIdentifier", runtime), ("IlcInstructionSet", instructionSet), .. Pairs(properties)]);

    private static IEnumerable<(string Name, string Value)> Pairs(IEnumerable<string> properties) => properties.Select(property => (property[..property.IndexOf('=', StringComparison.Ordinal)], property[(property.IndexOf('=', StringComparison.Ordinal) + 1)..]));

    /// <summary>The arguments of a theory, with those that are left over as the last one.</summary>
    private static IEnumerable<object[]> Rows(string test)
    {
        MethodInfo method = typeof(PackageTests).GetMethod(test)!;
        ParameterInfo[] parameters = method.GetParameters();
        bool takesMore = parameters[^1].ParameterType == typeof(string[]);
        foreach (object[] row in method.GetCustomAttributes<InlineDataAttribute>().SelectMany(attribute => attribute.GetData(method)))
            yield return takesMore ? [.. row.Take(parameters.Length - 1), row.Skip(parameters.Length - 1).SelectMany(rest => rest as string[] ?? [(string)rest]).ToArray()] : row;
    }

    private async Task<string> CompileForNativeAot(string runtime, string instructionSet, params string[] properties)
    {
        CommandResult result = await fixture.Cases.ResultAsync(NativeCompilation(runtime, instructionSet, properties));
        Assert.Contains(": error CS", result.Output, StringComparison.Ordinal);
        return result.Output;
    }

    private static void AssertOutput(CommandResult run)
    {
        string[] lines = run.Succeeded().Output.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        Assert.Equal(["24 x 56 x 56 to 24 x 56 x 56, 5904 parameters", "input + 0.25: True", "same bits as scalar code: True"], lines);
    }

    [GeneratedRegex(@"[^\s(]+\(\d+,\d+\): error [^\[\n]*|error MSB[^\n]*")]
    private static partial Regex Error();

    [GeneratedRegex(@"^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$")]
    private static partial Regex SemanticVersion();

    [GeneratedRegex(@"""/_/\*"":\s*""https://raw\.githubusercontent\.com/efficientconv/efficientconv-dsl/[0-9a-f]{40}/\*""")]
    private static partial Regex SourceAddress();

    [GeneratedRegex(@"error [A-Z]+\d+: [^\[\n]*")]
    private static partial Regex AnyError();

    [GeneratedRegex(@"(error|warning) EFFICIENTCONV\d+[^\[\n]*")]
    private static partial Regex BuildMessage();
}
