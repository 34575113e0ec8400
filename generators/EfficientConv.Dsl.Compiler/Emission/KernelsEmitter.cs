using EfficientConv.Dsl.Compiler.Folding;
using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Scheduling;

namespace EfficientConv.Dsl.Compiler.Emission;

/// <summary>Prints one plan as a static class: packing, the run, the loop nests, the kernels.</summary>
internal static class KernelsEmitter
{
    public static string Emit(string networkName, string className, NetworkPlan plan, bool timesSteps = false)
    {
        VectorSyntax vector = VectorSyntax.For(plan.Target);
        SourceWriter writer = new();
        KernelNames names = new();
        FileHeader.Write(writer, nullable: false);
        writer.Open($"namespace {FileHeader.GeneratedNamespace}");
        FileHeader.Usings(writer, "System", "System.Runtime.CompilerServices", "System.Runtime.InteropServices", "System.Runtime.Intrinsics", "System.Runtime.Intrinsics.X86", "EfficientConv.Dsl.Runtime");
        writer.Line($"/// <summary>Kernels of <c>{networkName}</c> for {plan.Target.Name}: {plan.Target.Lanes} floats a vector.</summary>");
        writer.Line(FileHeader.GeneratedCode);
        writer.Open($"internal static class {className}{vector.ClassSuffix}{vector.Constraint}");
        writer.Line("/// <summary>Floats of packed weights.</summary>");
        writer.Line($"public const int PackedLength = {plan.PackedLength};");
        writer.Line();
        writer.Line("/// <summary>Floats of workspace.</summary>");
        writer.Line($"public const int WorkspaceLength = {plan.WorkspaceLength};");
        writer.Line();
        writer.Line("/// <summary>Floats of scratch memory of every further thread.</summary>");
        writer.Line($"public const int PartScratchLength = {plan.PartScratchLength};");
        SourceWriter packing = new();
        EmitPack(packing, plan);
        writer.Line();
        writer.Line("/// <summary>Hash of how <see cref=\"Pack\"/> orders the weights.</summary>");
        writer.Line(FormattableString.Invariant($"public const ulong LayoutHash = 0x{Hash(packing.ToString()):X16};"));
        EmitPack(writer, plan);
        EmitRun(writer, vector, names, plan, timesSteps);
        EmitKernels(writer, vector, names);
        writer.Close();
        writer.Close();
        return writer.ToString();
    }

    /// <summary>FNV-1a over the UTF-16 code units.</summary>
    private static ulong Hash(string text)
    {
        ulong hash = 14695981039346656037;
        foreach (char c in text)
            hash = unchecked((hash ^ c) * 1099511628211);
        return hash;
    }

    private static void EmitPack(SourceWriter writer, NetworkPlan plan)
    {
        writer.Line();
        writer.Line("/// <summary>Folds batch norm and stores every weight in the order in which the kernels read it.</summary>");
        writer.Open("public static void Pack(WeightReader weights, Span<float> packed)");
        foreach (StagePacking packing in plan.Packing)
        {
            writer.Line($"// {packing.Convolution?.Key.Canonical ?? packing.Source.Name}");
            writer.Open();
            EmitSource(writer, packing);
            foreach (PackInstruction instruction in packing.Instructions)
            {
                string slice = FormattableString.Invariant($"packed.Slice({instruction.Offset}, {instruction.Length})");
                switch (instruction)
                {
                    case PackPanels p:
                        writer.Line($"convolution.PackPanels({slice}, {p.OutStart}, {p.OutEnd}, {p.PanelWidth}, {p.PanelCount}, {p.KStart}, {p.KCount});");
                        break;
                    case PackPixelPairs p:
                        writer.Line($"convolution.PackPixelPairs({slice}, {p.KStart}, {p.KCount});");
                        break;
                    case PackBiasPairs:
                        writer.Line($"convolution.PackBiasPairs({slice});");
                        break;
                    case PackWinogradPanels p:
                        WinogradEmitter.EmitPacking(writer, p);
                        break;
                    case PackBias:
                        writer.Line($"convolution.PackBias({slice});");
                        break;
                    case PackTensor t:
                        writer.Line($"weights.Tensor({Quote(t.Key.Key)}).CopyTo({slice});");
                        break;
                    case PackScaleShift:
                    {
                        BatchNormOperator norm = packing.BatchNorm!;
                        writer.Line($"FoldedConvolution.BatchNormScaleShift(weights, {BatchNormArguments(norm)}, packed.Slice({instruction.Offset}, {instruction.Length / 2}), packed.Slice({instruction.Offset + (instruction.Length / 2)}, {instruction.Length / 2}));");
                        break;
                    }

                    case PackSlopes:
                    {
                        PReLUStage stage = (PReLUStage)packing.Source;
                        writer.Line($"float[] slopes = weights.Tensor({Quote(stage.PReLU.Key.With("weight").Key)});");
                        writer.Line(stage.PReLU.Parameters == 1
                            ? FormattableString.Invariant($"packed.Slice({instruction.Offset}, {instruction.Length}).Fill(slopes[0]);")
                            : FormattableString.Invariant($"slopes.CopyTo({slice});"));
                        break;
                    }

                    default:
                        throw new InvalidOperationException($"{instruction} has no text.");
                }
            }

            writer.Close();
        }

        writer.Close();
    }

    private static void EmitSource(SourceWriter writer, StagePacking packing)
    {
        if (packing.Source is ConvolutionStage { Phase: { } phase } part)
        {
            TransposedConvolutionOperator t = phase.Convolution;
            string transposedBias = t.Bias ? Quote(t.Key.With("bias").Key) : "null";
            writer.Line($"FoldedConvolution convolution = weights.TransposedConvolution({Quote(t.Key.With("weight").Key)}, {transposedBias}, {t.OutChannels}, {t.Groups}, {t.Kernel.Height}, {t.Kernel.Width}, new TransposedTaps({phase.FirstRow}, {phase.RowStep}, {part.Convolution.Kernel.Height}, {phase.FirstColumn}, {phase.ColumnStep}, {part.Convolution.Kernel.Width}));");
            if (packing.BatchNorm is { } transposedNorm)
                writer.Line($"convolution = convolution.FoldBatchNorm(weights, {BatchNormArguments(transposedNorm)});");
            return;
        }

        if (packing.Convolution is not { } c)
            return;
        string bias = c.Bias ? Quote(c.Key.With("bias").Key) : "null";
        writer.Line($"FoldedConvolution convolution = weights.Convolution({Quote(c.Key.With("weight").Key)}, {bias}, {c.OutChannels}, {packing.InPerGroup}, {c.Kernel.Height}, {c.Kernel.Width});");
        if (packing.BatchNorm is { } norm)
            writer.Line($"convolution = convolution.FoldBatchNorm(weights, {BatchNormArguments(norm)});");
        if (packing.Source is ConvolutionStage { LayerScale: { } scale })
            writer.Line($"convolution = convolution.FoldScale(weights.Tensor({Quote(scale.Key.Key)}));");
    }

    private static string BatchNormArguments(BatchNormOperator norm) => FormattableString.Invariant(
        $"{Quote(norm.Key.With("weight").Key)}, {Quote(norm.Key.With("bias").Key)}, {Quote(norm.Key.With("running_mean").Key)}, {Quote(norm.Key.With("running_var").Key)}, {norm.Epsilon:R}");

    private static void EmitRun(SourceWriter writer, VectorSyntax vector, KernelNames names, NetworkPlan plan, bool timesSteps)
    {
        List<(string Name, Driver Driver, string Comment)> drivers = [];
        writer.Line();
        if (timesSteps)
        {
            writer.Line("/// <summary>When the last run began each step, and when it ended.</summary>");
            writer.Line($"public static readonly long[] StepTicks = new long[{plan.Steps.Count + 1}];");
            writer.Line();
            writer.Line("/// <summary>What each step is, and what it took in the last run.</summary>");
            writer.Open("public static global::System.Collections.Generic.IEnumerable<(string Layers, TimeSpan Time)> StepTimes()");
            for (int i = 0; i < plan.Steps.Count; i++)
                writer.Line($"yield return ({Quote(TitleOf(plan.Steps[i]))}, global::System.Diagnostics.Stopwatch.GetElapsedTime(StepTicks[{i}], StepTicks[{i + 1}]));");
            writer.Close();
            writer.Line();
        }

        writer.Line("/// <summary>Runs a thread's share of one image.</summary>");
        writer.Open("public static void Run(ref float input, ref float output, ref float weights, ref float workspace, Part part)");
        bool first = true;
        int index = 0;
        foreach (Step step in plan.Steps)
        {
            writer.Line("part.Barrier();", !first);
            first = false;
            Note(index++);
            string name = names.Of(step.Driver, out bool isNew);
            if (isNew)
                drivers.Add((name, step.Driver, step.Comment));
            foreach (string line in step.Comment.Split('\n'))
                writer.Line("// " + line);
            string residual = DriverEmitter.TakesResidual(step.Driver) ? $"ref {Reference(step.Residual!)}, " : string.Empty;
            writer.Line($"{name}(ref {Reference(step.Input)}, {residual}{Arguments(plan, step)});");
        }

        Note(index);
        writer.Close();
        if (plan.Image is { } image)
            EmitRunImage(writer, names, plan, image, timesSteps);
        DriverEmitter emitter = new(writer, vector, names);
        foreach ((string name, Driver driver, string comment) in drivers)
            emitter.Emit(name, driver, comment);
        if (plan.Image is { Step: >= 0 } fused)
            emitter.EmitOfImage(names.Of(plan.Steps[fused.Step].Driver, out _) + OfImage, plan.Steps[fused.Step].Driver, plan.Steps[fused.Step].Comment);

        void Note(int position)
        {
            if (timesSteps)
                writer.Line(TickOf(position));
        }
    }

    /// <summary>The run for an image of bytes: the step that reads it converts it row by row, or a pass before the first step does.</summary>
    private static void EmitRunImage(SourceWriter writer, KernelNames names, NetworkPlan plan, ImagePlan image, bool timesSteps)
    {
        writer.Line();
        writer.Line("/// <summary>Runs a thread's share of one image of bytes.</summary>");
        writer.Open("public static void RunImage(in ImageRows image, ref float output, ref float weights, ref float workspace, Part part)");
        Shape shape = image.Shape;
        if (image.Step < 0)
        {
            writer.Line("// No step reads the image row by row into memory of its own, so it is converted as a whole.");
            writer.Line($"ref float input = ref {KernelText.At("workspace", image.Staging)};");
            if (image.IsPlanar)
            {
                writer.Line($"image.ToPlanes(part.First({shape.Height}), part.End({shape.Height}), ref input, {shape.Pixels}, {shape.Channels}, {shape.Width});");
            }
            else
            {
                writer.Open($"for (int row = part.First({shape.Height}); row < part.End({shape.Height}); row++)");
                writer.Line($"image.LoadRow(row, ref Unsafe.Add(ref input, row * {shape.Width * shape.Channels}), {shape.Channels}, {shape.Channels}, {shape.Width});");
                writer.Close();
            }

            writer.Line("part.Barrier();");
            writer.Line("Run(ref input, ref output, ref weights, ref workspace, part);");
        }

        for (int i = 0; i < plan.Steps.Count && image.Step >= 0; i++)
        {
            Step step = plan.Steps[i];
            writer.Line("part.Barrier();", i > 0);
            writer.Line(TickOf(i), timesSteps);
            writer.Line(i == image.Step
                ? $"{names.Of(step.Driver, out _)}{OfImage}(in image, {Arguments(plan, step)});"
                : $"{names.Of(step.Driver, out _)}(ref {Reference(step.Input)}, {(DriverEmitter.TakesResidual(step.Driver) ? $"ref {Reference(step.Residual!)}, " : string.Empty)}{Arguments(plan, step)});");
        }

        writer.Line(TickOf(plan.Steps.Count), timesSteps && image.Step >= 0);
        writer.Close();
    }

    /// <summary>Which layer or block a step is, in one line: "4: InvertedResidual 16 x 112 x 112 -> 24 x 56 x 56"; a stem and its block are "0+3".</summary>
    private static string TitleOf(Step step)
    {
        string[] lines = step.Comment.Split('\n');
        bool hasStem = step.Driver is FusedRowsDriver { Stem: not null };
        string name = Name(lines[hasStem ? 1 : 0]);
        if (lines.Length > 1 && name.Contains('.'))
            name = name.Substring(0, name.LastIndexOf('.'));
        return $"{(hasStem ? $"{Name(lines[0])}+{name}" : name)}: {step.Driver.Title} {step.Input.View.Shape} -> {step.Output.View.Shape}";

        static string Name(string line) => line.Split(':')[0];
    }

    private static string TickOf(int position) => FormattableString.Invariant($"if (part.Index == 0) StepTicks[{position}] = global::System.Diagnostics.Stopwatch.GetTimestamp();");

    /// <summary>What the names of drivers that read bytes end with.</summary>
    private const string OfImage = "OfImage";

    private static string Arguments(NetworkPlan plan, Step step) =>
        $"ref {Reference(step.Output)}, ref {KernelText.At("weights", step.Weights)}, ref {KernelText.At("workspace", step.Scratch)}{(DriverEmitter.FetchesOwn(step.Driver) ? ", ref " + NextWeights(plan, step) : string.Empty)}, part";

    /// <summary>The first weights that a thread reads in the step behind <paramref name="step"/>, or any behind the last.</summary>
    private static string NextWeights(NetworkPlan plan, Step step)
    {
        int index = plan.Steps.ToList().IndexOf(step) + 1;
        if (index == plan.Steps.Count)
            return KernelText.At("weights", step.Weights);
        Step next = plan.Steps[index];
        return next.Driver is FusedSlabsDriver { ByRow: false, Expand: { } expand } d
            ? KernelText.At("weights", FormattableString.Invariant($"{next.Weights + d.Offsets.Expand} + (part.First({d.Slabs}) * {d.Slab * expand.InChannels})"))
            : KernelText.At("weights", next.Weights);
    }

    private static string Reference(Tensor tensor) => tensor.Place switch
    {
        TensorPlace.Input => KernelText.At("input", tensor.Offset),
        TensorPlace.Output => KernelText.At("output", tensor.Offset),
        _ => KernelText.At("workspace", tensor.Offset),
    };

    private static void EmitKernels(SourceWriter writer, VectorSyntax vector, KernelNames names)
    {
        PointwiseEmitter pointwise = new(writer, vector);
        WindowEmitter window = new(writer, vector);
        PlanarEmitter planar = new(writer, vector);
        DirectDepthwiseEmitter direct = new(writer, vector);
        WinogradEmitter winograd = new(writer, vector);
        foreach (Kernel kernel in names.Kernels)
        {
            switch (kernel)
            {
                case PointwiseKernel k:
                    pointwise.Emit(names.Of(k), k);
                    break;
                case PixelPairKernel k:
                    pointwise.Emit(names.Of(k), k);
                    break;
                case LanewiseKernel k:
                    window.Emit(names.Of(k), k);
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
                case PlanarPointwiseKernel k:
                    planar.Emit(names.Of(k), k);
                    break;
                case PlanarDepthwiseKernel k:
                    planar.Emit(names.Of(k), k);
                    break;
                case FlatDepthwiseKernel k:
                    direct.Emit(names.Of(k), k);
                    break;
                case StridedDepthwiseKernel k:
                    direct.Emit(names.Of(k), k);
                    break;
                case PlanarConvolutionKernel k:
                    planar.Emit(names.Of(k), k);
                    break;
                default:
                    throw new InvalidOperationException($"{kernel} has no text.");
            }
        }
    }

    /// <summary>A C# string literal.</summary>
    public static string Quote(string text) =>
        "\"" + string.Concat(text.Select(c => c is '"' or '\\' ? "\\" + c : char.IsControl(c) ? FormattableString.Invariant($"\\u{(int)c:x4}") : c.ToString())) + "\"";
}
