using EfficientConv.Dsl.Compiler.Scheduling;

namespace EfficientConv.Dsl.Compiler.Emission;

/// <content>Squeeze-and-excitation.</content>
internal sealed partial class DriverEmitter
{
    private void EmitSqueeze(SqueezeDriver d)
    {
        writer.Line($"ref float gate = ref {KernelText.At("scratch", d.Squeeze.Sums)};");
        _runtime.Range(d.Summed);
        foreach (RuntimeCall call in d.Sum)
            _runtime.Emit(call, d.Summed);
        EmitGate(d.Squeeze, "gate", d.Input.Shape.Pixels);
        if (d.Scaled is not null)
            _runtime.Range(d.Scaled);
        foreach (RuntimeCall call in d.Scale)
            _runtime.Emit(call, d.Scaled ?? d.Summed);
    }

    /// <summary>Sums of a thread's own channels, <c>channel</c> and <c>channels</c>, to the gates of all, in place.</summary>
    private void EmitGate(SqueezePart squeeze, string gate, int pixels)
    {
        string own = $"Unsafe.Add(ref {gate}, channel)";
        writer.Line($"Elementwise.Mean<{Simd}>(ref {own}, channels, {pixels});");
        writer.Line("part.Barrier();");
        string hidden = KernelText.At("scratch", squeeze.Hidden);
        writer.Line(names.Call(squeeze.Reduce, gate, KernelText.At("weights", squeeze.ReduceWeights), KernelText.At("weights", squeeze.ReduceBias), hidden));
        writer.Line("part.Barrier();");
        if (!squeeze.Activation.IsNone)
        {
            writer.Line("if (part.Index == 0)");
            Pass(squeeze.Activation, hidden, squeeze.Squeezed);
            writer.Line("part.Barrier();");
        }

        writer.Line(names.Call(squeeze.Expand, hidden, KernelText.At("weights", squeeze.ExpandWeights), KernelText.At("weights", squeeze.ExpandBias), gate));
        writer.Line("part.Barrier();");
        if (!squeeze.Gate.IsNone)
        {
            Pass(squeeze.Gate, own, Size.Of("channels"));
            writer.Line("part.Barrier();");
        }
    }
}
