using System.Reflection;
using System.Runtime.Loader;
using System.Text.Json;
using EfficientConv.Dsl.Cli.Running;
using EfficientConv.Dsl.Compiler;
using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Scheduling;
using EfficientConv.Dsl.Measuring;
using EfficientConv.Dsl.Measuring.Onnx;
using EfficientConv.Dsl.Measuring.Peers;
using EfficientConv.Dsl.Tests.Harness;

namespace EfficientConv.Dsl.Cli.Tests.Onnx;

/// <summary>Every operator as ONNX: the file is well formed, its nodes are as the standard has them, and ONNX Runtime computes what the generated code does.</summary>
public sealed class OnnxExportTests
{
    private static readonly Lazy<JsonElement> s_standard = new(() => JsonDocument.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "fixtures", "onnx_operators.json"))).RootElement);

    private static readonly Lazy<Assembly> s_compiled = new(() => AssemblyLoadContext.Default.LoadFromStream(new MemoryStream(NetworkBuild.Emit(
        OnnxCases.All.Values.SelectMany(c => NetworkCompiler.Compile(DeclarationText.Parse(c.Source, c.Name), ScheduleSettings.Default).Sources).Select(s => s.Text)))));

    public static TheoryData<string> Cases => [.. OnnxCases.All.Keys];

    [Fact]
    public void Cases_HaveEveryOperatorAndActivation()
    {
        Operator[] used = [.. OnnxCases.All.Values.SelectMany(c => c.Graph.Layers).Select(l => l.Operator)];
        Assert.Equal(OperatorCatalog.All.Select(op => (op.GetType(), op.Name)).ToHashSet(), used.Select(op => (op.GetType(), op.Name)).ToHashSet());
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Model_IsWellFormed(string attributes)
    {
        LayerGraph graph = OnnxCases.All[attributes].Graph;
        OnnxModel model = OnnxModel.Read(Export(graph));

        HashSet<string> known = [model.Input, .. model.Initializers.Select(i => i.Name)], read = [];
        Assert.Equal(1 + model.Initializers.Count, known.Count);
        foreach (OnnxFileNode node in model.Nodes)
        {
            Assert.All(node.Inputs.Where(name => name.Length > 0), name => Assert.Contains(name, known));
            Assert.True(known.Add(node.Output), node.Output);
            read.UnionWith(node.Inputs);
        }

        Assert.Equal(model.Output, model.Nodes[^1].Output);
        Assert.Equal([1L, graph.Output.Channels, graph.Output.Height, graph.Output.Width], model.OutputShape);
        Assert.Equal(ParameterTable.Of(graph).Select(t => t.Key.Key).Order(), model.Initializers.Select(i => i.Name).Intersect(ParameterTable.Of(graph).Select(t => t.Key.Key)).Order());
        Assert.All(model.Initializers, i => Assert.Contains(i.Name, read));
        Assert.All(model.Initializers, i => Assert.Equal(i.Shape.Aggregate(1L, (product, d) => product * d), i.Elements));
    }

    /// <summary>Against the standard's own list of operators, as far as Debian's python3-onnx has it (version 17); newer operators are ONNX Runtime's to judge.</summary>
    [Theory]
    [MemberData(nameof(Cases))]
    public void Nodes_AreTheStandards(string attributes)
    {
        OnnxModel model = OnnxModel.Read(Export(OnnxCases.All[attributes].Graph));
        Assert.Equal(OnnxForm.Opset, model.Opset);
        foreach (OnnxFileNode node in model.Nodes.Where(n => n.Type is not ("Gelu" or "Mish")))
        {
            Assert.True(s_standard.Value.TryGetProperty(node.Type, out JsonElement standard), node.Type);
            int most = node.Type is "ReduceMean" or "ReduceMax" ? 2 : standard.GetProperty("inputs")[1].GetInt32();
            Assert.InRange(node.Inputs.Length, standard.GetProperty("inputs")[0].GetInt32(), most);
            string[] newer = node.Type == "AveragePool" ? ["dilations"] : [];
            Assert.Empty(node.Attributes.Except(standard.GetProperty("attributes").EnumerateArray().Select(a => a.GetString()!)).Except(newer));
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void OnnxRuntime_ComputesTheSame(string attributes)
    {
        OnnxCase item = OnnxCases.All[attributes];
        RunnableNetwork network = RunnableNetwork.Of(s_compiled.Value.GetType("Batch." + item.Name, throwOnError: true)!);
        Dictionary<string, float[]> weights = SeededValues.CreateWeights(network.Parameters);
        LoadedNetwork loaded = network.Load(SeededValues.ToSafetensors(network.Parameters, weights), new LoadOptions());
        using PageBuffer input = new(network.InputShape.ElementCount, 0), found = new(network.OutputShape.ElementCount, 0), expected = new(network.OutputShape.ElementCount, 0);
        SeededValues.FillInput(input.Span);
        foreach (ref float value in input.Span)
            value *= 5;
        using (OnnxRuntimePeer peer = new(1))
        using (OnnxRuntimeSession session = peer.Load(OnnxExporter.Export(item.Name, item.Graph, weights), network.InputShape, input, network.OutputShape, expected))
            session.Run(1);
        loaded.Run(1, input.Span, found.Span, 1);

        float largest = expected.Span.ToArray().Max(Math.Abs);
        for (int i = 0; i < found.Length; i++)
            Assert.True(Math.Abs(found.Span[i] - expected.Span[i]) <= 1e-5f * largest, $"element {i}: {found.Span[i]:R}, ONNX Runtime has {expected.Span[i]:R}");
    }

    private static byte[] Export(LayerGraph graph) =>
        OnnxExporter.Export("Net", graph, ParameterTable.Of(graph).ToDictionary(t => t.Key.Key, t => new float[t.Count]));
}
