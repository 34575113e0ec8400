using EfficientConv.Dsl.Compiler.Folding;
using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Model;
using EfficientConv.Dsl.Compiler.Scheduling;
using EfficientConv.Dsl.Compiler.Scheduling.Nests;
using static EfficientConv.Dsl.Compiler.Emission.SourceText;

namespace EfficientConv.Dsl.Compiler.Emission;

/// <summary>Prints one plan as a static class: packing, the run, the loop nests, the kernels.</summary>
internal static class KernelsEmitter
{
    /// <summary>Prints <paramref name="plan"/>.</summary>
    /// <param name="networkName">The network's full name, for comments.</param>
    /// <param name="className">The class's name without the instruction set.</param>
    /// <param name="plan">The plan.</param>
    /// <param name="convolutions">Where the network's folded convolutions are; null where the class stands alone.</param>
    /// <param name="timesSteps">Whether the run notes when each step begins.</param>
    public static string Emit(string networkName, string className, NetworkPlan plan, FoldedConvolutions? convolutions = null, bool timesSteps = false)
    {
        VectorSyntax vector = VectorSyntax.For(plan.Target);
        SourceWriter writer = new();
        KernelNames names = new(plan);
        FileHeader.Write(writer, nullable: false);
        using (writer.Block($"namespace {FileHeader.GeneratedNamespace}"))
        {
            FileHeader.Usings(
                writer, "System", "System.Runtime.CompilerServices", "System.Runtime.InteropServices", "System.Runtime.Intrinsics", "System.Runtime.Intrinsics.X86",
                "EfficientConv.Dsl.Runtime");
            writer.Line($"/// <summary>Kernels of <c>{networkName}</c> for {plan.Target.Name}: {plan.Target.Lanes} floats a vector.</summary>");
            writer.Line(FileHeader.GeneratedCode);
            using (writer.Block($"internal static class {className}{vector.ClassSuffix}{vector.Constraint}"))
            {
                EmitConstants(writer, plan);
                PackEmitter.Emit(writer, plan, convolutions);
                EmitRun(writer, vector, names, plan, timesSteps);
                EmitKernels(writer, vector, names, plan);
            }
        }

        return writer.ToString();
    }

    private static void EmitConstants(SourceWriter writer, NetworkPlan plan)
    {
        // The hash says what is packed where, not how the functions that do it are cut.
        SourceWriter packing = new();
        PackEmitter.Emit(packing, plan, null);
        writer.Lines($"""
            /// <summary>Floats of packed weights.</summary>
            public const int PackedLength = {Floats(plan.PackedBytes)};

            /// <summary>Floats of workspace.</summary>
            public const int WorkspaceLength = {Floats(plan.WorkspaceBytes)};

            /// <summary>Floats of scratch memory of every further thread.</summary>
            public const int PartScratchLength = {Floats(plan.PartScratchBytes)};

            /// <summary>Hash of how <see cref="Pack"/> orders the weights.</summary>
            public const ulong LayoutHash = 0x{Hash(packing.ToString()):X16};
            """);
    }

    private static int Floats(long bytes) => KernelText.Floats(new ArenaOffset(bytes));

    /// <summary>FNV-1a over the UTF-16 code units.</summary>
    internal static ulong Hash(string text)
    {
        ulong hash = 14695981039346656037;
        foreach (char c in text)
            hash = unchecked((hash ^ c) * 1099511628211);
        return hash;
    }

    private static void EmitRun(SourceWriter writer, VectorSyntax vector, KernelNames names, NetworkPlan plan, bool timesSteps)
    {
        writer.Line();
        if (timesSteps)
            EmitStepTimes(writer, plan);
        writer.Line("/// <summary>Runs a thread's share of one image.</summary>");
        using (writer.Block("public static void Run(ref float input, ref float output, ref float weights, ref float workspace, Part part)"))
        {
            for (int i = 0; i < plan.Steps.Count; i++)
            {
                writer.Line("part.Barrier();", i > 0);
                writer.Line(TickOf(i), timesSteps);
                foreach (string line in plan.Steps[i].Description)
                    writer.Line("// " + line);
                writer.Line(Call(names, plan.Steps[i]));
            }

            writer.Line(TickOf(plan.Steps.Count), timesSteps);
        }

        if (plan.Image is { } image)
            EmitRunImage(writer, names, plan, image, timesSteps);
        NestEmitter emitter = new(writer, vector, names);
        ILookup<LoopNest, Step> steps = plan.Steps.ToLookup(step => step.Nest);
        foreach (LoopNest nest in plan.Nests)
            emitter.Emit(names.Of(nest), nest, steps[nest].First().Description);
        if (plan.Image is { Nest: { } ofImage, Step: var reader })
            emitter.Emit(names.Of(plan.Steps[reader].Nest) + OfImage, ofImage, plan.Steps[reader].Description);
    }

    private static void EmitStepTimes(SourceWriter writer, NetworkPlan plan)
    {
        writer.Lines($"""
            /// <summary>When the last run began each step, and when it ended.</summary>
            public static readonly long[] StepTicks = new long[{plan.Steps.Count + 1}];

            /// <summary>What each step is, and what it took in the last run.</summary>
            """);
        using (writer.Block("public static global::System.Collections.Generic.IEnumerable<(string Layers, TimeSpan Time)> StepTimes()"))
        {
            for (int i = 0; i < plan.Steps.Count; i++)
                writer.Line($"yield return ({PlainText.Quote(plan.Steps[i].Title)}, global::System.Diagnostics.Stopwatch.GetElapsedTime(StepTicks[{i}], StepTicks[{i + 1}]));");
        }

        writer.Line();
    }

    /// <summary>The run for an image of bytes: the step that reads it converts it row by row, or a pass before the first step does.</summary>
    private static void EmitRunImage(SourceWriter writer, KernelNames names, NetworkPlan plan, ImagePlan image, bool timesSteps)
    {
        writer.Line();
        writer.Line("/// <summary>Runs a thread's share of one image of bytes.</summary>");
        using SourceWriter.Scope method = writer.Block("public static void RunImage(in ImageRows image, ref float output, ref float weights, ref float workspace, Part part)");
        Shape shape = image.Shape;
        if (image.Step < 0)
        {
            writer.Line("// No step reads the image row by row into memory of its own, so it is converted as a whole.");
            writer.Line($"ref float input = ref {KernelText.At("workspace", image.Staging!.Value)};");
            if (image.Load == RowLoad.ImagePlanes)
            {
                writer.Line($"image.ToPlanes(part.First({shape.Height}), part.End({shape.Height}), ref input, {shape.Pixels}, {shape.Channels}, {shape.Width});");
            }
            else
            {
                using SourceWriter.Scope loop = writer.Block($"for (int row = part.First({shape.Height}); row < part.End({shape.Height}); row++)");
                writer.Line($"image.LoadRow(row, ref Unsafe.Add(ref input, row * {shape.Width * shape.Channels}), {shape.Channels}, {shape.Channels}, {shape.Width});");
            }

            writer.Line("part.Barrier();");
            writer.Line("Run(ref input, ref output, ref weights, ref workspace, part);");
        }

        for (int i = 0; i < plan.Steps.Count && image.Step >= 0; i++)
        {
            Step step = plan.Steps[i];
            writer.Line("part.Barrier();", i > 0);
            writer.Line(TickOf(i), timesSteps);
            writer.Line(i == image.Step ? $"{names.Of(step.Nest)}{OfImage}(in image, {Arguments(step)});" : Call(names, step));
        }

        writer.Line(TickOf(plan.Steps.Count), timesSteps && image.Step >= 0);
    }

    private static string TickOf(int position) => Text($"if (part.Index == 0) StepTicks[{position}] = global::System.Diagnostics.Stopwatch.GetTimestamp();");

    /// <summary>What the names of loop nests that read bytes end with.</summary>
    private const string OfImage = "OfImage";

    private static string Call(KernelNames names, Step step) =>
        $"{names.Of(step.Nest)}(ref {Reference(step.Input)}, {(step.Nest.Residual is null ? string.Empty : $"ref {Reference(step.Residual!)}, ")}{Arguments(step)});";

    private static string Arguments(Step step)
    {
        string next = step.Prefetch is null ? string.Empty : ", ref " + KernelText.At("weights", KernelText.ShareStart(step.Prefetch));
        return $"ref {Reference(step.Output)}, ref {KernelText.At("weights", step.Weights)}, ref {KernelText.At("workspace", step.Scratch)}{next}, part";
    }

    private static string Reference(Tensor tensor) => tensor.Place switch
    {
        TensorPlace.Input => KernelText.At("input", tensor.Offset),
        TensorPlace.Output => KernelText.At("output", tensor.Offset),
        TensorPlace.Workspace => KernelText.At("workspace", tensor.Offset),
        _ => throw new InvalidOperationException($"{tensor.Place} is no place."),
    };

    private static void EmitKernels(SourceWriter writer, VectorSyntax vector, KernelNames names, NetworkPlan plan)
    {
        PointwiseEmitter pointwise = new(writer, vector);
        WindowEmitter window = new(writer, vector);
        PlanarDepthwiseEmitter planar = new(writer, vector);
        UnpaddedDepthwiseEmitter unpadded = new(writer, vector);
        WinogradEmitter winograd = new(writer, vector);
        ILookup<PointwiseForm, PointwiseKernel> forms = PointwiseForm.Kernels(plan).ToLookup(names.FormOf);
        foreach (IGrouping<PointwiseForm, PointwiseKernel> form in forms)
            pointwise.Emit(form.Key, names.ParametersOf(form.Key), [.. form]);
        DepthwiseTile[] tiles = [.. DepthwiseTile.Of(plan)];
        foreach (IGrouping<DepthwiseForm, DepthwiseTile> form in tiles.ToLookup(tile => DepthwiseForm.Of(tile, plan.Target)))
            window.Emit(form.Key, [.. form]);
        foreach (DepthwiseTile tile in tiles)
            window.EmitShape(names.Of(tile), tile);
        foreach (Kernel kernel in plan.Kernels)
        {
            switch (kernel)
            {
                case PointwiseKernel k:
                    pointwise.Emit(names.Of(k), k);
                    break;
                case ChannelPerLaneKernel k:
                    window.Emit(names.Of(k), k, names);
                    break;
                case ConvolutionKernel k:
                    window.Emit(names.Of(k), k);
                    break;
                case PoolKernel k:
                    window.Emit(names.Of(k), k);
                    break;
                case WinogradInputKernel k:
                    winograd.Emit(names.Of(k), k);
                    break;
                case WinogradOutputKernel k:
                    winograd.Emit(names.Of(k), k);
                    break;
                case PlanarDepthwiseKernel k:
                    planar.Emit(names.Of(k), k);
                    break;
                case FlatDepthwiseKernel k:
                    unpadded.Emit(names.Of(k), k);
                    break;
                case StridedDepthwiseKernel k:
                    unpadded.Emit(names.Of(k), k);
                    break;
                default:
                    throw new InvalidOperationException($"{kernel} has no text.");
            }
        }
    }
}
