using System.Collections.Concurrent;
using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Tests.Harness;
using EfficientConv.Dsl.Tests.Reference;

namespace EfficientConv.Dsl.Tests.RandomNetworks;

/// <summary>One random configuration with its weights and images.</summary>
internal sealed class RandomCase
{
    /// <summary>Images of a run.</summary>
    public const int Images = 2;

    private static readonly Lazy<NetworkBatch> s_batch = new(() => NetworkBatch.Compile(All!.Select(c => (c.Name, c.Declaration))));

    private readonly Lazy<NetworkFactory> _factory;
    private readonly Lazy<IReadOnlyList<(string Name, int[] Shape, float[] Values)>> _weights;
    private readonly ConcurrentDictionary<InstructionSet, NetworkHandle> _networks = new();
    private readonly Lazy<float[]> _output;

    private RandomCase(int index, string declaration)
    {
        Index = index;
        Declaration = declaration;
        _factory = new(() => Batch[Name]);
        _weights = new(() => RandomValues.Weights(_factory.Value.Parameters, Index));
        _output = new(() => Load(Numbers.Sets[0]).Run(Input, Images, Factory.OutputShape));
    }

    /// <summary>All configurations.</summary>
    public static IReadOnlyList<RandomCase> All { get; } = [.. NetworkGen.Configurations.Select((text, i) => new RandomCase(i, text))];

    /// <summary>All of them compiled together.</summary>
    public static NetworkBatch Batch => s_batch.Value;

    /// <summary>Theory data: index, and the declaration for the test's name.</summary>
    public static TheoryData<int, string> Theory
    {
        get
        {
            TheoryData<int, string> data = [];
            foreach (RandomCase item in All)
                data.Add(item.Index, item.Declaration);
            return data;
        }
    }

    public int Index { get; }

    public string Name => FormattableString.Invariant($"Random{Index:000}");

    public string Declaration { get; }

    public NetworkFactory Factory => _factory.Value;

    public IReadOnlyList<(string Name, int[] Shape, float[] Values)> Weights => _weights.Value;

    public byte[] Safetensors => RandomValues.Safetensors(Weights);

    public float[] Input => RandomValues.Image(Images * Factory.InputShape.ElementCount, Index);

    /// <summary>What the widest instruction set makes of <see cref="Input"/>.</summary>
    public float[] Output => _output.Value;

    public LayerGraph Graph => DeclarationText.Graph(Declaration);

    public double[] Reference(float[] images) => new NaiveNetwork(Graph, Weights).RunBatch(images);

    /// <summary>The network on one instruction set; the same instance for all tests.</summary>
    public NetworkHandle Load(InstructionSet set) => _networks.GetOrAdd(set, LoadFresh);

    /// <summary>An instance that nobody has used.</summary>
    public NetworkHandle LoadFresh(InstructionSet set) => Factory.Load(Safetensors, new LoadOptions { InstructionSet = set });

    /// <summary>What is needed to reproduce a failure.</summary>
    public string Describe(string what) =>
        $"{what}: {Declaration} public sealed partial class {Name};\nweights RandomValues.Weights(parameters, {Index}), images RandomValues.Image(length, {Index})";
}
