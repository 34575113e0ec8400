using EfficientConv.Dsl.Compiler.Folding;
using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Model;
using EfficientConv.Dsl.Compiler.Targets;

namespace EfficientConv.Dsl.Compiler.Scheduling;

/// <summary>Schedules what is not a window: element by element operations, shuffles, means, squeeze-and-excitation.</summary>
internal static class MapScheduling
{
    public static TensorSlot Schedule(PlanBuilder plan, Stage stage, IReadOnlyDictionary<int, TensorSlot> slots, TensorSlot? destination)
    {
        if (PlanarScheduling.TrySchedule(plan, stage, slots[stage.Inputs[0]], destination))
            return destination!;

        if (stage is ActivationStage { Function: var function } && destination is { View: { IsTight: true, IsPadded: false } })
        {
            plan.BeginStep();
            return Scheduler.DeliverActivated(plan, slots[stage.Inputs[0]], destination, function, StepPart.Of(stage, $"{function}"));
        }

        // Functions with one stride for what they read and what they write need one layout.
        bool oneStride = stage is BatchNormStage or ShuffleStage;
        TensorSlot input = oneStride ? Scheduler.Plain(plan, slots[stage.Inputs[0]]) : Scheduler.Padded(plan, slots[stage.Inputs[0]]);
        TensorSlot? other = stage is AddStage or MultiplyStage ? Scheduler.Plain(plan, slots[stage.Inputs[1]]) : null;
        bool direct = oneStride || other is not null ? destination is not null && Scheduler.IsPlain(destination) : destination is { View: { IsPadded: true, IsDense: true } };
        TensorSlot output = direct ? destination! : plan.NewTensor(stage.Output);
        plan.BeginStep();
        TensorView from = input.View, to = output.View;
        int channels = stage.Input.Channels, height = stage.Input.Height, width = stage.Input.Width, padded = PlanBuilder.PadChannels(channels);
        int weights = 0, fromStep = from.PixelStep, step = to.PixelStep;

        // What calls take: a thread's own pixels, or the input, with the row of the output that a call makes.
        RuntimeReference read = RuntimeDriver.PixelOf(RuntimeOperand.Input, from), own = RuntimeDriver.PixelOf(RuntimeOperand.Output, to);
        RuntimeReference map = new(RuntimeOperand.Input), row = new(RuntimeOperand.Row), packed = new(RuntimeOperand.Weights);
        RuntimeCount pixels = new();
        RuntimeIndex y = new();
        switch (stage)
        {
            case GlobalAveragePoolStage:
                RuntimeReference sums = new(RuntimeOperand.Output, 1);
                Add(
                    "GlobalAveragePool", "mean over the map", RuntimeRange.Channels(channels), RuntimeWork.Summed,
                    new ClearCall(sums), Sum(sums), RuntimeFunction.Mean.Call(sums, pixels, stage.Input.Pixels));
                break;

            case SqueezeStage squeeze:
            {
                ScratchArena scratch = plan.NewScratch();
                RuntimeReference gate = new(RuntimeOperand.Gate, 1);
                SqueezeDriver driver = new(
                    "SqueezeExcitation", from, to, Squeeze(plan, squeeze, scratch), RuntimeRange.Channels(channels), RuntimeCall.Of(new ClearCall(gate), Sum(gate)),
                    RuntimeRange.Pixels(stage.Input), RuntimeCall.Of(
                        RuntimeDriver.Move(RuntimeFunction.CopyPixels, from, to),
                        RuntimeFunction.ScaleChannels.Call(own, gate with { Step = 0 }, channels, pixels, step)));
                plan.AddStep(driver, input, null, output, scratch, Describe(squeeze));
                break;
            }

            case BatchNormStage norm:
                weights = 2 * padded;
                plan.Pack(stage, new PackScaleShift(plan.Absolute(plan.Reserve(weights)), PlanBuilder.WeightBytes(weights), norm.BatchNorm));
                EachPixel("ScaleShift", "batch norm", RuntimeFunction.ScaleShift.Call(read, own, packed, packed with { Offset = padded }, channels, pixels, step));
                break;

            case PReLUStage { PReLU: var prelu }:
                weights = padded;
                plan.Pack(stage, null, 0, null, new PackSlopes(plan.Absolute(plan.Reserve(weights)), PlanBuilder.WeightBytes(weights), prelu));
                InPlace("PReLU", "PReLU", RuntimeFunction.PReLU.Call(own, packed, channels, pixels, step));
                break;

            case LayerScaleStage scale:
                weights = padded;
                plan.Pack(stage, new PackTensor(plan.Absolute(plan.Reserve(weights)), PlanBuilder.WeightBytes(weights), scale.Scale.Key));
                InPlace("Scale", "factors by channel", RuntimeFunction.ScaleChannels.Call(own, packed, channels, pixels, step));
                break;

            case LayerNormStage { Norm: var norm }:
            {
                long bytes = PlanBuilder.WeightBytes(padded);
                ArenaOffset factors = plan.Reserve(padded), bias = plan.Reserve(padded);
                plan.Pack(stage, new PackTensor(plan.Absolute(factors), bytes, norm.Key.With("weight")), new PackTensor(plan.Absolute(bias), bytes, norm.Key.With("bias")));
                Add("LayerNorm", "layer norm over channels", RuntimeRange.SinglePixels(stage.Input), RuntimeWork.Computed, RuntimeFunction.LayerNorm.Call(
                    read, fromStep, own, step, packed, packed with { Offset = bias.In(ElementType.Float32) }, (float)norm.Epsilon, channels, pixels));
                break;
            }

            case ActivationStage activation:
                InPlace("Activation", $"{activation.Function}", new ActivationCall(activation.Function, own, new RuntimeCount(step)));
                break;
            case ShuffleStage { Groups: var groups }:
                EachPixel(
                    "Shuffle", FormattableString.Invariant($"channel shuffle, {groups} groups"), RuntimeFunction.ShuffleChannels.Call(read, own, step, channels, groups, pixels));
                break;
            case SoftmaxStage:
                InPlace("Softmax", "softmax over channels", RuntimeFunction.Softmax.Call(own, channels) with { EachPixel = true });
                break;
            case AddStage:
                InPlace("Add", "add", RuntimeDriver.Sum(other!.View, to));
                break;
            case MultiplyStage { ByChannel: true }:
                InPlace("MultiplyByChannel", "multiply", RuntimeFunction.ScaleChannels.Call(own, new RuntimeReference(RuntimeOperand.Residual), channels, pixels, step));
                break;
            case MultiplyStage:
                InPlace("Multiply", "multiply", RuntimeFunction.Multiply.Call(own, RuntimeDriver.PixelOf(RuntimeOperand.Residual, other!.View), new RuntimeCount(step)));
                break;
            case UpsampleStage { Upsample: var upsample }:
                float rowStep = upsample.RowStep(stage.Input), columnStep = upsample.ColumnStep(stage.Input);
                EachRow("Upsample", $"upsampling, {upsample.Mode}", upsample.Mode switch
                {
                    InterpolationMode.Nearest => RuntimeFunction.NearestRow.Call(map, fromStep, height, width, row, step, stage.Output.Width, y, rowStep, columnStep, channels),
                    InterpolationMode.Bilinear => RuntimeFunction.BilinearRow.Call(
                        map, fromStep, height, width, row, step, stage.Output.Width, y, rowStep, columnStep, upsample.AlignCorners, channels),
                    _ => throw new InvalidOperationException($"{upsample.Mode} has no function."),
                });
                break;
            case PixelShuffleStage shuffle:
                EachRow("PixelShuffle", "pixel shuffle", RuntimeFunction.PixelShuffleRow.Call(map, fromStep, width, row, step, y, shuffle.Factor, stage.Output.Channels));
                break;
            case AdaptivePoolStage { IsMaximum: var maximum }:
                EachRow(
                    maximum ? "AdaptiveMaxPool" : "AdaptiveAveragePool", $"adaptive {(maximum ? "maximum" : "mean")}",
                    (maximum ? RuntimeFunction.AdaptiveMaximumRow : RuntimeFunction.AdaptiveAverageRow).Call(
                        map, fromStep, height, width, row, step, stage.Output.Height, stage.Output.Width, y, channels));
                break;
            case FlattenStage:
                // To a vector in PyTorch's order, whatever its own layout.
                EachPixel("Flatten", "flatten", RuntimeFunction.ToPlanar.Call(read, fromStep, own with { Step = 1 }, stage.Input.Pixels, channels, pixels));
                break;
            default:
                throw new InvalidOperationException($"{stage} has no schedule.");
        }

        return output == destination ? output : Scheduler.Deliver(plan, output, destination);

        void EachRow(string title, string what, RuntimeCall call) => Add(title, what, RuntimeRange.Rows(stage.Output), RuntimeWork.Computed, call);

        void EachPixel(string title, string what, params RuntimeCall[] calls) => Add(title, what, RuntimeRange.Pixels(stage.Input), RuntimeWork.Copied, calls);

        void InPlace(string title, string what, RuntimeCall call) => EachPixel(title, what, RuntimeDriver.Move(RuntimeFunction.CopyPixels, from, to), call);

        void Add(string title, string what, RuntimeRange range, RuntimeWork work, params RuntimeCall[] calls) => plan.AddStep(
            new RuntimeDriver(title, from, other?.View, to, range, calls.ToEquatableArray(), work) { Weights = weights }, input, other, output, null, StepPart.Of(stage, what));

        FunctionCall Sum(RuntimeReference sums) =>
            RuntimeFunction.AccumulateChannels.Call(new RuntimeReference(RuntimeOperand.Input, 1), sums, pixels, stage.Input.Pixels, fromStep);
    }

    /// <summary>The two small products of squeeze-and-excitation and their memory; weights are packed here.</summary>
    public static SqueezePart Squeeze(PlanBuilder plan, SqueezeStage stage, ScratchArena scratch)
    {
        VectorTarget target = plan.Target;
        int channels = stage.Input.Channels, squeezed = stage.Reduce.OutChannels;
        (Epilogue reduceEpilogue, ActivationFunction activationPass) = Epilogue.Of(stage.Activation);
        (Epilogue expandEpilogue, ActivationFunction gatePass) = Epilogue.Of(stage.Gate);
        PointwiseKernel reduce = Product(channels, squeezed, reduceEpilogue), expand = Product(squeezed, channels, expandEpilogue);
        (ArenaOffset reduceWeights, ArenaOffset reduceBias) = Pack(stage.Reduce, reduce, channels);
        (ArenaOffset expandWeights, ArenaOffset expandBias) = Pack(stage.Expand, expand, squeezed);
        return new SqueezePart(
            channels, squeezed, reduce, activationPass, expand, gatePass, reduceWeights, reduceBias, expandWeights, expandBias,
            scratch.Shared(PlanBuilder.PadChannels(channels)), scratch.Shared(PlanBuilder.PadChannels(squeezed)));

        PointwiseKernel Product(int inputs, int outputs, Epilogue epilogue)
        {
            // Two panels at least, so that two threads share the weights, which come from far away.
            int vectors = target.Vectors(outputs), panel = vectors <= target.WidestPanel ? (vectors + 1) / 2 : 0;
            return new(
                1, inputs, outputs, inputs, 0, 1, inputs, PlanBuilder.PadChannels(outputs), target.Lanes, epilogue,
                RegisterTiling.Choose(target, 1, vectors, panel), WorkShare.Panels);
        }

        (ArenaOffset Weights, ArenaOffset Bias) Pack(ConvolutionOperator convolution, PointwiseKernel kernel, int inputs)
        {
            int padded = target.Padded(kernel.OutChannels);
            ArenaOffset weights = plan.Reserve(padded * inputs), offset = weights;
            (ArenaOffset bias, PackInstruction[] packed) = plan.ReserveBias(padded, null);
            PackInstruction[] panels = ConvolutionScheduling.Panels(plan, kernel.Panels, 0, kernel.OutChannels, 0, inputs, ref offset);
            plan.Pack(stage, convolution, inputs, null, [.. panels, .. packed]);
            return (weights, bias);
        }
    }

    public static StepPart Describe(SqueezeStage stage) => StepPart.Of(
        stage, FormattableString.Invariant($"squeeze-and-excitation {stage.Input.Channels} -> {stage.Reduce.OutChannels} -> {stage.Input.Channels}, {stage.Activation}, gate {stage.Gate}"));
}
