using EfficientConv.Dsl.Cli.Input;
using EfficientConv.Dsl.Cli.Output;
using EfficientConv.Dsl.Cli.Running;
using EfficientConv.Dsl.Compiler;
using EfficientConv.Dsl.Compiler.Cost;
using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Prediction;
using EfficientConv.Dsl.Compiler.Scheduling;

namespace EfficientConv.Dsl.Cli.Verbs;

/// <summary>Everything that <c>report</c> says of a network; also its JSON.</summary>
internal sealed record NetworkReport
{
    public required string Name { get; init; }

    public required string Location { get; init; }

    public required string Input { get; init; }

    public required string Output { get; init; }

    public required string InstructionSet { get; init; }

    public required long Parameters { get; init; }

    public required long MultiplyAdds { get; init; }

    public required long WeightBytes { get; init; }

    public required long ActivationSum { get; init; }

    public required long OutputSum { get; init; }

    public required long PeakBytesLayerwise { get; init; }

    public required long PeakBytesFused { get; init; }

    public required long SavedBytes { get; init; }

    public required double Intensity { get; init; }

    public long? TorchinfoPassBytes { get; init; }

    public long? TorchsummaryPassBytes { get; init; }

    public long? PeakBytesLayerwiseHeld { get; init; }

    public long? PeakBytesFusedRows { get; init; }

    public long? PeakBytesFusedInputFreed { get; init; }

    public required long WorkspaceBytes { get; init; }

    public required long PackedWeightBytes { get; init; }

    /// <summary>The figures above for every instruction set that the network is compiled for.</summary>
    public required IReadOnlyList<RunMemory> Memory { get; init; }

    public double? PredictedSeconds { get; init; }

    public required IReadOnlyList<LayerReport> Layers { get; init; }

    public IReadOnlyList<StepReport>? Steps { get; init; }

    /// <summary>From its attributes; of a built class without them, what its constants tell.</summary>
    public static NetworkReport Of(NetworkInput network, InstructionSet set, MachineModel machine, ScheduleOverrides? schedules = null) =>
        network.Declaration is null ? OfCost(network, RunnableNetwork.Of(network.Type!), set) : OfAnalysis(network, network.Analyze(schedules), set, machine);

    private static NetworkReport OfAnalysis(NetworkInput network, NetworkAnalysis analysis, InstructionSet set, MachineModel machine)
    {
        Compiler.Cost.NetworkCost cost = analysis.Cost;
        NetworkPlan plan = analysis.PlanFor(Options.Target(set));
        IReadOnlyList<double> seconds = TimeModel.StepSeconds(analysis.Graph, plan, machine);
        MemoryTimeline planned = PlannedMemory.Of(analysis.Graph, plan);
        return new NetworkReport
        {
            Name = network.Name,
            Location = network.Location,
            Input = analysis.Graph.Input.ToString(),
            Output = analysis.Graph.Output.ToString(),
            InstructionSet = Figures.Word(set),
            Parameters = cost.Parameters,
            MultiplyAdds = cost.MultiplyAdds,
            WeightBytes = cost.Parameters * sizeof(float),
            ActivationSum = cost.ActivationSum,
            OutputSum = cost.OutputSum,
            PeakBytesLayerwise = cost.PeakBytesLayerwise,
            PeakBytesFused = plan.PeakBytes,
            SavedBytes = cost.SavedBytes,
            Intensity = cost.MultiplyAdds / (double)((analysis.Graph.Input.Count + analysis.Graph.Output.Count + cost.Parameters) * sizeof(float)),
            TorchinfoPassBytes = PassSize.Torchinfo(cost),
            TorchsummaryPassBytes = PassSize.Torchsummary(analysis.Graph, cost),
            PeakBytesLayerwiseHeld = LayerMemory.Layerwise(analysis.Graph, inputHeld: true).PeakBytes,
            PeakBytesFusedRows = FusedRowsMemory.Of(analysis.Stages, analysis.Groups).PeakBytes,
            PeakBytesFusedInputFreed = PlannedMemory.InputFreed(analysis.Graph, plan),
            WorkspaceBytes = plan.WorkspaceBytes,
            PackedWeightBytes = plan.PackedBytes,
            Memory = [.. analysis.Plans.Select(p => new RunMemory(
                Enum.Parse<InstructionSet>(p.Target.Name), p.WorkspaceBytes, p.PartScratchBytes, p.PackedBytes, p.PeakBytes))],
            PredictedSeconds = TimeModel.Seconds(analysis.Graph, plan, machine),
            Layers = [.. cost.Layers.Select(l => new LayerReport(
                l.Name, l.Operator, l.Input.ToString(), l.Output.ToString(), l.Output.Count, l.Parameters, l.Parameters * sizeof(float), l.MultiplyAdds, l.LiveBytes, l.Intensity))],
            Steps = Distinct([.. plan.Steps.Select((step, i) => StepReport.Of(analysis.Graph, plan, step, planned.Points[i].LiveBytes, seconds[i]))]),
        };
    }

    /// <summary>Branches of one block are steps of their own: where the block's name would stand twice, the first layer's stands.</summary>
    private static StepReport[] Distinct(StepReport[] steps) =>
        [.. steps.Select(step => step.Layers.Count > 1 && steps.Count(other => other.Name == step.Name) > 1 ? step with { Name = step.Layers[0] } : step)];

    private static NetworkReport OfCost(NetworkInput network, RunnableNetwork runnable, InstructionSet set)
    {
        NetworkCost cost = runnable.Cost;
        RunMemory memory = cost.MemoryOn(set);
        return new NetworkReport
        {
            Name = network.Name,
            Location = network.Location,
            Input = runnable.InputShape.ToString(),
            Output = runnable.OutputShape.ToString(),
            InstructionSet = Figures.Word(set),
            Parameters = cost.Parameters,
            MultiplyAdds = cost.MultiplyAdds,
            WeightBytes = cost.WeightBytes,
            ActivationSum = cost.ActivationSum,
            OutputSum = cost.OutputSum,
            PeakBytesLayerwise = cost.PeakBytesLayerwise,
            PeakBytesFused = memory.PeakBytes,
            WorkspaceBytes = memory.WorkspaceBytes,
            PackedWeightBytes = memory.PackedWeightBytes,
            Memory = cost.Memory,
            SavedBytes = cost.SavedBytes,
            Intensity = cost.MultiplyAdds / (double)(((runnable.InputShape.ElementCount + runnable.OutputShape.ElementCount) * sizeof(float)) + cost.WeightBytes),
            Layers = [.. cost.Layers.Select(l => new LayerReport(
                l.Name, l.Operator, l.Input.ToString(), l.Output.ToString(), l.Output.ElementCount, l.Parameters, l.WeightBytes, l.MultiplyAdds, l.LiveBytes, l.ArithmeticIntensity))],
        };
    }
}

/// <summary>A layer as a framework sees it.</summary>
internal sealed record LayerReport(
    string Name, string Operator, string Input, string Output, long Activations, long Parameters, long WeightBytes, long MultiplyAdds, long LiveBytes, double Intensity)
{
    /// <summary>Batch norm or an activation.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public bool IsPointwiseFunction => OperatorCatalog.KindOf(Operator) == OperatorKind.NormOrActivation;
}

/// <summary>A step of the generated code.</summary>
internal sealed record StepReport(
    string Name, IReadOnlyList<string> Layers, string Form, string Description, long MultiplyAdds, long Bytes, double Intensity, long LiveBytes, StepWork Work, double PredictedSeconds)
{
    public static StepReport Of(LayerGraph graph, NetworkPlan plan, Step step, long live, double seconds)
    {
        StepWork work = TimeModel.Work(graph, plan, step);
        string[] layers = [.. step.Parts.Where(part => part.LayerIds.Count > 0).Select(part => part.Name)];
        return new StepReport(
            layers.Length == 0 ? "-" : step.Name, layers, FormOf(step), string.Join('\n', step.Description), work.MultiplyAdds, work.Bytes, work.Intensity, live, work, seconds);
    }

    internal static string FormOf(Step step) => step.Nest.Form.Length == 0 ? step.Nest.Title : $"{step.Nest.Title}, {step.Nest.Form}";
}
