using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Scheduling;

namespace EfficientConv.Dsl.Compiler.Emission;

/// <summary>Prints the loops that handle one pixel after the other by a function of the runtime.</summary>
internal sealed class PixelDriverEmitter(SourceWriter writer, VectorSyntax vector)
{
    public void Emit(LayerNormDriver d)
    {
        Shape shape = d.Input.Shape;
        writer.Line($"ref float bias = ref {KernelText.At("weights", d.Bias)};");
        writer.Line($"int pixel = part.First({shape.Pixels}), pixels = part.End({shape.Pixels}) - pixel;");
        writer.Line($"LayerNormalization.Normalize<{vector.Simd}>(ref Unsafe.Add(ref input, pixel * {d.Input.PixelStep}), {d.Input.PixelStep}, ref Unsafe.Add(ref output, pixel * {d.Output.PixelStep}), {d.Output.PixelStep}, ref weights, ref bias, {(float)d.Epsilon:R}f, {shape.Channels}, pixels);");
    }
}
