using EfficientConv.Dsl.Compiler.Folding;
using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Model;
using EfficientConv.Dsl.Compiler.Scheduling.Nests;
using EfficientConv.Dsl.Compiler.Shapes;

namespace EfficientConv.Dsl.Compiler.Scheduling;

/// <summary>
/// Schedules transposed convolutions as plain ones. Output pixels whose row and column have the same remainders by the stride, a phase, are reached by the
/// same taps of the kernel, so each phase is a convolution with stride 1 and a part of the kernel, written to every stride-th pixel of the output. Nothing
/// is multiplied by zeros that stand between pixels.
/// </summary>
internal static class TransposedScheduling
{
    public static TensorSlot Schedule(PlanBuilder plan, TransposedStage stage, TensorSlot input, TensorSlot? destination)
    {
        if (HasPlanes(stage))
            return SchedulePlanes(plan, stage, input, destination);
        TransposedConvolutionOperator c = stage.Convolution;

        // Every phase reads the whole input: planes are turned once for all of them.
        input = Scheduler.Padded(plan, input);
        ActivationFunction postOp = Epilogue.Of(stage.Activation).PostOp;
        TensorSlot output = destination is { View: { IsPadded: true, IsDense: true } } && postOp.IsNone ? destination : plan.NewTensor(stage.Output);
        for (int row = 0; row < Math.Min(c.Stride.Height, stage.Output.Height); row++)
        {
            for (int column = 0; column < Math.Min(c.Stride.Width, stage.Output.Width); column++)
            {
                SchedulePhase(plan, stage, input, output, row, column);
            }
        }

        if (!postOp.IsNone)
        {
            StepPart part = PostOpPart(stage, postOp);
            if (destination is { View: { IsTight: true, IsPadded: false } })
                return Scheduler.DeliverActivated(plan, output, destination, postOp, part);
            TensorSlot activated = destination is { View: { IsPadded: true, IsDense: true } } ? destination : plan.NewTensor(stage.Output);
            plan.AddStep(
                MapNests.Activation(output.View, activated.View, postOp), output, null, activated, null, part);
            output = activated;
        }

        return output == destination ? output : Scheduler.Deliver(plan, output, destination);
    }

    private static StepPart PostOpPart(TransposedStage stage, ActivationFunction postOp) =>
        new(stage.Name, EquatableArray.Of(stage.LayerIds[1 + (stage.BatchNorm is null ? 0 : 1) + (stage.ScaleShift is null ? 0 : 1)]), $"{postOp}");

    private static (Axis Vertical, Axis Horizontal) AxesOf(TransposedStage stage, int row, int column)
    {
        TransposedConvolutionOperator c = stage.Convolution;
        return (
            Axis.Of(row, stage.Input.Height, stage.Output.Height, c.Kernel.Height, c.Stride.Height, c.Dilation.Height, c.Padding.Top),
            Axis.Of(column, stage.Input.Width, stage.Output.Width, c.Kernel.Width, c.Stride.Width, c.Dilation.Width, c.Padding.Left));
    }

    /// <summary>
    /// Whether the phases are planes with a pixel in every lane, because a pixel's channels are few: phases of one size that read the whole map, wide enough for
    /// vectors unless each is a single tap.
    /// </summary>
    private static bool HasPlanes(TransposedStage stage)
    {
        TransposedConvolutionOperator c = stage.Convolution;
        bool isEven = stage.Output.Height % c.Stride.Height == 0 && stage.Output.Width % c.Stride.Width == 0;
        if (!isEven || stage.Output.Channels > PlanarScheduling.NarrowChannels || c.Groups != 1 || c.Stride == Extent.Square(1))
            return false;
        IEnumerable<(Axis Vertical, Axis Horizontal)> phases =
            Enumerable.Range(0, c.Stride.Height).SelectMany(row => Enumerable.Range(0, c.Stride.Width).Select(column => AxesOf(stage, row, column)));
        return IsOneTapEach(stage) || (PlanarScheduling.FillsVectors(stage.Output.Width / c.Stride.Width, stage.Input.Channels) &&
            phases.All(phase => phase.Vertical is { Taps: > 0, Skipped: 0 } && phase.Horizontal is { Taps: > 0, Skipped: 0 }));
    }

    /// <summary>Whether every phase is one tap of one pixel: then all of them are one product, with the channels of each phase after those of the one before.</summary>
    private static bool IsOneTapEach(TransposedStage stage) =>
        stage is { Convolution: var c, PReLU: null or { Parameters: 1 }, ScaleShift: null } && c.Kernel == c.Stride && c.Padding.IsZero && c.Dilation == Extent.Square(1) &&
        stage.Output == new Shape(stage.Output.Channels, stage.Input.Height * c.Stride.Height, stage.Input.Width * c.Stride.Width);

    /// <summary>The phases as planes, which then are put where their pixels belong.</summary>
    private static TensorSlot SchedulePlanes(PlanBuilder plan, TransposedStage stage, TensorSlot input, TensorSlot? destination)
    {
        Extent stride = stage.Convolution.Stride;
        int channels = stage.Output.Channels, phases = stride.Height * stride.Width;
        Shape plane = new(channels, stage.Output.Height / stride.Height, stage.Output.Width / stride.Width);
        TensorSlot planes = plan.NewPlanarTensor(plane with { Channels = phases * channels });
        (Epilogue epilogue, ActivationFunction postOp) = Epilogue.Of(stage.Activation);
        if (IsOneTapEach(stage))
        {
            ConvolutionOperator product = new(
                stage.Convolution.Key, phases * channels, Extent.Square(1), Extent.Square(1), default, Extent.Square(1), 1, stage.Convolution.Bias);
            ConvolutionStage all = new(
                stage.Id, $"{stage.Name}, all phases", stage.Inputs, stage.Input, planes.View.Shape, product, stage.BatchNorm, HasResidual: false, epilogue.Activation)
            {
                LayerIds = stage.LayerIds,
                PReLU = stage.PReLU,
                Phase = TransposedPhase.All(stage.Convolution),
            };
            ConvolutionScheduling.Schedule(plan, all, new Dictionary<int, TensorSlot> { [stage.Inputs[0]] = input }, planes);
        }
        else
        {
            input = input.View.IsPlanar ? input : PlanarScheduling.Transpose(plan, input);
            for (int phase = 0; phase < phases; phase++)
            {
                (Axis vertical, Axis horizontal) = AxesOf(stage, phase / stride.Width, phase % stride.Width);
                PlanarScheduling.Schedule(
                    plan, PhaseOf(stage, phase / stride.Width, phase % stride.Width, vertical, horizontal), input, null, planes.Channels(phase * channels, channels));
            }
        }

        bool activatesInPlace = !postOp.IsNone && destination is { View: { IsTight: true, IsPadded: false } };
        TensorSlot output = destination is not null && (postOp.IsNone || activatesInPlace) ? destination : plan.NewTensor(stage.Output);
        plan.AddStep(
            MapNests.OverRows("Phases", planes.View, output.View, (y, row) => RuntimeFunction.PhaseRow.Call(
                Effort.Transposed(stage.Output.Count / (double)stage.Output.Height), Storage.Input, planes.View.ChannelStep, plane.Width, row, output.View.ChannelStep,
                output.View.PixelStep, y, stride.Height, stride.Width, channels)),
            planes, null, output, null, StepPart.Copy($"planes of the phases to {output.View}"));
        if (postOp.IsNone)
            return output;
        TensorSlot activated = activatesInPlace ? output : destination is { View: { IsPadded: true, IsDense: true } } ? destination : plan.NewTensor(stage.Output);
        plan.AddStep(
            activatesInPlace ? MapNests.ActivationOfValues(output.View, output.View, postOp, inPlace: true) : MapNests.Activation(output.View, activated.View, postOp),
            output, null, activated, null, PostOpPart(stage, postOp));
        return activated == destination ? activated : Scheduler.Deliver(plan, activated, destination);
    }

    private static void SchedulePhase(PlanBuilder plan, TransposedStage stage, TensorSlot input, TensorSlot output, int row, int column)
    {
        TransposedConvolutionOperator c = stage.Convolution;
        (Axis vertical, Axis horizontal) = AxesOf(stage, row, column);
        int pixel = output.View.PixelStride, width = stage.Output.Width;
        Shape outShape = new(stage.Output.Channels, vertical.Outputs, horizontal.Outputs);
        TensorSlot pixels = output.Pixels(
            ((row * width) + column) * pixel,
            output.View with { Shape = outShape, PixelStride = c.Stride.Width * pixel, RowStride = c.Stride.Height * width * pixel });
        ConvolutionStage phase = PhaseOf(stage, row, column, vertical, horizontal);
        if (phase.Taps == 0)
        {
            plan.BeginStep();
            int length = plan.Target.Padded(c.OutChannels);
            (ArenaOffset bias, PackInstruction[] packed) = plan.ReserveBias(length, phase);
            plan.Pack(phase, packed);
            ScratchArena scratch = plan.NewScratch();
            scratch.Own(c.OutChannels);
            Epilogue epilogue = Epilogue.Of(phase, null, plan.Target).Epilogue;
            plan.AddStep(
                Fill(input.View, pixels.View, bias, epilogue), input, null, pixels, scratch, new StepPart(phase.Name, stage.LayerIds, $"bias: {outShape}"));
            return;
        }

        if (vertical.Skipped + horizontal.Skipped > 0)
        {
            TensorView view = input.View;
            input = input.Pixels((vertical.Skipped * view.RowStep) + (horizontal.Skipped * view.PixelStep), view with { Shape = phase.Input, RowStride = view.RowStep });
        }

        ConvolutionScheduling.ScheduleByRows(plan, phase, input, pixels);
    }

    /// <summary>The convolution that makes the pixels of one phase.</summary>
    private static ConvolutionStage PhaseOf(TransposedStage stage, int row, int column, Axis vertical, Axis horizontal)
    {
        TransposedConvolutionOperator c = stage.Convolution;
        ActivationFunction activation = Epilogue.Of(stage.Activation).Epilogue.Activation;
        bool empty = vertical.Taps == 0 || horizontal.Taps == 0;
        Extent taps = empty ? default : new Extent(vertical.Taps, horizontal.Taps), dilation = new(vertical.Dilation, horizontal.Dilation);
        ConvolutionOperator convolution = new(
            c.Key, c.OutChannels, taps, Extent.Square(1), new Padding(vertical.Before, vertical.After, horizontal.Before, horizontal.After), dilation, c.Groups, c.Bias);
        string name = FormattableString.Invariant($"{stage.Name}, phase {row} {column}");
        Shape outShape = new(stage.Output.Channels, vertical.Outputs, horizontal.Outputs);
        Shape inShape = new(stage.Input.Channels, stage.Input.Height - vertical.Skipped, stage.Input.Width - horizontal.Skipped);
        return new ConvolutionStage(stage.Id, name, stage.Inputs, empty ? stage.Input : inShape, outShape, convolution, stage.BatchNorm, HasResidual: false, activation)
        {
            LayerIds = stage.LayerIds,
            PReLU = stage.PReLU,
            ScaleShift = stage.ScaleShift,
            Phase = new TransposedPhase(c, vertical.FirstTap, vertical.TapStep, horizontal.FirstTap, horizontal.TapStep),
        };
    }

    /// <summary>The bias, after its epilogue, at every pixel: what no tap reaches.</summary>
    private static LoopNest Fill(TensorView input, TensorView output, ArenaOffset bias, Epilogue epilogue)
    {
        int channels = output.Shape.Channels;
        Pointer pixel = Storage.Scratch;
        List<Nest> made = [RuntimeFunction.CopyPixels.Call(Packed(0), channels, pixel, channels, channels, 1)];
        Nest[] scaled = epilogue.ScaleOffset == 0
            ? []
            : [RuntimeFunction.ScaleShift.Call(pixel, pixel, Packed(epilogue.ScaleOffset), Packed(epilogue.ShiftOffset), channels, 1, channels)];
        if (epilogue.ScalesFirst)
            made.AddRange(scaled);
        if (epilogue.Activation.Row.IsLearned)
            made.Add(RuntimeFunction.PReLU.Call(pixel, Packed(epilogue.SlopeOffset), channels, 1, channels));
        else if (!epilogue.Activation.IsNone)
            made.Add(new PostOp(epilogue.Activation, pixel, channels, channels));
        if (!epilogue.ScalesFirst)
            made.AddRange(scaled);
        Effort effort = Effort.Copied((input.Shape.Count + output.Shape.Count) / (double)output.Shape.Height);
        return MapNests.OverRows(
            "Fill", input, output, (y, row) => RuntimeFunction.CopyPixels.Call(effort, pixel, 0, row, output.PixelStep, channels, output.Shape.Width), [.. made]);

        Pointer Packed(int offset) => Storage.Weights.At(bias.In(ElementType.Float32) + offset);
    }

    /// <summary>
    /// One axis of a phase. Output <c>stride * q + phase</c> is the sum over taps i of input <c>q - Before + Skipped + i * Dilation</c> times kernel row
    /// <c>FirstTap - i * TapStep</c>.
    /// </summary>
    /// <param name="Outputs">Outputs of the phase.</param>
    /// <param name="Taps">Taps; 0 where none reaches the map.</param>
    /// <param name="FirstTap">Kernel row of the first tap.</param>
    /// <param name="TapStep">Kernel rows from a tap back to the next.</param>
    /// <param name="Dilation">Inputs from a tap to the next.</param>
    /// <param name="Before">Zeros before the map.</param>
    /// <param name="After">Zeros after the map.</param>
    /// <param name="Skipped">Inputs that the phase never reads, at the front.</param>
    private readonly record struct Axis(int Outputs, int Taps, int FirstTap, int TapStep, int Dilation, int Before, int After, int Skipped)
    {
        public static Axis Of(int phase, int input, int output, int kernel, int stride, int dilation, int padding)
        {
            int outputs = (output - phase + stride - 1) / stride;
            int[] taps = Enumerable.Range(0, kernel).Where(k => (((phase + padding - (k * dilation)) % stride) + stride) % stride == 0).Reverse().ToArray();
            if (taps.Length == 0)
                return new Axis(outputs, 0, 0, 1, 1, 0, 0, 0);
            int offset = (phase + padding - (taps[0] * dilation)) / stride, skipped = Math.Max(0, offset), before = Math.Max(0, -offset);
            if (skipped >= input)
                return new Axis(outputs, 0, 0, 1, 1, 0, 0, 0);
            int tapStep = taps.Length > 1 ? taps[0] - taps[1] : 1, step = taps.Length > 1 ? tapStep * dilation / stride : 1;
            int after = outputs - 1 - before + ShapeInference.EffectiveKernel(taps.Length, step) - (input - skipped);
            return new Axis(outputs, taps.Length, taps[0], tapStep, step, before, Math.Max(0, after), skipped);
        }
    }
}
