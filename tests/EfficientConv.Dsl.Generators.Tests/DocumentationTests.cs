using System.Text.RegularExpressions;
using System.Xml.Linq;
using EfficientConv.Dsl.Generators.Tests.Harness;

namespace EfficientConv.Dsl.Generators.Tests;

/// <summary>Hover help: what an attribute computes, shapes in and out, the formulas of its cost, and PyTorch's name for it.</summary>
public partial class DocumentationTests
{
    private static readonly string[] s_marks = ["FromAttribute", "StageAttribute", "OutputAttribute", "UseAttribute`1"];

    private static readonly Dictionary<string, XElement> s_members = XDocument.Load(Path.ChangeExtension(typeof(LayerAttribute).Assembly.Location, ".xml"))
        .Descendants("member").ToDictionary(member => member.Attribute("name")!.Value);

    /// <summary>Attributes that compute something; the others only lead to tensors or mark places.</summary>
    public static TheoryData<string> Layers =>
        [.. typeof(LayerAttribute).Assembly.GetExportedTypes().Where(type => type.IsSubclassOf(typeof(LayerAttribute)) && !type.IsAbstract && !s_marks.Contains(type.Name)).Select(type => type.FullName!)];

    public static TheoryData<string> Attributes =>
        [.. typeof(LayerAttribute).Assembly.GetExportedTypes().Where(type => type.IsSubclassOf(typeof(Attribute)) && !type.IsAbstract).Select(type => type.FullName!)];

    private static string Summary(string type) => Spaces().Replace(string.Concat(s_members["T:" + type].Element("summary")!.DescendantNodes().Select(node => node switch
    {
        XText text => text.Value,
        XElement { Name.LocalName: "see" or "paramref" } reference => reference.FirstAttribute!.Value,
        _ => string.Empty,
    })), " ");

    [Theory]
    [MemberData(nameof(Layers))]
    public void Layer_SaysWhatItComputesAndCosts(string type)
    {
        string summary = Summary(type);

        Assert.Matches(@"\[\w.*\].* to \[.*\]|Shape kept", summary);
        Assert.Matches("[Pp]arameters|[Ww]eights", summary);
        Assert.Matches("MACs", summary);
        Assert.Matches("torch|PyTorch", summary);
    }

    /// <summary>What leads to tensors and marks places has no cost, and says so or what it stands for.</summary>
    [Theory]
    [InlineData("FromAttribute", "No parameters, no MACs.*torch.nn.Sequential")]
    [InlineData("OutputAttribute", "No parameters, no MACs.*torch.nn.Sequential")]
    [InlineData("UseAttribute`1", "torch.nn.Sequential.*repeat")]
    [InlineData("StageAttribute", "No parameters, no MACs.*torch.nn.Sequential")]
    [InlineData("InputShapeAttribute", @"\[channels, height, width\].*no parameters, no MACs.*torch.nn.Sequential")]
    [InlineData("ImageInputAttribute", @"\(x / 255 - mean\) / std.*32-bit")]
    [InlineData("BudgetAttribute", "[Mm]ultiply-adds|MACs")]
    public void Mark_SaysWhatItStandsFor(string type, string expected) => Assert.Matches(expected, Summary("EfficientConv.Dsl." + type));

    [Theory]
    [MemberData(nameof(Attributes))]
    public void Attribute_DocumentsEveryParameter(string type)
    {
        string[] expected = [.. typeof(LayerAttribute).Assembly.GetType(type)!.GetConstructors().Single().GetParameters().Select(parameter => parameter.Name!)];
        XElement member = s_members["T:" + type];

        Assert.Equal(expected, member.Elements("param").Select(parameter => parameter.Attribute("name")!.Value));
        Assert.All(member.Elements("param"), parameter => Assert.NotEmpty(parameter.Value.Trim()));
    }

    [Fact]
    public void GeneratedClass_ShowsItsLayersAndTheirCost()
    {
        string members = GeneratorHarness.Run("[InputShape(8, 8, 8), Conv2d(16, padding: 1, Name = \"stem\"), ReLU, GlobalAvgPool, Linear(10)] public sealed partial class Net;").Sources.Values
            .Single(text => text.Contains("partial class Net", StringComparison.Ordinal));
        string documentation = string.Concat(members.Split('\n').SkipWhile(line => !line.StartsWith("/// <summary>", StringComparison.Ordinal)).TakeWhile(line => line.StartsWith("///", StringComparison.Ordinal)).Select(line => line[3..]));
        XElement help = XElement.Parse($"<member>{documentation}</member>");

        Assert.Equal("8 x 8 x 8 to 10 x 1 x 1: 1,338 parameters, 73,888 multiply-adds.", help.Element("summary")!.Value.Trim());
        XElement table = help.Descendants("list").Single();
        Assert.Equal("table", table.Attribute("type")!.Value);
        Assert.Equal(
            ["stem: Conv2d 8 x 8 x 8 to 16 x 8 x 8, 1,168 parameters, 73,728 multiply-adds", "2: AdaptiveAvgPool2d 16 x 8 x 8 to 16 x 1 x 1", "3: Linear 16 x 1 x 1 to 10 x 1 x 1, 170 parameters, 160 multiply-adds"],
            table.Elements("item").Select(item => $"{item.Element("term")!.Value}: {item.Element("description")!.Value}"));
    }

    [GeneratedRegex(@"\s+")]
    private static partial Regex Spaces();
}
