using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Model;

namespace EfficientConv.Dsl.Compiler.Cost;

/// <summary>What a GPU framework's counters show.</summary>
/// <param name="Allocated">Most bytes in use at once, each tensor rounded up.</param>
/// <param name="Reserved">Bytes taken from the driver in segments.</param>
public sealed record GpuBytes(long Allocated, long Reserved);

/// <summary>Plays a network's allocations, in the order in which a framework makes them, on <see cref="CachingAllocator"/>. Rules G4 to G6 of docs/memory.md.</summary>
public static class GpuMemory
{
    /// <summary>Bytes of batch norm's <c>num_batches_tracked</c>, a 64-bit integer in a tensor of its own.</summary>
    private const long BatchCounter = sizeof(long);

    /// <summary>Inference: parameters and buffers first, then layer by layer as on the CPU.</summary>
    /// <param name="graph">The layers.</param>
    /// <param name="batch">Images at once.</param>
    /// <param name="inputHeld">Whether the caller keeps the input.</param>
    /// <param name="channelsLast">Rule G5: the input comes as NCHW and is copied to NHWC first, and the caller drops its own unless it is held.</param>
    public static GpuBytes Inference(LayerGraph graph, int batch, bool inputHeld, bool channelsLast)
    {
        CachingAllocator allocator = new();
        foreach (ParameterTensor tensor in ParameterTable.Of(graph))
            AllocateParameter(allocator, tensor, 1);
        List<MemoryOperation> operations = LayerMemory.Operations(graph);
        if (channelsLast && graph.Input is { Pixels: > 1, Channels: > 1 })
        {
            // The copy is one operation more, after the input.
            operations = [operations[0], new MemoryOperation("to channels_last", "Copy", [0], operations[0].OutputBytes),
                .. operations.Skip(1).Select(o => o with { Inputs = [.. o.Inputs.Select(i => i + 1)] })];
        }

        (int[] memoryOf, int[] end) = Liveness.Memory(operations, inputHeld);
        object?[] blocks = new object?[operations.Count];
        for (int i = 0; i < operations.Count; i++)
        {
            if (memoryOf[i] == i)
                blocks[i] = allocator.Allocate(operations[i].OutputBytes * batch);
            for (int tensor = 0; tensor <= i; tensor++)
            {
                if (memoryOf[tensor] == tensor && end[tensor] == i)
                    Release(tensor);
            }
        }

        return new GpuBytes(allocator.PeakAllocated, allocator.Reserved);

        void Release(int tensor)
        {
            allocator.Free(blocks[tensor]);
            blocks[tensor] = null;
        }
    }

    /// <summary>
    /// Training with Adam at the end of the forward pass, when everything saved is there: parameters, their gradients and two moments each, and every
    /// saved tensor. The copy to NHWC (rule G5) frees nothing, because the data loader's tensor is kept for the step.
    /// </summary>
    /// <param name="graph">The layers.</param>
    /// <param name="batch">Images at once.</param>
    /// <param name="channelsLast">Whether the input is copied to NHWC.</param>
    public static GpuBytes Training(LayerGraph graph, int batch, bool channelsLast)
    {
        CachingAllocator allocator = new();
        foreach (ParameterTensor tensor in ParameterTable.Of(graph))
            AllocateParameter(allocator, tensor, 4);
        if (channelsLast && graph.Input is { Pixels: > 1, Channels: > 1 })
            allocator.Allocate(ElementType.Float32.Bytes(graph.Input.Count) * batch);
        foreach (long bytes in TrainingMemory.StatisticsBytes(graph))
            allocator.Allocate(bytes);
        foreach (long bytes in TrainingMemory.SavedTensorBytes(graph))
            allocator.Allocate(bytes * batch);
        return new GpuBytes(allocator.PeakAllocated, allocator.Reserved);
    }

    /// <summary>A parameter with its gradient and moments, or a buffer, which has none of them.</summary>
    private static void AllocateParameter(CachingAllocator allocator, ParameterTensor tensor, int copies)
    {
        for (int i = 0; i < (tensor.IsBuffer ? 1 : copies); i++)
            allocator.Allocate(ElementType.Float32.Bytes(tensor.Count));
        if (tensor.Kind == ParameterKind.RunningVariance)
            allocator.Allocate(BatchCounter);
    }
}
