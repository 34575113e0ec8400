using System.Text.Json;

namespace EfficientConv.Dsl.Cli.Tests;

/// <summary>What the tool did.</summary>
/// <param name="ExitCode">Its exit code.</param>
/// <param name="Output">Standard output.</param>
/// <param name="Error">Standard error.</param>
internal sealed record ToolResult(int ExitCode, string Output, string Error)
{
    /// <summary>Standard output as JSON.</summary>
    public JsonElement Json => JsonDocument.Parse(Output).RootElement;

    /// <summary>The longest line of standard output.</summary>
    public int Columns => Output.Split('\n').Max(line => line.Length);

    /// <summary>Asserts success.</summary>
    public ToolResult Succeeded()
    {
        Assert.True(ExitCode == 0, $"exit code {ExitCode}: {Error}{Output}");
        return this;
    }
}

/// <summary>Runs the tool in this process, on a folder of its own.</summary>
internal sealed class Tool : IDisposable
{
    public const string MobileNetV2 = """
        using EfficientConv.Dsl;
        namespace Demo;

        [InputShape(3, 224, 224)]
        [Conv2d(32, kernelSize: 3, stride: 2, padding: 1, bias: false), BatchNorm, ReLU6]
        [InvertedResidual(16, expansion: 1, activation: Activation.ReLU6)]
        [InvertedResidual(24, expansion: 6, stride: 2, activation: Activation.ReLU6)]
        [InvertedResidual(24, expansion: 6, activation: Activation.ReLU6)]
        [InvertedResidual(32, expansion: 6, stride: 2, activation: Activation.ReLU6)]
        [InvertedResidual(32, expansion: 6, activation: Activation.ReLU6)]
        [InvertedResidual(32, expansion: 6, activation: Activation.ReLU6)]
        [InvertedResidual(64, expansion: 6, stride: 2, activation: Activation.ReLU6)]
        [InvertedResidual(64, expansion: 6, activation: Activation.ReLU6)]
        [InvertedResidual(64, expansion: 6, activation: Activation.ReLU6)]
        [InvertedResidual(64, expansion: 6, activation: Activation.ReLU6)]
        [InvertedResidual(96, expansion: 6, activation: Activation.ReLU6)]
        [InvertedResidual(96, expansion: 6, activation: Activation.ReLU6)]
        [InvertedResidual(96, expansion: 6, activation: Activation.ReLU6)]
        [InvertedResidual(160, expansion: 6, stride: 2, activation: Activation.ReLU6)]
        [InvertedResidual(160, expansion: 6, activation: Activation.ReLU6)]
        [InvertedResidual(160, expansion: 6, activation: Activation.ReLU6)]
        [InvertedResidual(320, expansion: 6, activation: Activation.ReLU6)]
        [PointwiseConv2d(1280, bias: false), BatchNorm, ReLU6]
        [GlobalAvgPool, Linear(1000)]
        public sealed partial class MobileNetV2;
        """;

    public const string Blocks = """
        using EfficientConv.Dsl;
        using Some.Library.That.Is.Not.Here;

        namespace Demo;

        [InputShape(8, 12, 12)]
        [InvertedResidual(expansion: 4)]
        public sealed partial class Small;

        [InputShape(16, 12, 12)]
        [Conv2d(32, kernelSize: 3, padding: 1, bias: false), BatchNorm, ReLU]
        public sealed partial class Dense;

        public sealed class Unrelated : ClassThatIsNotHere;
        """;

    /// <summary>A machine that is not measured.</summary>
    public static readonly string[] Machine = ["--peak", "100", "--bandwidth", "80", "30", "15", "--isa", "vector128"];

    private readonly string _folder = Directory.CreateTempSubdirectory("efficientconv-cli-").FullName;

    /// <summary>The path of a file in the folder.</summary>
    public string At(string name) => Path.Combine(_folder, name);

    /// <summary>Writes a file and returns its path.</summary>
    public string Write(string name, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(At(name))!);
        File.WriteAllText(At(name), text);
        return At(name);
    }

    /// <summary>Every file of the folder with its text, to see what has changed.</summary>
    public string Contents() => string.Join('\n', Directory.EnumerateFiles(_folder, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal).Select(file => $"{file}: {File.ReadAllText(file)}"));

    public static ToolResult Run(params string[] arguments)
    {
        using StringWriter output = new(), error = new();
        int exitCode = Program.Invoke(arguments, output, error);
        return new ToolResult(exitCode, output.ToString(), error.ToString());
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
