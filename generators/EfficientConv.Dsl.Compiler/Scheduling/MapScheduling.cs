using EfficientConv.Dsl.Compiler.Folding;
using EfficientConv.Dsl.Compiler.Graph;
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
        switch (stage)
        {
            case GlobalAveragePoolStage:
                plan.AddStep(new GlobalAverageDriver(input.View, output.View), input, null, output, null, StepPart.Of(stage, "mean over the map"));
                break;

            case SqueezeStage squeeze:
            {
                ScratchArena scratch = plan.NewScratch();
                SqueezePart part = Squeeze(plan, squeeze, scratch);
                plan.AddStep(new SqueezeDriver(input.View, output.View, part), input, null, output, scratch, Describe(squeeze));
                break;
            }

            case BatchNormStage norm:
            {
                int length = 2 * PlanBuilder.PadChannels(stage.Input.Channels);
                plan.Pack(stage, null, 0, norm.BatchNorm, new PackScaleShift(plan.Absolute(plan.Reserve(length)), PlanBuilder.WeightBytes(length)));
                Map(MapKind.ScaleShift, ActivationFunction.None, 1, length, "batch norm");
                break;
            }

            case PReLUStage:
            {
                int length = PlanBuilder.PadChannels(stage.Input.Channels);
                plan.Pack(stage, null, 0, null, new PackSlopes(plan.Absolute(plan.Reserve(length)), PlanBuilder.WeightBytes(length)));
                Map(MapKind.PReLU, ActivationFunction.None, 1, length, "PReLU");
                break;
            }

            case LayerScaleStage scale:
            {
                int length = PlanBuilder.PadChannels(stage.Input.Channels);
                plan.Pack(stage, new PackTensor(plan.Absolute(plan.Reserve(length)), PlanBuilder.WeightBytes(length), scale.Scale.Key));
                Map(MapKind.Scale, ActivationFunction.None, 1, length, "factors by channel");
                break;
            }

            case LayerNormStage norm:
            {
                int length = PlanBuilder.PadChannels(stage.Input.Channels);
                long bytes = PlanBuilder.WeightBytes(length);
                ArenaOffset weights = plan.Reserve(length), bias = plan.Reserve(length);
                plan.Pack(
                    stage, new PackTensor(plan.Absolute(weights), bytes, norm.Norm.Key.With("weight")),
                    new PackTensor(plan.Absolute(bias), bytes, norm.Norm.Key.With("bias")));
                plan.AddStep(
                    new LayerNormDriver(input.View, output.View, norm.Norm.Epsilon, bias), input, null, output, null,
                    StepPart.Of(stage, "layer norm over channels"));
                break;
            }

            case ActivationStage activation:
                Map(MapKind.Activation, activation.Function, 1, 0, $"{activation.Function}");
                break;
            case ShuffleStage shuffle:
                Map(MapKind.Shuffle, ActivationFunction.None, shuffle.Groups, 0, FormattableString.Invariant($"channel shuffle, {shuffle.Groups} groups"));
                break;
            case SoftmaxStage:
                Map(MapKind.Softmax, ActivationFunction.None, 1, 0, "softmax over channels");
                break;
            case AddStage:
                Map(MapKind.Add, ActivationFunction.None, 1, 0, "add");
                break;
            case MultiplyStage multiply:
                Map(multiply.ByChannel ? MapKind.MultiplyByChannel : MapKind.Multiply, ActivationFunction.None, 1, 0, "multiply");
                break;
            case UpsampleStage upsample:
                plan.AddStep(
                    new UpsampleDriver(
                        input.View, output.View, upsample.Upsample.Mode, upsample.Upsample.AlignCorners, upsample.Upsample.RowStep(stage.Input),
                        upsample.Upsample.ColumnStep(stage.Input)),
                    input, null, output, null, StepPart.Of(stage, $"upsampling, {upsample.Upsample.Mode}"));
                break;
            case PixelShuffleStage shuffle:
                plan.AddStep(new PixelShuffleDriver(input.View, output.View, shuffle.Factor), input, null, output, null, StepPart.Of(stage, "pixel shuffle"));
                break;
            case AdaptivePoolStage pool:
                plan.AddStep(
                    new AdaptivePoolDriver(input.View, output.View, pool.IsMaximum), input, null, output, null,
                    StepPart.Of(stage, $"adaptive {(pool.IsMaximum ? "maximum" : "mean")}"));
                break;
            case FlattenStage:
                Map(MapKind.Flatten, ActivationFunction.None, 1, 0, "flatten");
                break;
            default:
                throw new InvalidOperationException($"{stage} has no schedule.");
        }

        return output == destination ? output : Scheduler.Deliver(plan, output, destination);

        void Map(MapKind kind, ActivationFunction function, int groups, int weights, string what) =>
            plan.AddStep(new MapDriver(kind, input.View, other?.View, output.View, function, groups, weights), input, other, output, null, StepPart.Of(stage, what));
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
