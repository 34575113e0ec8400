using System.Text.Json;

namespace EfficientConv.Dsl.Cli.Tests;

/// <summary>A project is read as its compiler reads it.</summary>
public sealed class ProjectTests
{
    private const string Sdk = "<Project Sdk=\"Microsoft.NET.Sdk\">";

    /// <summary>Usings and aliases of the project file, constants of a project that nobody has built, of the project and of the framework, the newest C#.</summary>
    [Fact]
    public void UsingsReferencesAndConstants_AreTheProjectsOwn()
    {
        using Tool tool = new();
        tool.Write("Library/Library.csproj", $"{Sdk}<PropertyGroup><TargetFramework>net10.0</TargetFramework></PropertyGroup></Project>");
        tool.Write("Library/Sizes.cs", """
            [assembly: System.Runtime.CompilerServices.InternalsVisibleTo("App.Assembly")]
            namespace Library;
            public static class Sizes { public const int Planes = 12; }
            internal static class Secret { internal const int Planes = 20; }
            """);
        string project = tool.Write("App/App.csproj", $"""
            {Sdk}
              <PropertyGroup>
                <TargetFramework>net10.0</TargetFramework>
                <AssemblyName>App.Assembly</AssemblyName>
                <ImplicitUsings>enable</ImplicitUsings>
                <DefineConstants>$(DefineConstants);OWN</DefineConstants>
                <TreatWarningsAsErrors>true</TreatWarningsAsErrors>
              </PropertyGroup>
              <ItemGroup>
                <Using Include="EfficientConv.Dsl" />
                <Using Include="EfficientConv.Dsl.Conv2dAttribute" Alias="Wide" />
                <Using Include="Library.Sizes" Static="true" />
                <ProjectReference Include="../Library/Library.csproj" />
              </ItemGroup>
            </Project>
            """);
        tool.Write("App/Networks.cs", """
            namespace App;
            [InputShape(Planes, 8, 8), Wide(16), ReLU]
            public sealed partial class Plain;
            #if OWN && NET10_0_OR_GREATER
            [InputShape(Library.Secret.Planes, 8, 8), Wide(Own), ReLU]
            public sealed partial class Conditional { private const int Own = 24; }
            #endif
            internal struct Newest { private int _sum; public void operator +=(int value) => _sum += value; public readonly int Sum => Math.Abs(_sum); }
            """);
        Assert.Equal(["App.Plain 12 x 8 x 8 16 x 6 x 6", "App.Conditional 20 x 8 x 8 24 x 6 x 6"], Read(project));

        // What is referenced has changed since it was built.
        tool.Write("Library/Sizes.cs", File.ReadAllText(tool.At("Library/Sizes.cs")).Replace("= 12", "= 15", StringComparison.Ordinal));
        Assert.Equal(["App.Plain 15 x 8 x 8 16 x 6 x 6"], Read(project, "-n", "Plain"));
        Assert.False(File.Exists(tool.At("App/bin/Debug/net10.0/App.Assembly.dll")), "The project itself is not built.");

        tool.Write("Library/Sizes.cs", "namespace Library; public static class Sizes { public const int = 12; }");
        ToolResult broken = Tool.Run(["report", project, .. Tool.Machine]);
        Assert.Equal(2, broken.ExitCode);
        Assert.Matches(@"^error: .*App\.csproj: a project that it references cannot be built: .*Sizes\.cs\(1,\d+\): error CS\d+: [^\[\n]*\s*$", broken.Error);
    }

    [Fact]
    public void OfSeveralFrameworks_OneIsChosen()
    {
        using Tool tool = new();
        string project = tool.Write("App.csproj", $"{Sdk}<PropertyGroup><TargetFrameworks>net9.0;net10.0</TargetFrameworks></PropertyGroup></Project>");
        tool.Write("Networks.cs", """
            using EfficientConv.Dsl;
            #if NET10_0_OR_GREATER
            [InputShape(10, 8, 8), Conv2d(8)]
            #else
            [InputShape(9, 8, 8), Conv2d(8)]
            #endif
            public sealed partial class Net;
            """);
        ToolResult unchosen = Tool.Run(["report", project, .. Tool.Machine]), wrong = Tool.Run(["memory", project, "--framework", "net8.0"]);
        Assert.Equal((2, $"error: {project} has several frameworks; choose one with --framework: net9.0, net10.0."), (unchosen.ExitCode, unchosen.Error.Trim()));
        Assert.Equal((2, $"error: --framework is net8.0, which {project} does not have; it has: net9.0, net10.0."), (wrong.ExitCode, wrong.Error.Trim()));
        Assert.Equal(["Net 10 x 8 x 8 8 x 6 x 6"], Read(project, "--framework", "net10.0"));
        Assert.Equal(["Net 9 x 8 x 8 8 x 6 x 6"], Read(project, "-f", "NET9.0"));
    }

    [Theory]
    [InlineData("<PackageReference Include=\"EfficientConv.Dsl.No.Such.Package\" Version=\"1.0.0\" />", "", "NU1101")]
    [InlineData("", "<TargetFramework>net99.9</TargetFramework>", "NETSDK")]
    [InlineData("", "<TargetFramework>nonsense</TargetFramework>", "NETSDK1013")]
    public void AProjectThatCannotBeRead_IsOneError(string item, string property, string id)
    {
        using Tool tool = new();
        string sources = tool.At("empty");
        Directory.CreateDirectory(sources);
        string project = tool.Write("App.csproj", $"""
            {Sdk}
              <PropertyGroup><TargetFramework>net10.0</TargetFramework>{property}<RestoreSources>{sources}</RestoreSources></PropertyGroup>
              <ItemGroup>{item}</ItemGroup>
            </Project>
            """);
        tool.Write("Networks.cs", Tool.Blocks);
        ToolResult result = Tool.Run("memory", project);
        Assert.Equal(2, result.ExitCode);
        string line = Assert.Single(result.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.StartsWith($"error: {project} cannot be read: ", line, StringComparison.Ordinal);
        Assert.Contains(id, line, StringComparison.Ordinal);
        Assert.Empty(result.Output);
    }

    private static string[] Read(params string[] arguments) => [.. Tool.Run(["report", .. arguments, "--json", .. Tool.Machine]).Succeeded().Json.GetProperty("networks").EnumerateArray()
        .Select(n => $"{Text(n, "name")} {Text(n, "input")} {Text(n, "output")}")];

    private static string Text(JsonElement element, string name) => element.GetProperty(name).GetString()!;
}
