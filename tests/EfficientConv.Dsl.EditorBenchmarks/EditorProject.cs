using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using EfficientConv.Dsl.Generators;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.Text;

namespace EfficientConv.Dsl.EditorBenchmarks;

/// <summary>A project as an editor has it: one file for each network and one in which somebody types.</summary>
internal static class EditorProject
{
    private const string TypedFile = "Typed.cs";

    private static readonly CSharpParseOptions s_parse = CSharpParseOptions.Default.WithLanguageVersion(LanguageVersion.CSharp12);

    private static readonly ImmutableArray<MetadataReference> s_references =
        [.. ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator).Select(path => (MetadataReference)MetadataReference.CreateFromFile(path))];

    private static int s_strokes;

    /// <summary>torchvision's mobilenet_v2.</summary>
    public static string MobileNetV2(string name)
    {
        StringBuilder text = new("using EfficientConv.Dsl;\n\n[InputShape(3, 224, 224)]\n[Conv2d(32, kernelSize: 3, stride: 2, padding: 1, bias: false), BatchNorm, ReLU6]\n");
        foreach ((int expansion, int channels, int repeat, int stride) in new[] { (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1) })
        {
            for (int i = 0; i < repeat; i++)
                text.Append(CultureInfo.InvariantCulture, $"[InvertedResidual({channels}, expansion: {expansion}, stride: {(i == 0 ? stride : 1)}, activation: Activation.ReLU6)]\n");
        }

        return text.Append(CultureInfo.InvariantCulture, $"[PointwiseConv2d(1280, bias: false), BatchNorm, ReLU6]\n[GlobalAvgPool, Linear(1000)]\npublic sealed partial class {name};\n").ToString();
    }

    /// <summary>A project with <paramref name="networks"/> times MobileNetV2.</summary>
    public static CSharpCompilation Create(int networks) => CSharpCompilation.Create(
        "Editor",
        Enumerable.Range(0, networks).Select(i => Parse(MobileNetV2($"MobileNetV2_{i}"), $"Network{i}.cs")).Append(Parse(TypedText(), TypedFile)),
        s_references,
        new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary, nullableContextOptions: NullableContextOptions.Enable));

    /// <summary>The project after one more key stroke in the file that has no network.</summary>
    public static CSharpCompilation Type(CSharpCompilation project)
    {
        SyntaxTree old = project.SyntaxTrees.Single(tree => tree.FilePath == TypedFile);
        return project.ReplaceSyntaxTree(old, old.WithChangedText(SourceText.From(TypedText(), Encoding.UTF8)));
    }

    /// <summary>The project after a comment was typed into the first network's file.</summary>
    public static CSharpCompilation TypeIntoNetwork(CSharpCompilation project)
    {
        SyntaxTree old = project.SyntaxTrees.First();
        return project.ReplaceSyntaxTree(old, Parse(old.GetText() + string.Create(CultureInfo.InvariantCulture, $"// {s_strokes++}\n"), old.FilePath));
    }

    /// <summary>A driver of the generator that has seen nothing.</summary>
    public static GeneratorDriver NewDriver() => CSharpGeneratorDriver.Create([new NetworkGenerator().AsSourceGenerator()], parseOptions: s_parse);

    private static string TypedText() => string.Create(CultureInfo.InvariantCulture, $"internal static class Typed\n{{\n    public static int Value => {s_strokes++};\n}}\n");

    private static SyntaxTree Parse(string text, string path) => CSharpSyntaxTree.ParseText(SourceText.From(text, Encoding.UTF8), s_parse, path);
}
