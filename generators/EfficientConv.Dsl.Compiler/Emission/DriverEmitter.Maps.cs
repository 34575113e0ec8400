using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Scheduling;

namespace EfficientConv.Dsl.Compiler.Emission;

/// <content>Squeeze-and-excitation and what works element by element.</content>
internal sealed partial class DriverEmitter
{
    private void EmitSqueeze(SqueezeDriver d)
    {
        Shape shape = d.Input.Shape;
        writer.Line($"ref float gate = ref {KernelText.At("scratch", d.Squeeze.Sums)};");
        ChannelRange(shape.Channels);
        writer.Line(Clear("Unsafe.Add(ref gate, channel)", "channels"));
        writer.Line($"Elementwise.AccumulateChannels<{Simd}>(ref Unsafe.Add(ref input, channel), ref Unsafe.Add(ref gate, channel), channels, {shape.Pixels}, {d.Input.PixelStep});");
        EmitGate(d.Squeeze, "gate", shape.Pixels);
        PixelRange(shape.Pixels);
        CopyPixels(PixelAt("input", d.Input, "pixel"), d.Input.PixelStep, PixelAt("output", d.Output, "pixel"), d.Output.PixelStep, shape.Channels, "pixels");
        writer.Line($"Elementwise.ScaleChannels<{Simd}>(ref {PixelAt("output", d.Output, "pixel")}, ref gate, {shape.Channels}, pixels, {d.Output.PixelStep});");
    }

    private void EmitSqueeze(PlanarSqueezeDriver d)
    {
        Shape shape = d.Input.Shape;
        writer.Line($"ref float gate = ref {KernelText.At("scratch", d.Squeeze.Sums)};");
        ChannelRange(shape.Channels);
        writer.Line(Clear("Unsafe.Add(ref gate, channel)", "channels"));
        writer.Line($"PlanarLayout.AccumulateChannels<{Simd}>(ref Unsafe.Add(ref input, channel * {shape.Pixels}), {shape.Pixels}, ref Unsafe.Add(ref gate, channel), channels, {shape.Pixels});");
        EmitGate(d.Squeeze, "gate", shape.Pixels);
        writer.Line($"PlanarLayout.ScaleChannels<{Simd}>(ref Unsafe.Add(ref input, channel * {shape.Pixels}), ref Unsafe.Add(ref gate, channel), ref Unsafe.Add(ref output, channel * {shape.Pixels}), channels, {shape.Pixels});");
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
            Pass(squeeze.Gate, own, "channels");
            writer.Line("part.Barrier();");
        }
    }

    private void EmitMap(MapDriver d)
    {
        Shape shape = d.Input.Shape;
        int channels = shape.Channels, pixels = shape.Pixels, step = d.Output.PixelStep;
        if (d.Kind == MapKind.Copy && d.Input == d.Output && d.Input.IsDense)
        {
            Range("value", d.Input.Length);
            writer.Line("MemoryMarshal.CreateSpan(ref Unsafe.Add(ref input, value), values).CopyTo(MemoryMarshal.CreateSpan(ref Unsafe.Add(ref output, value), values));");
            return;
        }

        PixelRange(pixels);
        string input = PixelAt("input", d.Input, "pixel"), output = PixelAt("output", d.Output, "pixel");
        switch (d.Kind)
        {
            case MapKind.Copy when d.Output.IsPlanar:
                StorePixels(input, d.Input.PixelStep, d.Output, "pixel", "pixels");
                break;
            case MapKind.Copy:
                LoadPixels(input, d.Input, output, step, "pixels");
                break;
            case MapKind.Activation:
                CopyPixels(input, d.Input.PixelStep, output, step, channels, "pixels");
                Pass(d.Function, output, $"pixels * {Text(step)}");
                break;
            case MapKind.ScaleShift:
                writer.Line($"Elementwise.ScaleShift<{Simd}>(ref {input}, ref {output}, ref weights, ref {KernelText.At("weights", d.WeightsLength / 2)}, {channels}, pixels, {step});");
                break;
            case MapKind.Scale:
                CopyPixels(input, d.Input.PixelStep, output, step, channels, "pixels");
                writer.Line($"Elementwise.ScaleChannels<{Simd}>(ref {output}, ref weights, {channels}, pixels, {step});");
                break;
            case MapKind.PReLU:
                CopyPixels(input, d.Input.PixelStep, output, step, channels, "pixels");
                writer.Line($"Elementwise.PReLU<{Simd}>(ref {output}, ref weights, {channels}, pixels, {step});");
                break;
            case MapKind.Softmax:
                CopyPixels(input, d.Input.PixelStep, output, step, channels, "pixels");
                writer.Open("for (int end = pixel + pixels; pixel < end; pixel++)");
                writer.Line($"Elementwise.Softmax<{Simd}>(ref {output}, {channels});");
                writer.Close();
                break;
            case MapKind.Shuffle:
                writer.Line($"PixelLayout.ShuffleChannels(ref {input}, ref {output}, {step}, {channels}, {d.Groups}, pixels);");
                break;
            case MapKind.Add:
                CopyPixels(input, d.Input.PixelStep, output, step, channels, "pixels");
                writer.Line($"Elementwise.Add<{Simd}>(ref {output}, ref {PixelAt("residual", d.Residual!, "pixel")}, pixels * {step});");
                break;
            case MapKind.Multiply:
                CopyPixels(input, d.Input.PixelStep, output, step, channels, "pixels");
                writer.Line($"Elementwise.Multiply<{Simd}>(ref {output}, ref {PixelAt("residual", d.Residual!, "pixel")}, pixels * {step});");
                break;
            case MapKind.MultiplyByChannel:
                CopyPixels(input, d.Input.PixelStep, output, step, channels, "pixels");
                writer.Line($"Elementwise.ScaleChannels<{Simd}>(ref {output}, ref residual, {channels}, pixels, {step});");
                break;
            case MapKind.Flatten:
                writer.Line($"PixelLayout.ToPlanar<{Simd}>(ref {input}, {d.Input.PixelStep}, ref Unsafe.Add(ref output, pixel), {pixels}, {channels}, pixels);");
                break;
        }
    }
}
