using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Model;
using EfficientConv.Dsl.Compiler.Scheduling;
using static EfficientConv.Dsl.Compiler.Emission.SourceText;

namespace EfficientConv.Dsl.Compiler.Emission;

/// <summary>Prints the depthwise kernels with a pixel in every lane, which read and write planes.</summary>
internal sealed class PlanarDepthwiseEmitter(SourceWriter writer, VectorSyntax vector)
{
    private int Lanes => vector.Target.Lanes;

    /// <summary>Whether each run is a loop even where it has one panel: what a loop declares nothing around it may declare.</summary>
    private static bool AreLoops(EquatableArray<PixelRun> runs) => runs.Any(run => run.Count > 1) && runs.Count > 1;

    /// <summary>Where the first panel of a run is read and written.</summary>
    private void Begin(PixelRun run)
    {
        writer.Line($"{writer.Local("ref float", "pixels")} = ref {KernelText.At("plane", run.First)};");
        writer.Line($"{writer.Local("ref float", "destination")} = ref {KernelText.At("output", run.First)};");
    }

    /// <summary>On to the next panel of a run.</summary>
    private void Move(PixelRun run)
    {
        if (run.Count == 1)
            return;
        writer.Line($"pixels = ref Unsafe.Add(ref pixels, {run.Vectors * Lanes});");
        writer.Line($"destination = ref Unsafe.Add(ref destination, {run.Vectors * Lanes});");
    }

    public void Emit(string name, PlanarDepthwiseKernel kernel)
    {
        EpilogueEmitter epilogue = new(writer, vector, kernel.Epilogue);
        OfChannel channel = new("bias", 0, IsBroadcast: true);
        RowWindow window = kernel.Window;
        int taps = window.Kernel.Height * window.Kernel.Width;
        writer.Line();
        writer.Line(
            $"/// <summary>{kernel.Rows} rows of {window.OutWidth} pixels of one channel of a depthwise convolution, kernel {window.Kernel}, stride {window.Stride}" +
            $"{EpilogueEmitter.Describe(kernel.Epilogue)}: {KernelText.MultiplyAdds((long)kernel.Rows * window.OutWidth * taps)}.</summary>");
        writer.Line("/// <param name=\"plane\">The padded rows under the first output row.</param>");
        writer.Line(KernelText.MethodAttribute);
        using (writer.Block($"private static void {name}(ref float plane, ref float weights, ref float bias, ref float output)"))
        {
            epilogue.Constants();
            epilogue.Bias("start", channel);
            for (int tap = 0; kernel.WeightsInRegisters && tap < taps; tap++)
                writer.Line($"{vector.Type} w{tap / window.Kernel.Width}_{tap % window.Kernel.Width} = {vector.Create(KernelText.At("weights", tap))};");
            foreach (PixelRun run in kernel.Runs)
            {
                Begin(run);
                using SourceWriter.Scope loop = writer.Loop("panel", run.Count, AreLoops(kernel.Runs));
                Accumulator[] sums =
                [
                    .. Enumerable.Range(0, kernel.Rows).SelectMany(y => Enumerable.Range(0, run.Vectors).Select(j => new Accumulator(
                        Text($"sum{y}_{j}"), channel, "start", new VectorPlace("destination", (y * kernel.OutRowStep) + (j * Lanes), kernel.Narrow)))),
                ];
                foreach (Accumulator sum in sums)
                    epilogue.Start(sum);
                EmitRows(kernel, run.Vectors);
                foreach (Accumulator sum in sums)
                    epilogue.Finish(sum);
                Move(run);
            }
        }
    }

    /// <summary>The padded rows from top to bottom, each times the taps of the output rows that it meets.</summary>
    private void EmitRows(PlanarDepthwiseKernel kernel, int vectors)
    {
        RowWindow window = kernel.Window;
        int last = ((kernel.Rows - 1) * kernel.StrideHeight) + (window.Dilation.Height * (window.Kernel.Height - 1));
        for (int row = 0; row <= last; row++)
        {
            // Output rows that this input row meets, with the kernel row that does.
            List<(int Y, int Ky)> uses = [];
            for (int y = 0; y < kernel.Rows; y++)
            {
                int distance = row - (y * kernel.StrideHeight);
                if (distance >= 0 && distance % window.Dilation.Height == 0 && distance / window.Dilation.Height < window.Kernel.Height)
                    uses.Add((y, distance / window.Dilation.Height));
            }

            for (int kx = 0; kx < window.Kernel.Width && uses.Count > 0; kx++)
            {
                for (int j = 0; j < vectors; j++)
                {
                    int at = (row * kernel.Row.Length) + kernel.Row.At(kx * window.Dilation.Width) + (j * Lanes);
                    writer.Line($"{writer.Local(vector.Type, Text($"x{j}"))} = {vector.Load("pixels", at)};");
                }

                foreach ((int y, int ky) in uses)
                {
                    string weight = kernel.WeightsInRegisters ? Text($"w{ky}_{kx}") : vector.Create(KernelText.At("weights", (ky * window.Kernel.Width) + kx));
                    for (int j = 0; j < vectors; j++)
                    {
                        string sum = Text($"sum{y}_{j}");
                        writer.Line($"{sum} = {vector.Fma(Text($"x{j}"), weight, sum)};");
                    }
                }
            }
        }
    }
}
