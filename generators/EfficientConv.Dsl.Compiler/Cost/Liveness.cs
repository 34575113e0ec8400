using EfficientConv.Dsl.Compiler.Graph;

namespace EfficientConv.Dsl.Compiler.Cost;

/// <summary>One operation as memory sees it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Operator">What it does.</param>
/// <param name="Inputs">Ids of the tensors that it reads; a tensor has the id of the operation that makes it, and the network's input is 0.</param>
/// <param name="OutputBytes">Bytes of the tensor that it makes.</param>
/// <param name="Writes">Where it puts that tensor.</param>
/// <param name="ScratchBytes">Bytes that it needs for itself while it runs.</param>
/// <param name="IsOutput">Whether the caller gets its tensor.</param>
internal sealed record MemoryOperation(string Name, string Operator, int[] Inputs, long OutputBytes, OutputMemory Writes = OutputMemory.New, long ScratchBytes = 0, bool IsOutput = false);

/// <summary>Rule M1: a tensor is alive from the operation that makes it to the last one that reads it; an output to the end.</summary>
internal static class Liveness
{
    /// <summary>Runs through <paramref name="operations"/>; operation i makes tensor i, and operation 0 stands for the network's input.</summary>
    /// <param name="operations">All of them, the input first.</param>
    /// <param name="inputHeld">Whether the caller keeps the input alive to the end.</param>
    public static MemoryTimeline Run(IReadOnlyList<MemoryOperation> operations, bool inputHeld)
    {
        (int[] memoryOf, int[] end) = Memory(operations, inputHeld);
        List<MemoryPoint> points = [];
        for (int step = 1; step < operations.Count; step++)
        {
            long live = operations[step].ScratchBytes;
            for (int tensor = 0; tensor <= step; tensor++)
            {
                if (memoryOf[tensor] == tensor && end[tensor] >= step)
                    live += operations[tensor].OutputBytes;
            }

            points.Add(new MemoryPoint(operations[step].Name, operations[step].Operator, live));
        }

        return new MemoryTimeline(new(points));
    }

    /// <summary>
    /// Whose memory each operation's tensor lies in (its own, or that of what it writes over or views), and the last operation for which each memory
    /// is needed; what is needed beyond the end has the number of operations.
    /// </summary>
    public static (int[] MemoryOf, int[] End) Memory(IReadOnlyList<MemoryOperation> operations, bool inputHeld)
    {
        int count = operations.Count;
        int[] lastUse = new int[count], memoryOf = new int[count], end = new int[count];
        for (int i = 0; i < count; i++)
        {
            lastUse[i] = operations[i].IsOutput ? count : Math.Max(lastUse[i], i);
            foreach (int input in operations[i].Inputs)
                lastUse[input] = Math.Max(lastUse[input], i);
        }

        if (inputHeld)
            lastUse[0] = count;
        for (int i = 0; i < count; i++)
        {
            MemoryOperation operation = operations[i];
            int input = operation.Inputs.Length > 0 ? memoryOf[operation.Inputs[0]] : -1;
            bool shares = operation.Writes == OutputMemory.View || (operation.Writes == OutputMemory.OverInput && end[input] <= i);
            memoryOf[i] = shares ? input : i;
            end[memoryOf[i]] = Math.Max(end[memoryOf[i]], lastUse[i]);
        }

        return (memoryOf, end);
    }
}
