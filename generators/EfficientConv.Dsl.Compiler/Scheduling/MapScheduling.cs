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

        // Functions with one stride for what they read and what they write need one layout.
        bool oneStride = stage is BatchNormStage or ShuffleStage;
        TensorSlot input = oneStride ? Scheduler.Plain(plan, slots[stage.Inputs[0]]) : Scheduler.Padded(plan, slots[stage.Inputs[0]]);
        TensorSlot? other = stage is AddStage or MultiplyStage ? Scheduler.Plain(plan, slots[stage.Inputs[1]]) : null;
        bool direct = oneStride || other is not null ? destination is not null && Scheduler.IsPlain(destination) : destination is { View: { IsPadded: true, IsDense: true } };
        TensorSlot output = direct ? destination! : plan.NewTensor(stage.Output);
        plan.BeginStep();
        TensorView from = input.View, to = output.View;
        int channels = stage.Input.Channels, height = stage.Input.Height, width = stage.Input.Width, padded = PlanBuilder.PadChannels(channels), fromStep = from.PixelStep, step = to.PixelStep;

        // What calls take: a thread's own pixels, or the input, with the row of the output that a call makes.
        RuntimeReference read = RuntimeDriver.PixelOf(RuntimeOperand.Input, from), own = RuntimeDriver.PixelOf(RuntimeOperand.Output, to);
        RuntimeReference map = new(RuntimeOperand.Input), row = new(RuntimeOperand.Row), weights = new(RuntimeOperand.Weights);
        RuntimeCount pixels = new();
        RuntimeIndex y = new();
        switch (stage)
        {
            case GlobalAveragePoolStage:
            {
                RuntimeReference sums = new(RuntimeOperand.Output, 1);
                Add(
                    new RuntimeDriver(
                        "GlobalAveragePool", from, null, to, RuntimeRange.Channels(channels),
                        RuntimeCall.Of(new ClearCall(sums), Sum(sums), RuntimeFunction.Mean.Call(sums, pixels, stage.Input.Pixels)), RuntimeWork.Summed),
                    "mean over the map");
                break;
            }

            case SqueezeStage squeeze:
            {
                ScratchArena scratch = plan.NewScratch();
                RuntimeReference gate = new(RuntimeOperand.Gate, 1);
                SqueezeDriver driver = new(
                    "SqueezeExcitation", from, to, Squeeze(plan, squeeze, scratch), RuntimeCall.Of(new ClearCall(gate), Sum(gate)), RuntimeRange.Pixels(stage.Input),
                    RuntimeCall.Of(
                        RuntimeDriver.Move(RuntimeFunction.CopyPixels, from, to),
                        RuntimeFunction.ScaleChannels.Call(own, new RuntimeReference(RuntimeOperand.Gate), channels, pixels, step)));
                plan.AddStep(driver, input, null, output, scratch, Describe(squeeze));
                break;
            }

            case BatchNormStage norm:
                plan.Pack(stage, null, 0, norm.BatchNorm, new PackScaleShift(plan.Absolute(plan.Reserve(2 * padded)), PlanBuilder.WeightBytes(2 * padded)));
                Add(
                    new RuntimeDriver(
                        "ScaleShift", from, null, to, RuntimeRange.Pixels(stage.Input),
                        RuntimeCall.Of(RuntimeFunction.ScaleShift.Call(read, own, weights, weights with { Offset = padded }, channels, pixels, step))) with
                    {
                        Weights = 2 * padded,
                    },
                    "batch norm");
                break;

            case PReLUStage:
                plan.Pack(stage, null, 0, null, new PackSlopes(plan.Absolute(plan.Reserve(padded)), PlanBuilder.WeightBytes(padded)));
                Add(InPlace("PReLU", RuntimeFunction.PReLU.Call(own, weights, channels, pixels, step)) with { Weights = padded }, "PReLU");
                break;

            case LayerScaleStage scale:
                plan.Pack(stage, new PackTensor(plan.Absolute(plan.Reserve(padded)), PlanBuilder.WeightBytes(padded), scale.Scale.Key));
                Add(InPlace("Scale", RuntimeFunction.ScaleChannels.Call(own, weights, channels, pixels, step)) with { Weights = padded }, "factors by channel");
                break;

            case LayerNormStage norm:
            {
                long bytes = PlanBuilder.WeightBytes(padded);
                ArenaOffset factors = plan.Reserve(padded), bias = plan.Reserve(padded);
                plan.Pack(
                    stage, new PackTensor(plan.Absolute(factors), bytes, norm.Norm.Key.With("weight")),
                    new PackTensor(plan.Absolute(bias), bytes, norm.Norm.Key.With("bias")));
                Add(
                    new RuntimeDriver(
                        "LayerNorm", from, null, to, RuntimeRange.SinglePixels(stage.Input),
                        RuntimeCall.Of(RuntimeFunction.LayerNorm.Call(
                            read, fromStep, own, step, weights, weights with { Offset = bias.In(ElementType.Float32) }, (float)norm.Norm.Epsilon, channels, pixels)),
                        RuntimeWork.Computed),
                    "layer norm over channels");
                break;
            }

            case ActivationStage activation:
                Add(RuntimeDriver.Activation(from, to, activation.Function), $"{activation.Function}");
                break;
            case ShuffleStage shuffle:
                Add(
                    new RuntimeDriver(
                        "Shuffle", from, null, to, RuntimeRange.Pixels(stage.Input),
                        RuntimeCall.Of(RuntimeFunction.ShuffleChannels.Call(read, own, step, channels, shuffle.Groups, pixels))),
                    FormattableString.Invariant($"channel shuffle, {shuffle.Groups} groups"));
                break;
            case SoftmaxStage:
                Add(InPlace("Softmax", RuntimeFunction.Softmax.Call(own, channels) with { EachPixel = true }), "softmax over channels");
                break;
            case AddStage:
                Add(RuntimeDriver.Add(from, other!.View, to), "add");
                break;
            case MultiplyStage { ByChannel: true }:
                Add(
                    RuntimeDriver.InPlace(
                        "MultiplyByChannel", from, other!.View, to, RuntimeFunction.ScaleChannels.Call(own, new RuntimeReference(RuntimeOperand.Residual), channels, pixels, step)),
                    "multiply");
                break;
            case MultiplyStage:
                Add(RuntimeDriver.Elementwise("Multiply", RuntimeFunction.Multiply, from, other!.View, to), "multiply");
                break;
            case UpsampleStage { Upsample: var upsample }:
            {
                float rowStep = upsample.RowStep(stage.Input), columnStep = upsample.ColumnStep(stage.Input);
                FunctionCall call = upsample.Mode switch
                {
                    InterpolationMode.Nearest => RuntimeFunction.NearestRow.Call(map, fromStep, height, width, row, step, stage.Output.Width, y, rowStep, columnStep, channels),
                    InterpolationMode.Bilinear => RuntimeFunction.BilinearRow.Call(
                        map, fromStep, height, width, row, step, stage.Output.Width, y, rowStep, columnStep, upsample.AlignCorners, channels),
                    _ => throw new InvalidOperationException($"{upsample.Mode} has no function."),
                };
                Add(RuntimeDriver.EachRow("Upsample", from, to, call), $"upsampling, {upsample.Mode}");
                break;
            }

            case PixelShuffleStage shuffle:
                Add(
                    RuntimeDriver.EachRow("PixelShuffle", from, to, RuntimeFunction.PixelShuffleRow.Call(map, fromStep, width, row, step, y, shuffle.Factor, stage.Output.Channels)),
                    "pixel shuffle");
                break;
            case AdaptivePoolStage pool:
                Add(
                    RuntimeDriver.EachRow(
                        pool.IsMaximum ? "AdaptiveMaxPool" : "AdaptiveAveragePool", from, to,
                        (pool.IsMaximum ? RuntimeFunction.AdaptiveMaximumRow : RuntimeFunction.AdaptiveAverageRow).Call(
                            map, fromStep, height, width, row, step, stage.Output.Height, stage.Output.Width, y, channels)),
                    $"adaptive {(pool.IsMaximum ? "maximum" : "mean")}");
                break;
            case FlattenStage:
                // To a vector in PyTorch's order, whatever its own layout.
                Add(
                    new RuntimeDriver(
                        "Flatten", from, null, to, RuntimeRange.Pixels(stage.Input),
                        RuntimeCall.Of(RuntimeFunction.ToPlanar.Call(read, fromStep, new RuntimeReference(RuntimeOperand.Output, 1), stage.Input.Pixels, channels, pixels))),
                    "flatten");
                break;
            default:
                throw new InvalidOperationException($"{stage} has no schedule.");
        }

        return output == destination ? output : Scheduler.Deliver(plan, output, destination);

        void Add(RuntimeDriver driver, string what) => plan.AddStep(driver, input, other, output, null, StepPart.Of(stage, what));

        RuntimeDriver InPlace(string title, RuntimeCall call) => RuntimeDriver.InPlace(title, from, null, to, call);

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
                1, inputs, outputs, inputs, 0, 1, inputs, PlanBuilder.PadChannels(outputs), target.Lanes, epilogue, RegisterTiling.Choose(target, 1, vectors, panel), WorkShare.Panels);
        }

        (ArenaOffset Weights, ArenaOffset Bias) Pack(ConvolutionOperator convolution, PointwiseKernel kernel, int inputs)
        {
            int padded = target.Padded(kernel.OutChannels);
            ArenaOffset weights = plan.Reserve(padded * inputs), bias = plan.Reserve(padded), offset = weights;
            PackInstruction[] panels = ConvolutionScheduling.Panels(plan, kernel.Panels, 0, kernel.OutChannels, 0, inputs, ref offset);
            plan.Pack(stage, convolution, inputs, null, [.. panels, new PackBias(plan.Absolute(bias), PlanBuilder.WeightBytes(padded))]);
            return (weights, bias);
        }
    }

    public static StepPart Describe(SqueezeStage stage) => StepPart.Of(
        stage, FormattableString.Invariant($"squeeze-and-excitation {stage.Input.Channels} -> {stage.Reduce.OutChannels} -> {stage.Input.Channels}, {stage.Activation}, gate {stage.Gate}"));
}
