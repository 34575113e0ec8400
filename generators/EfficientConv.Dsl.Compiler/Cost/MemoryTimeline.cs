using EfficientConv.Dsl.Compiler.Model;

namespace EfficientConv.Dsl.Compiler.Cost;

/// <summary>What is in memory while one operation runs.</summary>
/// <param name="Name">The operation: a layer's canonical name, or what a step of the plan runs.</param>
/// <param name="Operator">PyTorch's name of the layer, or the title of the step's loop nest.</param>
/// <param name="LiveBytes">Bytes of activations alive while it runs, scratch memory included; weights are not.</param>
public sealed record MemoryPoint(string Name, string Operator, long LiveBytes);

/// <summary>Memory over the operations of a network.</summary>
/// <param name="Points">One for each operation, in order.</param>
public sealed record MemoryTimeline(EquatableArray<MemoryPoint> Points)
{
    /// <summary>Most bytes alive at once.</summary>
    public long PeakBytes => Points.Count == 0 ? 0 : Points.Max(p => p.LiveBytes);

    /// <summary>The operation during which they are; the first of several.</summary>
    public MemoryPoint? Peak => Points.FirstOrDefault(p => p.LiveBytes == PeakBytes);
}
