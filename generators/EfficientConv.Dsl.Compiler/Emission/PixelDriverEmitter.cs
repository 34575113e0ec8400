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
        writer.Line($"LayerNormalization.Normalize<{vector.Simd}>(ref input, {d.Input.PixelStep}, ref output, {d.Output.PixelStep}, ref weights, ref bias, {(float)d.Epsilon:R}f, {shape.Channels}, {shape.Pixels});");
    }
}
