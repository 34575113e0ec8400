using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using EfficientConv.Dsl.Compiler.Declarations;
using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Graph.Blocks;
using EfficientConv.Dsl.Compiler.Model;
using EfficientConv.Dsl.Measuring;
using EfficientConv.Dsl.Runtime;
using EfficientConv.Dsl.Tests.Harness;
using EfficientConv.Dsl.Tests.RandomNetworks;

namespace EfficientConv.Dsl.Tests.Tables;

/// <summary>Every operator, activation and block has its row, in the compiler and in the pages, and says what others read there.</summary>
public sealed partial class TableTests
{
    /// <summary>Attributes that lead to tensors or mark places.</summary>
    private static readonly string[] s_marks = ["From", "Stage", "Output", "Use`1"];

    private static readonly Dictionary<string, XElement> s_documentation = XDocument.Load(Path.ChangeExtension(typeof(LayerAttribute).Assembly.Location, ".xml"))
        .Descendants("member").ToDictionary(member => member.Attribute("name")!.Value);

    public static TheoryData<string> Layers => [.. typeof(LayerAttribute).Assembly.GetExportedTypes()
        .Where(type => type.IsSubclassOf(typeof(LayerAttribute)) && !type.IsAbstract).Select(Kind).Except(s_marks)];

    public static TheoryData<string> Blocks => [.. BlockCatalog.All.Select(block => block.Kind)];

    public static TheoryData<int> Operators => [.. Enumerable.Range(0, OperatorCatalog.All.Count)];

    public static TheoryData<ActivationKind> Kinds => [.. Enum.GetValues<ActivationKind>()];

    [Fact]
    public void EveryOperator_IsListed()
    {
        Assert.Equal(typeof(Operator).Assembly.GetTypes().Where(type => type.IsSubclassOf(typeof(Operator)) && !type.IsAbstract).ToHashSet(), OperatorCatalog.All.Select(op => op.GetType()).ToHashSet());
        Assert.All(OperatorCatalog.All, op => Assert.Equal(op.Kind, OperatorCatalog.KindOf(op.Name)));
        Assert.Throws<ArgumentException>(() => OperatorCatalog.KindOf("NoOperator"));
        Assert.Throws<InvalidOperationException>(() => BlockCatalog.Of("Conv2d"));
    }

    [Theory]
    [MemberData(nameof(Operators))]
    public void Operator_SaysWhatOthersRead(int index)
    {
        Operator op = OperatorCatalog.All[index];
        Shape input = new(8, 6, 6);
        Shape[] inputs = op is ScaleOperator ? [input, new Shape(8, 1, 1)] : [input, input];
        Assert.Matches("^[A-Z][A-Za-z0-9]+$", op.Name);
        if (op is InputOperator)
        {
            Assert.Equal(OperatorKind.Input, op.Kind);
            Assert.NotEmpty(op.Onnx([]).WhyNone!);
            return;
        }

        Shape output = op.Output(inputs);
        Assert.True(output is { Channels: > 0, Height: > 0, Width: > 0 }, $"{output}");
        Assert.Equal(op.Kind == OperatorKind.Convolution, op.MultiplyAdds(input, output) > 0);
        Assert.Equal(op.Tensors(input).Count > 0, op.ParameterCount(input) > 0);
        Assert.Equal(op.Tensors(input).Select(tensor => tensor.Key).Distinct().Count(), op.Tensors(input).Count);
        Assert.True(op.Writes(output) == OutputMemory.New || output.Count <= input.Count);

        OnnxForm form = op.Onnx(inputs);
        Assert.Equal(form.WhyNone is null, form.Nodes.Count > 0);
        Assert.Equal([.. form.Nodes.Skip(1).Select(_ => true), false], form.Nodes.Select(node => node.Label.Length > 0));
        Assert.Equal(op.Tensors(input).Select(tensor => tensor.Key).ToHashSet(), form.Nodes.SelectMany(node => node.Inputs).OfType<OnnxParameter>().Select(parameter => parameter.Key).ToHashSet());
    }

    /// <summary>A layer or block written with no more than it demands.</summary>
    [Theory]
    [MemberData(nameof(Layers))]
    public void Attribute_BecomesLayersAndStandsInTheReadme(string kind)
    {
        ConstructorInfo constructor = typeof(LayerAttribute).Assembly.GetType($"EfficientConv.Dsl.{kind}Attribute", throwOnError: true)!.GetConstructors().Single();
        string arguments = kind switch
        {
            "PixelShuffle" => "2", // Its square must divide the channels.
            "ERFNetDownsampler" => "32", // More than come in.
            "ShuffleUnitV1" => "groups: 2", // Three do not divide 16.
            _ => string.Join(", ", constructor.GetParameters().Where(p => !p.HasDefaultValue).Select(Argument)),
        };
        LayerGraph graph = DeclarationText.Graph($"[InputShape(16, 16, 16)] [{kind}({arguments})]");
        Assert.InRange(graph.Layers.Count, 2, 100);
        Assert.Matches($"`{kind}[`(]", Readme());

        // A plain layer is what PyTorch calls it; a block is several.
        Layer layer = graph.Layers[1];
        if (graph.Layers.Count == 2 && layer.Origin.Role.Length == 0 && layer.Operator.Kind != OperatorKind.Function && kind != "Activation")
            Assert.Contains(layer.Operator is ActivationOperator a ? $"torch.nn.{a.Function.Row.Torch}" : layer.Operator.Name, Summary($"T:EfficientConv.Dsl.{kind}Attribute"), StringComparison.Ordinal);
        else
            Assert.True(graph.Layers.Count > 2 || graph.Layers.Skip(1).All(l => l.Operator.Kind is OperatorKind.Function or OperatorKind.NormOrActivation), kind);
    }

    /// <summary>A row has the arguments of its attribute, in order, with their defaults: nothing stands in two places without being compared.</summary>
    [Theory]
    [MemberData(nameof(Blocks))]
    public void Block_HasTheArgumentsOfItsAttribute(string kind)
    {
        Type attribute = typeof(LayerAttribute).Assembly.GetType($"EfficientConv.Dsl.{kind}Attribute", throwOnError: true)!;
        ConstructorInfo constructor = attribute.GetConstructors().Single();
        Block block = BlockCatalog.Of(kind);
        Assert.Equal(constructor.GetParameters().Select(p => p.Name), block.Arguments.Select(argument => argument.Name).Where(name => char.IsLower(name[0])));
        Assert.All(constructor.GetParameters(), p => Assert.Equal(DeclarationReflection.Default(p), Number(block.Argument(p.Name!)!.Default)));

        object instance = constructor.Invoke([.. constructor.GetParameters().Select(p => p.HasDefaultValue ? p.DefaultValue : 8)]);
        PropertyInfo[] properties = [.. attribute.GetProperties().Where(p => p.CanWrite && p.Name != "Name")];
        Assert.Equal(properties.Select(p => p.Name).Order(), block.Arguments.Select(argument => argument.Name).Where(name => char.IsUpper(name[0])).Order());
        Assert.All(properties, p => Assert.Equal(Number(p.GetValue(instance)), Number(block.Argument(p.Name)!.Default)));
    }

    /// <summary>The layers of a block are those of its row, and every layer of a row is made by some declaration.</summary>
    [Fact]
    public void Blocks_MakeTheLayersOfTheirRows()
    {
        Dictionary<string, HashSet<string>> made = BlockCatalog.All.ToDictionary(block => block.Kind, _ => new HashSet<string>());
        foreach (string text in NetworkGen.Configurations)
        {
            NetworkDeclaration declaration = DeclarationText.Parse(text);
            foreach (Layer layer in DeclarationText.Graph(text).Layers.Where(layer => layer.Origin.Role.Length > 0))
                made[declaration.Attributes[layer.Origin.AttributeIndex].Kind].Add(layer.Origin.Role);
        }

        Assert.All(BlockCatalog.All, block => Assert.Equal(
            block.Roles.Where(role => role.Name != "se").SelectMany(role => role.HasNorm ? new[] { role.Name, role.Name + "_bn" } : [role.Name]).Order(), made[block.Kind].Order()));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Activation_HasARow(ActivationKind kind)
    {
        ActivationRow row = Activations.All[(int)kind];
        Assert.Equal((kind, Enum.GetValues<ActivationKind>().Length), (row.Kind, Activations.All.Count));
        Assert.Equal(row, Activations.Of(kind));
        Assert.Throws<ArgumentOutOfRangeException>(() => Activations.Of((ActivationKind)Activations.All.Count));
        Assert.NotEmpty(Summary($"F:EfficientConv.Dsl.Activation.{kind}"));

        ActivationFunction function = new(kind, row.Parameters.Select(p => (float)p.Default).ToEquatableArray());
        OnnxForm form = row.Onnx(function);
        Assert.Equal(form.WhyNone is null, form.Nodes.Count > 0);
        Assert.Equal(row.IsLearned, form.WhyNone is not null);
        Assert.Equal(row.HasShorthand, typeof(LayerAttribute).Assembly.GetType($"EfficientConv.Dsl.{kind}Attribute") is not null);
        Assert.Equal(kind != ActivationKind.None, row.Operations > 0);
        Assert.Equal(row.Epilogue is not null, function.IsInline);
        Assert.Contains(row.Saves.Reads, new[] { BackwardReads.Inputs, BackwardReads.Output, BackwardReads.Nothing });
    }

    /// <summary>The runtime has the function under the kind's name, with the row's constants, and sends infinities and NaN where the row says.</summary>
    [Theory]
    [MemberData(nameof(Kinds))]
    public void Activation_IsTheRuntimesFunction(ActivationKind kind)
    {
        ActivationRow row = Activations.Of(kind);
        MethodInfo? function = typeof(Elementwise).GetMethods().SingleOrDefault(method => method.Name == kind.ToString() && method.ReturnType == typeof(void) && method.GetParameters()[1].ParameterType == typeof(int));
        Assert.Equal(kind == ActivationKind.None || row.IsLearned, function is null);
        if (function is null)
            return;
        Assert.Equal(row.Parameters.Select(p => p.Name), function.GetParameters().Skip(2).Select(p => p.Name));
        Assert.Equal(
            [row.AtMinusInfinity, row.AtInfinity, float.NaN],
            new[] { float.NegativeInfinity, float.PositiveInfinity, float.NaN }.Select(x =>
            {
                object[] arguments = [x, 1, .. row.Parameters.Select(p => (object)(float)p.Default)];
                function.MakeGenericMethod(typeof(Scalar4)).Invoke(null, arguments);
                return (float)arguments[0];
            }));
    }

    private static object? Number(object? value) => value is Enum e ? Convert.ToInt32(e, CultureInfo.InvariantCulture) : value;

    private static string Kind(Type attribute) => attribute.Name.Replace("Attribute", string.Empty, StringComparison.Ordinal);

    private static string Argument(ParameterInfo parameter) => parameter.ParameterType switch
    {
        { IsEnum: true } type => $"{type.Name}.{Enum.GetNames(type)[1]}",
        var type when type == typeof(int) => "8",
        var type when type == typeof(double) => 2.0.ToString(CultureInfo.InvariantCulture),
        var type when type == typeof(string) || type == typeof(string[]) => "\"input\"",
        var type => throw new NotSupportedException($"{parameter} of {type}"),
    };

    private static string Summary(string member) => Spaces().Replace(string.Concat(s_documentation[member].Element("summary")!.DescendantNodes().OfType<XText>().Select(text => text.Value)), " ");

    private static string Readme([CallerFilePath] string here = "") => File.ReadAllText(Path.Combine(Path.GetDirectoryName(here)!, "..", "..", "..", "README.md"));

    [GeneratedRegex(@"\s+")]
    private static partial Regex Spaces();
}
