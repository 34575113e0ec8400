using EfficientConv.Dsl.Compiler.Cost;
using EfficientConv.Dsl.Compiler.Folding;
using EfficientConv.Dsl.Compiler.Fusion;
using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Model;
using EfficientConv.Dsl.Compiler.Prediction;
using EfficientConv.Dsl.Compiler.Scheduling;
using EfficientConv.Dsl.Compiler.Scheduling.Nests;
using EfficientConv.Dsl.Compiler.Targets;
using EfficientConv.Dsl.Tests.Harness;
using EfficientConv.Dsl.Tests.RandomNetworks;

namespace EfficientConv.Dsl.Tests.Passes;

/// <summary>What must hold of every plan: memory that is alive is nobody else's, weights are packed once, steps read what earlier ones wrote.</summary>
public sealed class SchedulerTests
{
    private static readonly Lazy<IReadOnlyList<(string Text, NetworkPlan Plan)>> s_plans = new(() =>
    [
        .. RandomCase.All.Select(c => c.Declaration).Concat(Fixture.All.Select(f => f.Declaration)).Concat(SampleNetworks.All.Values)
            .SelectMany(text => VectorTarget.All.Select(target => (text, Plan(text, target)))),
    ]);

    [Fact]
    public void TensorsThatAreAlive_DoNotOverlap() => Assert.All(s_plans.Value, item =>
    {
        (string text, NetworkPlan plan) = item;
        foreach (Lifetime live in Lifetimes(plan))
        {
            string place = $"{text}, {plan.Target.Name}: {live}";
            Assert.True(live.Start >= 0 && live.End <= plan.WorkspaceBytes, place);
            for (int i = live.Written; i <= live.LastRead; i++)
            {
                Step step = plan.Steps[i];
                if (step.Output.Place == TensorPlace.Workspace && step.Output.Whole != live.Whole)
                    Assert.True(End(step.Output) <= live.Start || step.Output.Offset.Bytes >= live.End, $"{place} is overwritten by step {i}");
                Assert.False(UsesScratch(step, plan) && step.Scratch.Bytes >= live.Start && step.Scratch.Bytes < live.End, $"{place} lies under step {i}'s scratch memory");
            }
        }
    });

    [Fact]
    public void Steps_ReadWhatIsThere() => Assert.All(s_plans.Value, item =>
    {
        (string text, NetworkPlan plan) = item;
        Dictionary<int, HashSet<int>> written = [];
        foreach (Step step in plan.Steps)
        {
            foreach (Tensor? read in new[] { step.Input, step.Residual })
            {
                Assert.True(
                    read is null || read.Place == TensorPlace.Input || (written.TryGetValue(read.Whole, out HashSet<int>? there) && there.IsSupersetOf(Floats(read))),
                    $"{text}, {plan.Target.Name}: {read} is read before it is written");
            }

            Assert.NotEqual(TensorPlace.Input, step.Output.Place);
            if (!written.TryGetValue(step.Output.Whole, out HashSet<int>? floats))
                written.Add(step.Output.Whole, floats = []);
            floats.UnionWith(Floats(step.Output));
        }

        Assert.Equal(TensorPlace.Output, plan.Steps[plan.Steps.Count - 1].Output.Place);
    });

    [Fact]
    public void PackedWeights_DoNotOverlapAndFit() => Assert.All(s_plans.Value, item =>
    {
        (string text, NetworkPlan plan) = item;
        long end = 0;
        foreach (PackInstruction block in plan.Packing.SelectMany(p => p.Instructions).OrderBy(b => b.Offset.Bytes))
        {
            Assert.True(block.Offset.Bytes >= end && block.Bytes > 0, $"{text}, {plan.Target.Name}: {block} overlaps the block before it");
            if (block is PackPanels p)
                Assert.Equal(p.Bytes, p.PanelWidth * p.PanelCount * p.KCount * sizeof(float));
            end = block.Offset.Bytes + block.Bytes;
        }

        Assert.InRange(end, 0, plan.PackedBytes);
        Assert.All(plan.Steps, s => Assert.InRange(s.Weights.Bytes, 0, plan.PackedBytes));
    });

    /// <summary>A step prefetches weights of a later one exactly where its loop nest wants them named, and they are weights; kernels prefetch each thing once.</summary>
    [Fact]
    public void Prefetches_AreOfWeightsThatAreThere() => Assert.All(s_plans.Value, item =>
    {
        (string text, NetworkPlan plan) = item;
        for (int i = 0; i < plan.Steps.Count; i++)
        {
            Step step = plan.Steps[i];
            Assert.Equal(step.Nest.PrefetchesNext, step.Prefetch is not null);
            if (step.Prefetch is { } next)
                Assert.InRange(End(next), plan.Steps[Math.Min(i + 1, plan.Steps.Count - 1)].Weights.Bytes, plan.PackedBytes);
            foreach (Call call in step.Nest.Calls.Where(call => call.Kernel.PrefetchOf(Prefetched.GateWeights) is not null))
                Assert.All(Starts(call.GateWeights), start => Assert.InRange(step.Weights.Bytes + (start * sizeof(float)), step.Weights.Bytes + 1, plan.PackedBytes - 1));
            Assert.All(step.Nest.Calls, call => Assert.Empty(call.Upcoming));
        }

        Assert.All(plan.Kernels, kernel => Assert.Equal(kernel.Prefetches.Count, kernel.Prefetches.Select(prefetch => prefetch.What).Distinct().Count()));
    });

    /// <summary>Every weight of every convolution is packed exactly once for each place that reads it: all outputs and all taps.</summary>
    [Fact]
    public void Panels_HoldEveryWeightOnce() => Assert.All(s_plans.Value, item =>
    {
        (string text, NetworkPlan plan) = item;
        foreach (StagePacking packing in plan.Packing.Where(p => p.Convolution is not null))
        {
            ConvolutionOperator c = packing.Convolution!;
            int taps = packing.InPerGroup * c.Kernel.Height * c.Kernel.Width;
            int[] seen = new int[c.OutChannels * taps];
            foreach (PackPanels p in packing.Instructions.OfType<PackPanels>())
            {
                for (int o = p.OutStart; o < Math.Min(p.OutEnd, p.OutStart + (p.PanelWidth * p.PanelCount)); o++)
                {
                    for (int k = p.KStart; k < p.KStart + p.KCount; k++)
                        seen[(o * taps) + k]++;
                }
            }

            foreach (PackPixelPairs p in packing.Instructions.OfType<PackPixelPairs>())
            {
                for (int o = 0; o < c.OutChannels; o++)
                {
                    for (int k = p.KStart; k < p.KStart + p.KCount; k++)
                        seen[(o * taps) + k]++;
                }
            }

            // All 36 products hold every input channel, so that a filter is packed where its output channel is.
            foreach (PackPanels p in packing.Instructions.OfType<PackWinogradPanels>().SelectMany(w => w.Panels))
            {
                for (int i = p.OutStart * taps; i < Math.Min(p.OutEnd, p.OutStart + (p.PanelWidth * p.PanelCount)) * taps; i++)
                    seen[i]++;
            }

            Assert.True(Array.TrueForAll(seen, n => n == 1), $"{text}, {plan.Target.Name}: {packing.Source.Name}");
        }
    });

    /// <summary>
    /// The random configurations reach every node of loop nests, every kernel, every way of starting and storing a sum and every function of the runtime.
    /// Winograd's algorithm and images of bytes have tests of their own.
    /// </summary>
    [Fact]
    public void RandomConfigurations_ReachEveryNodeAndKernel()
    {
        // Pairs of pixels are scaled by squeeze-and-excitation where a map has no more pixels than channels.
        string[] texts = [.. RandomCase.All.Select(c => c.Declaration), "[InputShape(8, 2, 4), Schedule(Form = BlockForm.Rows)] [InvertedResidual(8, expansion: 4, squeezeReduction: 4)]"];
        Step[] steps = [.. texts.SelectMany(text => VectorTarget.All.Select(t => Plan(text, t))).SelectMany(p => p.Steps)];
        Nest[] nodes = [.. steps.Select(step => step.Nest).Distinct().SelectMany(nest => nest.Nodes)];
        FunctionCall[] calls = [.. nodes.OfType<FunctionCall>()];
        SumKernel[] sums = [.. nodes.OfType<Call>().Select(call => call.Kernel).OfType<SumKernel>().Distinct()];
        HashSet<string> reached =
        [
            .. nodes.Select(node => node.GetType().Name), .. nodes.OfType<Call>().Select(call => call.Kernel.GetType().Name), .. calls.Select(call => call.Function.Name),
            .. sums.Select(kernel => kernel.Epilogue.Start.ToString()), .. sums.Select(kernel => kernel.Epilogue.Store.ToString()), .. nodes.OfType<LoadRow>().Select(load => load.Load.ToString()),
            .. calls.Select(call => call.Effort.Work.ToString()), .. nodes.OfType<Call>().Select(call => call.Effort.Work.ToString()),
        ];
        string[] missing = [.. typeof(Nest).Assembly.GetTypes().Where(t => !t.IsAbstract && (t.IsSubclassOf(typeof(Nest)) || t.IsSubclassOf(typeof(Kernel)))).Select(t => t.Name)
            .Concat(Enum.GetNames<AccumulatorStart>()).Concat(Enum.GetNames<StoreForm>()).Concat(Enum.GetNames<RowLoad>()).Concat(Enum.GetNames<Work>())
            .Concat(Functions().Select(function => function.Name))
            .Where(name => !name.StartsWith("Winograd", StringComparison.Ordinal) && !name.StartsWith("Image", StringComparison.Ordinal) && name != nameof(DefineTables) && !reached.Contains(name))];
        Assert.True(missing.Length == 0, "never reached: " + string.Join(", ", missing));
    }

    /// <summary>The runtime has the functions that plans call, with as many parameters as they are given.</summary>
    [Fact]
    public void CallsOfTheRuntime_HaveTheirFunctions()
    {
        Type[] runtime = typeof(Runtime.Part).Assembly.GetExportedTypes();
        Assert.All(s_plans.Value.SelectMany(item => item.Plan.Nests).SelectMany(nest => nest.Nodes).Where(node => node is FunctionCall or PostOp or Clear or Copy).Distinct(), call =>
        {
            (string name, bool isVector, int arguments) = call switch
            {
                FunctionCall c => (c.Function.Name, c.Function.IsVector, c.Arguments.Count),
                PostOp c => ($"Elementwise.{c.Function.Kind}", true, 2 + c.Function.Arguments.Count),
                Clear => ("Span.Clear", false, 0),
                Copy => ("Span.CopyTo", false, 1),
                _ => throw new InvalidOperationException($"{call} is no known call."),
            };
            // After the method's name stands a type of the runtime, where its type argument is none of vectors.
            string[] parts = name.TrimEnd('>').Split('.', '<');
            Type type = parts[0] == "Span" ? typeof(Span<float>) : Assert.Single(runtime, type => type.Name == parts[0]);
            Assert.All(parts.Skip(2), argument => Assert.Single(runtime, type => type.Name == argument));
            Assert.Contains(type.GetMethods(), method => method.Name == parts[1] && method.IsGenericMethod == (isVector || parts.Length > 2) && method.GetParameters().Length == arguments);
        });
    }

    /// <summary>Parts are written into the whole and slices are addresses: the steps are the layers and nothing else.</summary>
    [Theory]
    [InlineData("[InputShape(16, 8, 9)] [Conv2d(16, Name = \"a\"), Conv2d(24, kernelSize: 1, Name = \"b\"), From(\"a\"), Concat(\"b\"), Conv2d(16)]", "Convolution Pointwise Convolution")]
    [InlineData("[InputShape(16, 8, 9)] [Conv2d(16, Name = \"a\"), Conv2d(11, padding: 1, Name = \"b\"), Conv2d(21, padding: 1), Concat(\"b\", \"a\"), Conv2d(16)]", "Convolution Convolution Convolution Map Convolution")]
    [InlineData("[InputShape(16, 8, 9)] [Conv2d(48, Name = \"a\"), SliceChannels(3, 20), PointwiseConv2d(16, Name = \"b\"), From(\"a\"), SliceChannels(32, 16), Add(\"b\"), Conv2d(8)]", "Convolution Pointwise Map Convolution")]
    [InlineData("[InputShape(3, 20, 20, Layout = TensorLayout.NHWC)] [Conv2d(16, padding: 1, Name = \"a\"), From(\"input\"), Conv2d(16, padding: 1), Concat(\"a\")]", "Convolution Convolution")]
    public void Joining_MovesNothingThatCanBeWrittenInPlace(string text, string steps) => Assert.All(VectorTarget.All, target =>
        Assert.Equal(steps, string.Join(' ', Plan(text, target).Steps.Select(s => s.Nest.IsRuntime ? "Map" : s.Nest.Title))));

    /// <summary>A unit of ShuffleNetV2: the branch is one loop nest, and the two halves that the next unit reads are one pass each.</summary>
    [Fact]
    public void ShuffleUnits_AreOneFusedBranchAndTwoHalves()
    {
        static string Unit(string from, string to) => $"""
            [From("{from}"), SliceChannels(0, 20, Name = "{to}left"), From("{from}"), SliceChannels(20, 20)]
            [PointwiseConv2d(bias: false), BatchNorm, ReLU, DepthwiseConv2d(padding: 1, bias: false), BatchNorm, PointwiseConv2d(bias: false), BatchNorm, ReLU(Name = "{to}right")]
            [From("{to}left"), Concat("{to}right"), ChannelShuffle(2, Name = "{to}")]
            """;
        string text = $"[InputShape(8, 14, 14)] [Conv2d(40, padding: 1, Name = \"x\")] {Unit("x", "y")} {Unit("y", "z")} [PointwiseConv2d(8)]";
        Assert.All(VectorTarget.All, target => Assert.Equal(
            "Convolution InvertedResidual Interleave Interleave InvertedResidual Interleave",
            string.Join(' ', Plan(text, target, ScheduleSettings.Default with { Form = Compiler.Graph.BlockForm.Rows }).Steps.Select(s => s.Nest.Title).Take(6))));
    }

    /// <summary>Steps know their layers by number: every layer that an output needs is in some step, and what the steps multiply adds up to what the layers multiply.</summary>
    [Fact]
    public void Steps_HaveTheLayers() => Assert.All(s_plans.Value, item =>
    {
        (string text, NetworkPlan plan) = item;
        LayerGraph graph = DeclarationText.Graph(text);
        bool[] needed = graph.FindNeeded();
        HashSet<int> there = [.. plan.Steps.SelectMany(step => step.LayerIds)];

        // What only moves or renames values has no step where its reader finds them.
        Layer[] missing = [.. graph.Layers.Where(layer => needed[layer.Id] && layer.Operator is not (InputOperator or ConcatOperator or SliceOperator or FlattenOperator or ActivationOperator { Function.IsNone: true } or ChannelShuffleOperator or PixelShuffleOperator { Factor: 1 } or UpsampleOperator or PadOperator) && !there.Contains(layer.Id))];
        Assert.True(missing.Length == 0, $"{text}, {plan.Target.Name}: no step has {string.Join(", ", missing.Select(layer => layer.Name))}");
        long expected = NetworkCostModel.Measure(graph).MultiplyAdds;
        Assert.InRange(plan.Steps.Sum(step => TimeModel.Work(graph, plan, step).MultiplyAdds), expected - plan.Steps.Count, expected);
    });

    /// <summary>A layer's name may begin with another's.</summary>
    [Fact]
    public void Steps_AreNamedAsTheirLayers()
    {
        string text = "[InputShape(8, 9, 9), Schedule(Form = BlockForm.Rows)] [Conv2d(8, padding: 1, Name = \"a\"), ReLU, Conv2d(8, kernelSize: 5, padding: 2, Name = \"a_b\")] [InvertedResidual] [GlobalAvgPool, Linear(3)]";
        NetworkPlan plan = Plan(text, VectorTarget.Avx2);
        Step[] steps = [.. plan.Steps.Where(step => step.LayerIds.Any())];
        Assert.Equal(["a", "a_b", "3", "4", "5"], steps.Select(step => step.Name));
        Assert.Equal("a_b: Convolution 8 x 9 x 9 -> 8 x 9 x 9", steps[1].Title);
        Assert.Equal([8 * 8 * 9 * 81L, 8 * 8 * 25 * 81L], steps.Take(2).Select(step => TimeModel.Work(DeclarationText.Graph(text), plan, step).MultiplyAdds));
    }

    /// <summary>Caches come from the target where the settings say nothing of them.</summary>
    [Fact]
    public void Caches_AreTheTargetsOwnUnlessTheyAreGiven() => Assert.All(VectorTarget.All, target =>
    {
        const string Text = "[InputShape(24, 28, 28)] [InvertedResidual(expansion: 6)] [PointwiseConv2d(320)] [Conv2d(64, kernelSize: 5, padding: 2)]";
        VectorTarget small = target with { Caches = target.Caches with { FirstLevelBytes = 4096, SecondLevelBytes = 32768 } };
        Assert.Equal(Plan(Text, target, new ScheduleSettings(4096, 32768)).Steps, Plan(Text, small).Steps);
        Assert.NotEqual(Plan(Text, target).Steps, Plan(Text, small).Steps);
        Assert.Equal(Plan(Text, target).Steps, Plan(Text, small, new ScheduleSettings(target.Caches.FirstLevelBytes, target.Caches.SecondLevelBytes)).Steps);
    });

    [Fact]
    public void EqualBlocks_ShareOneMethod()
    {
        NetworkPlan plan = Plan("[InputShape(24, 14, 14)] [Conv2d(24)] [InvertedResidual] [InvertedResidual] [InvertedResidual] [PointwiseConv2d(3)]", VectorTarget.Avx2);
        Step[] blocks = [.. plan.Steps.Where(s => s.Residual is not null)];
        Assert.Equal(3, blocks.Length);
        Assert.Single(blocks.Select(s => s.Nest).Distinct());
        Assert.Equal(3, blocks.Select(s => s.Weights).Distinct().Count());
    }

    /// <summary>The functions of the runtime that plans may call.</summary>
    private static IEnumerable<RuntimeFunction> Functions() =>
        typeof(RuntimeFunction).GetFields().Where(field => field.FieldType == typeof(RuntimeFunction)).Select(field => (RuntimeFunction)field.GetValue(null)!);

    private static NetworkPlan Plan(string text, VectorTarget target, ScheduleSettings? settings = null)
    {
        StageGraph stages = OperatorFolding.Fold(DeclarationText.Graph(text));
        return Scheduler.Plan(stages, StageFusion.Fuse(stages), target, Compiler.Scheduling.ScheduleAttribute.Apply(DeclarationText.Parse(text), settings ?? ScheduleSettings.Default));
    }

    /// <summary>Where references into the weights begin, in floats, whatever a thread's share of them is.</summary>
    private static IEnumerable<long> Starts(Pointer? pointer) => pointer switch
    {
        Either choice => Starts(choice.Then).Concat(Starts(choice.Else)),
        Moved { By: var by } => [First(by)],
        _ => throw new InvalidOperationException($"{pointer} is no reference into the weights."),
    };

    private static long First(Scalar scalar) => scalar switch
    {
        Number number => number.Value,
        Computed { Operator: '+' or '-', Left: var left } => First(left),
        _ => 0,
    };

    private static long End(WeightShare share) => share.Offset.Bytes + (share.Units * share.UnitLength * sizeof(float));

    /// <summary>Every workspace tensor from the first write into any part of it to the last read.</summary>
    private static IEnumerable<Lifetime> Lifetimes(NetworkPlan plan) => Uses(plan).GroupBy(use => use.Tensor.Whole).Select(uses => new Lifetime(
        uses.Key, uses.Min(use => use.Tensor.Offset.Bytes), uses.Max(use => End(use.Tensor)), uses.Min(use => use.Step), uses.Max(use => use.Step)));

    private static IEnumerable<(int Step, Tensor Tensor)> Uses(NetworkPlan plan) => plan.Steps.SelectMany((step, i) =>
        new[] { step.Input, step.Residual, step.Output }.OfType<Tensor>().Where(tensor => tensor.Place == TensorPlace.Workspace).Select(tensor => (i, tensor)));

    /// <summary>Where the elements of a tensor lie.</summary>
    private static IEnumerable<int> Floats(Tensor tensor) =>
        from c in Enumerable.Range(0, tensor.View.Shape.Channels)
        from y in Enumerable.Range(0, tensor.View.Shape.Height)
        from x in Enumerable.Range(0, tensor.View.Shape.Width)
        select tensor.Offset.In(tensor.View.Element) + (c * tensor.View.ChannelStep) + (y * tensor.View.RowStep) + (x * tensor.View.PixelStep);

    /// <summary>After the last vector of the last pixel.</summary>
    private static long End(Tensor tensor) => tensor.Offset.Bytes + tensor.View.Element.Bytes(tensor.View.IsPlanar
        ? tensor.View.Length
        : ((tensor.View.Shape.Height - 1) * tensor.View.RowStep) + ((tensor.View.Shape.Width - 1) * tensor.View.PixelStep) + (tensor.View.IsPadded ? (tensor.View.Shape.Channels + 15) / 16 * 16 : tensor.View.Shape.Channels));

    /// <summary>A step without scratch memory says 0; one whose scratch memory begins at 0 cannot be told from it unless nothing else is there.</summary>
    private static bool UsesScratch(Step step, NetworkPlan plan) => step.Scratch.Bytes > 0 && step.Scratch.Bytes < plan.WorkspaceBytes;

    private readonly record struct Lifetime(int Whole, long Start, long End, int Written, int LastRead);
}
