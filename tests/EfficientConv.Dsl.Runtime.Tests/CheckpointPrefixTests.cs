using Engine = EfficientConv.Dsl.Runtime.ConvNetEngine<EfficientConv.Dsl.Runtime.Tests.TinyProgram>;

namespace EfficientConv.Dsl.Runtime.Tests;

/// <summary>Names with something before them, two copies in one file, and tensors that the network has no use for.</summary>
public sealed class CheckpointPrefixTests
{
    private static readonly TensorSpec[] Factorized =
    [
        new("net.0.weight", "vertical.weight", TensorKind.Weight, 1), new("net.1.weight", "vertical_bn.weight", TensorKind.BatchNormWeight, 1),
        new("net.3.weight", "horizontal.weight", TensorKind.Weight, 1), new("net.4.weight", "horizontal_bn.weight", TensorKind.BatchNormWeight, 1),
    ];

    private static readonly int[] OneElement = [1];
    private static readonly float[] Quarter = [0.25f];

    [Theory]
    [InlineData("_orig_mod.")]
    [InlineData("model.module.")]
    [InlineData("module._orig_mod.")]
    [InlineData("_orig_mod.module.")]
    [InlineData("ema.")]
    [InlineData("ema_model.module.")]
    [InlineData("state_dict.")]
    [InlineData("state_dict.model.")]
    [InlineData("backbone.")]
    [InlineData("net.")]
    [InlineData("model.net.backbone.")]
    [InlineData("module.module.")]
    public void Known_wrappers_are_taken_off_in_any_combination(string wrapper) => Assert.Equal(Output(TinyProgram.Checkpoint()), Output(TinyProgram.Checkpoint(wrapper)));

    [Theory]
    [InlineData("student.", "student")]
    [InlineData("net.trunk.", "net.trunk")]
    [InlineData("a.b.c.", "a.b.c")]
    public void Any_other_common_prefix_is_named(string prefix, string value)
    {
        var e = Assert.Throws<WeightsException>(() => Load(TinyProgram.Checkpoint(prefix)));
        Assert.Contains($"behind \"{prefix}\"", e.Hint, StringComparison.Ordinal);
        Assert.Contains($"Prefix = \"{value}\"", e.Hint, StringComparison.Ordinal);
        Assert.Contains(e.Hint!, e.Message, StringComparison.Ordinal);
        Assert.Equal([value], e.Prefixes);
        Assert.Equal(Output(TinyProgram.Checkpoint()), Output(TinyProgram.Checkpoint(prefix), new LoadOptions { Prefix = value }));
    }

    [Fact]
    public void Wrong_prefix_gets_the_right_one()
    {
        var e = Assert.Throws<WeightsException>(() => Load(TinyProgram.Checkpoint("backbone."), new LoadOptions { Prefix = "backbne" }));
        Assert.Equal(["backbone"], e.Prefixes);
        Assert.Contains("Prefix = \"backbone\"", e.Hint, StringComparison.Ordinal);
        Assert.Equal(Output(TinyProgram.Checkpoint()), Output(TinyProgram.Checkpoint("model.trunk._orig_mod."), new LoadOptions { Prefix = "model.trunk" }));
    }

    [Fact]
    public void Two_copies_are_a_choice()
    {
        (string, int[], float[])[] both = [.. TinyProgram.Checkpoint("model."), .. Average("model_ema.")];
        var e = Assert.Throws<WeightsException>(() => Load(both));
        Assert.Equal(["model", "model_ema"], e.Prefixes);
        Assert.Contains("Prefix = \"model\" or \"model_ema\" chooses", e.Hint, StringComparison.Ordinal);
        Assert.Contains("behind \"model_ema.\" are the moving average", e.Hint, StringComparison.Ordinal);
        Assert.Equal(Output(TinyProgram.Checkpoint()), Output(both, new LoadOptions { Prefix = "model" }));
        Assert.Equal(Output(Average("")), Output(both, new LoadOptions { Prefix = "model_ema" }));

        // Neither is taken because extra tensors are allowed.
        Assert.Throws<WeightsException>(() => Load(both, new LoadOptions { Strict = false }));
    }

    [Fact]
    public void Copy_beside_the_plain_names_is_named_and_not_taken()
    {
        (string, int[], float[])[] both = [.. Average("ema."), .. TinyProgram.Checkpoint()];
        var e = Assert.Throws<WeightsException>(() => Load(both));
        Assert.All(e.Problems, p => Assert.Equal(WeightsProblemKind.Unexpected, p.Kind));
        Assert.Equal(["ema"], e.Prefixes);
        Assert.Contains("LoadOptions.Prefix = \"ema\" reads those, LoadOptions.Strict = false these", e.Hint, StringComparison.Ordinal);
        Assert.Equal(Output(TinyProgram.Checkpoint()), Output(both, new LoadOptions { Strict = false }));
        Assert.Equal(Output(Average("")), Output(both, new LoadOptions { Prefix = "ema" }));

        // A known wrapper and a copy that no wrapper names.
        e = Assert.Throws<WeightsException>(() => Load([.. TinyProgram.Checkpoint("model."), .. Average("slow.")]));
        Assert.Equal(["slow"], e.Prefixes);
        Assert.Contains("LoadOptions.Prefix = \"slow\" reads those, LoadOptions.Prefix = \"model\" these", e.Hint, StringComparison.Ordinal);
    }

    [Fact]
    public void Averaged_model_of_PyTorch_loads() =>
        Assert.Equal(Output(TinyProgram.Checkpoint()), Output([("n_averaged", [], [5]), .. TinyProgram.Checkpoint("module."), ("module.1.num_batches_tracked", [], [9])]));

    [Fact]
    public void Names_that_the_network_has_itself_are_no_wrapper()
    {
        Assert.Equal(4, Read(Factorized, Factorized.Select(s => s.Key)).Count);
        Assert.Equal(4, Read(Factorized, Factorized.Select(s => "net." + s.Key)).Count);
        Assert.Equal(4, Read(Factorized, Factorized.Select(s => "model.net." + s.Key)).Count);

        // "net.1.weight" is its own tensor and not the wrapped "1.weight", which is missing.
        TensorSpec[] specs = [Own("1.weight"), Own("net.1.weight"), Own("2.weight")];
        WeightsProblem problem = Assert.Single(Assert.Throws<WeightsException>(() => Read(specs, ["net.1.weight", "2.weight"])).Problems);
        Assert.Equal((WeightsProblemKind.Missing, "1.weight"), (problem.Kind, problem.Tensor));

        static TensorSpec Own(string key) => new(key, "own." + key, TensorKind.Weight, 1);
    }

    /// <summary>The tutorial's pair of k x 1 and 1 x k convolutions is a plain <c>nn.Sequential</c>, in another one as well.</summary>
    [Fact]
    public void Block_that_is_a_Sequential_itself_loads()
    {
        string[] plain = ["0.weight", "1.weight", "3.weight", "4.weight"];
        Assert.Equal(Factorized.Select(s => s.Key), Read(Factorized, plain).Keys);
        Assert.Equal(4, Read(Factorized, plain.Select(n => "module." + n)).Count);
        TensorSpec[] inList = [.. Factorized.Select(s => new TensorSpec("3." + s.Key, "3." + s.CanonicalKey, s.Kind, s.Shape)), new("0.weight", "0.weight", TensorKind.Weight, 1)];
        Assert.Equal(5, Read(inList, [.. plain.Select(n => "3." + n), "0.weight"]).Count);
        Assert.Equal(5, Read(inList, inList.Select(s => s.Key)).Count);
        Assert.Contains(
            Assert.Throws<WeightsException>(() => Read(Factorized, [.. plain, "net.0.weight"])).Problems, p => p.Kind == WeightsProblemKind.Ambiguous);
    }

    [Fact]
    public void Own_style_behind_a_prefix_gets_no_hint_at_the_style()
    {
        var e = Assert.Throws<WeightsException>(() => Read(Factorized, Factorized.Select(s => "head." + s.Key)));
        Assert.DoesNotContain("KeyStyle", e.Hint, StringComparison.Ordinal);
        Assert.Equal(["head"], e.Prefixes);
    }

    [Fact]
    public void Extra_tensors_are_ignored_and_listed_on_request()
    {
        (string, int[], float[])[] tensors = [("z.bias", [2], [1, float.NaN]), .. TinyProgram.Checkpoint(), ("head.weight", [1], [1])];
        Assert.Equal(2, Assert.Throws<WeightsException>(() => Load(tensors)).Problems.Count);
        List<string> ignored = [];
        Assert.Equal(Output(TinyProgram.Checkpoint()), Output(tensors, new LoadOptions { Strict = false, UnexpectedKeys = ignored }));
        Assert.Equal(["head.weight", "z.bias"], ignored);
        Assert.Equal(Output(TinyProgram.Checkpoint()), Output(tensors, new LoadOptions { Strict = false }));

        // What is missing or wrong stays an error, and nothing is reported as ignored then.
        ignored.Clear();
        var e = Assert.Throws<WeightsException>(() => Load([.. tensors[..3], .. tensors[4..]], new LoadOptions { Strict = false, UnexpectedKeys = ignored }));
        Assert.Equal([WeightsProblemKind.Missing], e.Problems.Select(p => p.Kind));
        Assert.Empty(ignored);
    }

    [Fact]
    public void Message_shows_some_of_every_kind_and_twenty_in_all()
    {
        (string, int[], float[])[] tensors = [.. Enumerable.Range(0, 300).Select(i => ($"x.{i}.gamma", OneElement, Quarter)), ("0.weight", [7], new float[7])];
        var e = Assert.Throws<WeightsException>(() => Load(tensors));
        Assert.Equal(300 + 1 + 5, e.Problems.Count);
        string[] lines = e.Message.Split('\n');
        Assert.Equal(20, lines.Count(l => l.StartsWith("  ", StringComparison.Ordinal) && !l.StartsWith("  ...", StringComparison.Ordinal)));
        Assert.Equal(5, lines.Count(l => l.StartsWith("  missing", StringComparison.Ordinal)));
        Assert.Equal(1, lines.Count(l => l.StartsWith("  wrong shape", StringComparison.Ordinal)));
        Assert.Contains("  ... and 286 more unexpected", lines);
    }

    [Theory]
    [InlineData(new int[0], true)]
    [InlineData(new[] { 1 }, true)]
    [InlineData(new[] { 1, 1 }, false)]
    public void Single_slope_may_be_a_scalar(int[] shape, bool fits)
    {
        TensorSpec[] slope = [new("weight", "0.weight", TensorKind.PReLUSlope, 1)];
        if (fits)
            Assert.Equal(Quarter, Read(slope, [("weight", shape, Quarter)])["weight"]);
        else
            Assert.Equal(WeightsProblemKind.Misshaped, Assert.Throws<WeightsException>(() => Read(slope, [("weight", shape, Quarter)])).Problems[0].Kind);

        // One slope for each of several channels, and other kinds of tensors, have their rank.
        Assert.Throws<WeightsException>(() => Read([new("weight", "0.weight", TensorKind.PReLUSlope, 2)], [("weight", [], Quarter)]));
        Assert.Throws<WeightsException>(() => Read([new("weight", "0.weight", TensorKind.Bias, 1)], [("weight", [], Quarter)]));
    }

    private static (string Name, int[] Shape, float[] Values)[] Average(string prefix) =>
        [.. TinyProgram.Checkpoint(prefix).Select(t => (t.Name, t.Shape, t.Values.Select(v => v / 2).ToArray()))];

    private static Engine Load((string, int[], float[])[] tensors, LoadOptions? options = null) => Engine.Load(SafetensorsBytes.Write(tensors), options);

    private static float[] Output((string, int[], float[])[] tensors, LoadOptions? options = null)
    {
        float[] output = new float[TinyProgram.OutputLength];
        Load(tensors, options).Forward([1, 2, 3, 4, 5, 6, 7, 8], output);
        return output;
    }

    private static Dictionary<string, float[]> Read(TensorSpec[] specs, IEnumerable<string> names) => Read(specs, names.Select(n => (n, OneElement, Quarter)));

    private static Dictionary<string, float[]> Read(TensorSpec[] specs, IEnumerable<(string, int[], float[])> tensors)
    {
        using SafetensorsFile file = SafetensorsFile.Read(SafetensorsBytes.Write([.. tensors]));
        return Checkpoint.Read("Net", "bytes", specs, [], [file], null);
    }
}
