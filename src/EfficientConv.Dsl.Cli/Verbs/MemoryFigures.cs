using EfficientConv.Dsl.Compiler;
using EfficientConv.Dsl.Compiler.Cost;
using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Prediction;
using EfficientConv.Dsl.Compiler.Targets;

namespace EfficientConv.Dsl.Cli.Verbs;

/// <summary>Memory of one way to write a network; every figure names its rule of docs/memory.md.</summary>
internal sealed record MemoryFigures
{
    /// <summary>Its name in tables.</summary>
    public required string Name { get; init; }

    /// <summary>Its attributes; null where a network was rewritten.</summary>
    public string? Declaration { get; init; }

    public required long Parameters { get; init; }

    public required long MultiplyAdds { get; init; }

    /// <summary>Rule W1: 4 bytes a parameter.</summary>
    public required long WeightBytes { get; init; }

    /// <summary>Rules M1 and M2, for the whole batch.</summary>
    public required long PeakInputFreed { get; init; }

    /// <summary>Rules M1 and M2 with the input alive to the end.</summary>
    public required long PeakInputHeld { get; init; }

    /// <summary>The layer at which memory is highest when the input is freed.</summary>
    public required string PeakAt { get; init; }

    /// <summary>Rule M3: the peak when windows are written out as a matrix, one image at a time.</summary>
    public required long PeakIm2col { get; init; }

    /// <summary>Rule M4: each block fused row by row, maps between blocks kept.</summary>
    public required long PeakFusedRows { get; init; }

    /// <summary>Rule M6: what a call of the generated code takes for one image with AVX-512: input, output and workspace.</summary>
    public required long AsCompiledAvx512 { get; init; }

    /// <summary>Rule M6 with AVX2.</summary>
    public required long AsCompiledAvx2 { get; init; }

    /// <summary>Rule M6 with 128-bit vectors.</summary>
    public required long AsCompiledVector128 { get; init; }

    /// <summary>Rule T1 for convolutions and linear layers alone, for the batch.</summary>
    public required long SavedByConvolutions { get; init; }

    /// <summary>Rule T1, for the batch.</summary>
    public required long Saved { get; init; }

    /// <summary>Rule T3: weights, gradients and Adam's two moments.</summary>
    public required long WeightsGradientsAdam { get; init; }

    /// <summary>Rule T4: all of training.</summary>
    public required long Training { get; init; }

    /// <summary>Rules G1 to G4, NCHW.</summary>
    public required GpuBytes GpuInferenceNchw { get; init; }

    /// <summary>Rules G1 to G5, NHWC.</summary>
    public required GpuBytes GpuInferenceNhwc { get; init; }

    /// <summary>Rule G6, NCHW.</summary>
    public required GpuBytes GpuTrainingNchw { get; init; }

    /// <summary>Rule G6, NHWC.</summary>
    public required GpuBytes GpuTrainingNhwc { get; init; }

    public static MemoryFigures Of(string name, string? declaration, LayerGraph graph, int batch)
    {
        // Copies, gradients and windows written out as a matrix together are far from as many.
        const double MostCopies = 4096;
        if (MostCopies * batch * sizeof(float) * graph.Layers.Sum(layer => (double)layer.Output.Count) > long.MaxValue)
            throw new ToolException($"--batch is {batch}: the bytes of so many images of {name} cannot be counted in 64 bits.");
        NetworkAnalysis analysis = NetworkAnalysis.Of(graph);
        SavedTensors saved = TrainingMemory.Saved(graph);
        MemoryTimeline layerwise = LayerMemory.Layerwise(graph);
        long im2col = LayerMemory.Layerwise(graph, im2col: true).Points.Zip(layerwise.Points, (with, without) => (without.LiveBytes * batch) + with.LiveBytes - without.LiveBytes).Max();
        return new MemoryFigures
        {
            Name = name,
            Declaration = declaration,
            Parameters = analysis.Cost.Parameters,
            MultiplyAdds = analysis.Cost.MultiplyAdds * batch,
            WeightBytes = analysis.Cost.Parameters * sizeof(float),
            PeakInputFreed = layerwise.PeakBytes * batch,
            PeakInputHeld = LayerMemory.Layerwise(graph, inputHeld: true).PeakBytes * batch,
            PeakAt = layerwise.Peak!.Name,
            PeakIm2col = im2col,
            PeakFusedRows = FusedRowsMemory.Of(analysis.Stages, analysis.Groups).PeakBytes * batch,
            AsCompiledAvx512 = AsCompiled(VectorTarget.Avx512),
            AsCompiledAvx2 = AsCompiled(VectorTarget.Avx2),
            AsCompiledVector128 = AsCompiled(VectorTarget.Vector128),
            SavedByConvolutions = saved.ConvolutionBytes * batch,
            Saved = saved.MapBytes * batch,
            WeightsGradientsAdam = analysis.Cost.Parameters * TrainingMemory.AdamBytesPerParameter,
            Training = TrainingMemory.Bytes(analysis.Cost.Parameters, saved, batch),
            GpuInferenceNchw = GpuMemory.Inference(graph, batch, inputHeld: false, channelsLast: false),
            GpuInferenceNhwc = GpuMemory.Inference(graph, batch, inputHeld: false, channelsLast: true),
            GpuTrainingNchw = GpuMemory.Training(graph, batch, channelsLast: false),
            GpuTrainingNhwc = GpuMemory.Training(graph, batch, channelsLast: true),
        };

        long AsCompiled(VectorTarget target) => analysis.PlanFor(target).PeakBytes;
    }
}
