using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Scheduling;

namespace EfficientConv.Dsl.Compiler.Emission;

/// <summary>Prints the loops that handle one pixel or one row after the other by a function of the runtime.</summary>
internal sealed class PixelDriverEmitter(SourceWriter writer, VectorSyntax vector)
{
    private string Simd => vector.Simd;

    public void Emit(Driver driver)
    {
        Shape from = driver.Input.Shape, to = driver.Output.Shape;
        int step = driver.Input.PixelStep, outStep = driver.Output.PixelStep;
        switch (driver)
        {
            case LayerNormDriver d:
                writer.Line($"ref float bias = ref {KernelText.At("weights", d.Bias)};");
                PixelRange(from);
                writer.Line($"LayerNormalization.Normalize<{Simd}>(ref {At("input", step)}, {step}, ref {At("output", outStep)}, {outStep}, ref weights, ref bias, {(float)d.Epsilon:R}f, {from.Channels}, pixels);");
                break;

            case InterleaveDriver d:
                PixelRange(to);
                writer.Line($"PixelLayout.InterleaveChannels<{Simd}>(ref {At("input", step, d.First)}, {step}, ref {At("residual", d.Residual!.PixelStep, d.First)}, {d.Residual!.PixelStep}, ref {At("output", outStep)}, {outStep}, {to.Channels / 2}, pixels);");
                break;

            case UpsampleDriver d:
            {
                string steps = FormattableString.Invariant($"{d.RowStep:R}f, {d.ColumnStep:R}f");
                EachRow(to.Height, d.Output.RowStep, d.Mode == InterpolationMode.Nearest
                    ? $"Resampling.NearestRow(ref input, {step}, {from.Height}, {from.Width}, ref row, {outStep}, {to.Width}, y, {steps}, {from.Channels});"
                    : $"Resampling.BilinearRow<{Simd}>(ref input, {step}, {from.Height}, {from.Width}, ref row, {outStep}, {to.Width}, y, {steps}, {(d.AlignCorners ? "true" : "false")}, {from.Channels});");
                break;
            }

            case PixelShuffleDriver d:
                EachRow(to.Height, d.Output.RowStep, $"Resampling.PixelShuffleRow<{Simd}>(ref input, {step}, {from.Width}, ref row, {outStep}, y, {d.Factor}, {to.Channels});");
                break;

            case AdaptivePoolDriver d:
                EachRow(to.Height, d.Output.RowStep, $"Resampling.Adaptive{(d.IsMaximum ? "Maximum" : "Average")}Row<{Simd}>(ref input, {step}, {from.Height}, {from.Width}, ref row, {outStep}, {to.Height}, {to.Width}, y, {from.Channels});");
                break;

            case FillDriver d:
                writer.Line("scratch = ref part.Own(ref scratch);");
                writer.Line($"PixelLayout.CopyPixels(ref {KernelText.At("weights", d.Bias)}, {to.Channels}, ref scratch, {to.Channels}, {to.Channels}, 1);");
                DriverEmitter.ActivationPass(writer, vector, d.Activation, "scratch", FormattableString.Invariant($"{to.Channels}"));
                EachRow(to.Height, d.Output.RowStep, $"PixelLayout.CopyPixels(ref scratch, 0, ref row, {outStep}, {to.Channels}, {to.Width});");
                break;

            default:
                throw new InvalidOperationException($"{driver} has no text.");
        }
    }

    private void PixelRange(Shape shape) => writer.Line($"int pixel = part.First({shape.Pixels}), pixels = part.End({shape.Pixels}) - pixel;");

    private static string At(string reference, int step, int channel = 0) =>
        channel == 0 ? FormattableString.Invariant($"Unsafe.Add(ref {reference}, pixel * {step})") : FormattableString.Invariant($"Unsafe.Add(ref {reference}, (pixel * {step}) + {channel})");

    private void EachRow(int rows, int rowStep, string call)
    {
        writer.Open($"for (int y = part.First({rows}); y < part.End({rows}); y++)");
        writer.Line($"ref float row = ref Unsafe.Add(ref output, y * {rowStep});");
        writer.Line(call);
        writer.Close();
    }
}
