using EfficientConv.Dsl.Compiler.Folding;
using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Model;
using EfficientConv.Dsl.Compiler.Scheduling.Nests;
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
        Effort copied = Effort.Copied(stage.Output.Count), computed = Effort.Copied(stage.Input.Count + stage.Output.Count), ofRow = Effort.Copied(computed.Values / stage.Output.Height);
        Storage map = Storage.Input, packed = Storage.Weights;
        switch (stage)
        {
            case GlobalAveragePoolStage:
                Add("mean over the map", MapNests.OverChannels(MapNests.GlobalAveragePool, from, to, channels, own =>
                {
                    Pointer sums = own.In(Storage.Output, 1);
                    return
                    [
                        new Clear(sums, own.Count), Sum(own, sums, Effort.Copied(stage.Input.Count)), RuntimeFunction.Mean.Call(sums, own.Count, stage.Input.Pixels),
                    ];
                }));
                break;

            case SqueezeStage squeeze:
            {
                ScratchArena scratch = plan.NewScratch();
                SqueezePart part = Squeeze(plan, squeeze, scratch);
                NestBuilder nest = new();
                Storage gate = nest.Bind("gate", Storage.Scratch.At(part.Sums));
                OwnUnits own = Own(nest.SplitChannels(channels));
                nest.Add(new Clear(own.In(gate, 1), own.Count));
                nest.Add(Sum(own, own.In(gate, 1), new Effort(Work.SummedAndScaled, stage.Input.Count)));
                part.AddGate(nest, gate, own, stage.Input.Pixels);
                own = Own(nest.SplitPixels(stage.Input));
                nest.Add(MapNests.Move(RuntimeFunction.CopyPixels, default, own, from, to));
                nest.Add(RuntimeFunction.ScaleChannels.Call(own.In(Storage.Output, to), gate, channels, own.Count, step));
                plan.AddStep(new LoopNest("SqueezeExcitation", from, null, to, nest.Build(), part.WeightElements), input, null, output, scratch, Describe(squeeze));
                break;
            }

            case BatchNormStage norm:
                weights = 2 * padded;
                plan.Pack(stage, new PackScaleShift(plan.Absolute(plan.Reserve(weights)), PlanBuilder.WeightBytes(weights), norm.BatchNorm));
                EachPixel("ScaleShift", "batch norm", own => RuntimeFunction.ScaleShift.Call(
                    copied, own.In(map, from), own.In(Storage.Output, to), packed, packed.At(padded), channels, own.Count, step));
                break;

            case PReLUStage { PReLU: var prelu }:
                weights = padded;
                plan.Pack(stage, null, 0, null, new PackSlopes(plan.Absolute(plan.Reserve(weights)), PlanBuilder.WeightBytes(weights), prelu));
                InPlace("PReLU", "PReLU", own => RuntimeFunction.PReLU.Call(own.In(Storage.Output, to), packed, channels, own.Count, step));
                break;

            case LayerScaleStage scale:
                weights = padded;
                plan.Pack(stage, new PackTensor(plan.Absolute(plan.Reserve(weights)), PlanBuilder.WeightBytes(weights), scale.Scale.Key));
                InPlace("Scale", "factors by channel", own => RuntimeFunction.ScaleChannels.Call(own.In(Storage.Output, to), packed, channels, own.Count, step));
                break;

            case LayerNormStage { Norm: var norm }:
            {
                long bytes = PlanBuilder.WeightBytes(padded);
                ArenaOffset factors = plan.Reserve(padded), bias = plan.Reserve(padded);
                plan.Pack(stage, new PackTensor(plan.Absolute(factors), bytes, norm.Key.With("weight")), new PackTensor(plan.Absolute(bias), bytes, norm.Key.With("bias")));
                Add("layer norm over channels", MapNests.OverPixels("LayerNorm", from, null, to, grouped: false, calls: own =>
                [
                    RuntimeFunction.LayerNorm.Call(
                        computed, own.In(map, from), fromStep, own.In(Storage.Output, to), step, packed, packed.At(bias), (float)norm.Epsilon, channels, own.Count),
                ]));
                break;
            }

            case ActivationStage activation:
                Add($"{activation.Function}", MapNests.Activation(from, to, activation.Function));
                break;
            case ShuffleStage { Groups: var groups }:
                EachPixel(
                    "Shuffle", FormattableString.Invariant($"channel shuffle, {groups} groups"),
                    own => RuntimeFunction.ShuffleChannels.Call(copied, own.In(map, from), own.In(Storage.Output, to), step, channels, groups, own.Count));
                break;
            case SoftmaxStage:
                Add("softmax over channels", MapNests.InPlace("Softmax", from, null, to, own => [Softmax(own)]));
                break;
            case AddStage:
                InPlace("Add", "add", own => MapNests.Sum(own, other!.View, to));
                break;
            case MultiplyStage { ByChannel: true }:
                InPlace("MultiplyByChannel", "multiply", own => RuntimeFunction.ScaleChannels.Call(own.In(Storage.Output, to), Storage.Residual, channels, own.Count, step));
                break;
            case MultiplyStage:
                InPlace("Multiply", "multiply", own => RuntimeFunction.Multiply.Call(own.In(Storage.Output, to), own.In(Storage.Residual, other!.View), own.Count * step));
                break;
            case UpsampleStage { Upsample: var upsample }:
                float rowStep = upsample.RowStep(stage.Input), columnStep = upsample.ColumnStep(stage.Input);
                EachRow("Upsample", $"upsampling, {upsample.Mode}", (y, row) => upsample.Mode switch
                {
                    InterpolationMode.Nearest => RuntimeFunction.NearestRow.Call(
                        ofRow, map, fromStep, height, width, row, step, stage.Output.Width, y, rowStep, columnStep, channels),
                    InterpolationMode.Bilinear => RuntimeFunction.BilinearRow.Call(
                        ofRow, map, fromStep, height, width, row, step, stage.Output.Width, y, rowStep, columnStep, upsample.AlignCorners, channels),
                    _ => throw new InvalidOperationException($"{upsample.Mode} has no function."),
                });
                break;
            case PixelShuffleStage shuffle:
                EachRow("PixelShuffle", "pixel shuffle", (y, row) => RuntimeFunction.PixelShuffleRow.Call(
                    ofRow, map, fromStep, width, row, step, y, shuffle.Factor, stage.Output.Channels));
                break;
            case AdaptivePoolStage { IsMaximum: var maximum }:
                RuntimeFunction pool = maximum ? RuntimeFunction.AdaptiveMaximumRow : RuntimeFunction.AdaptiveAverageRow;
                EachRow(
                    maximum ? "AdaptiveMaxPool" : "AdaptiveAveragePool", $"adaptive {(maximum ? "maximum" : "mean")}",
                    (y, row) => pool.Call(ofRow, map, fromStep, height, width, row, step, stage.Output.Height, stage.Output.Width, y, channels));
                break;
            case FlattenStage:
                // To a vector in PyTorch's order, whatever its own layout.
                EachPixel("Flatten", "flatten", own => RuntimeFunction.ToPlanar.Call(
                    copied, own.In(map, from), fromStep, own.In(Storage.Output, 1), stage.Input.Pixels, channels, own.Count));
                break;
            default:
                throw new InvalidOperationException($"{stage} has no schedule.");
        }

        return output == destination ? output : Scheduler.Deliver(plan, output, destination);

        void EachRow(string title, string what, Func<Variable, Storage, FunctionCall> call) => Add(what, MapNests.OverRows(title, from, to, call));

        void EachPixel(string title, string what, Func<OwnUnits, Nest> call) => Add(what, MapNests.OverPixels(title, from, other?.View, to, own => [call(own)]));

        void InPlace(string title, string what, Func<OwnUnits, Nest> call) => Add(what, MapNests.InPlace(title, from, other?.View, to, own => [call(own)]));

        void Add(string what, LoopNest nest) => plan.AddStep(nest with { WeightElements = weights }, input, other, output, null, StepPart.Of(stage, what));

        FunctionCall Sum(OwnUnits own, Pointer sums, Effort effort) =>
            RuntimeFunction.AccumulateChannels.Call(effort, own.In(map, 1), sums, own.Count, stage.Input.Pixels, fromStep);

        // Each pixel is a call of its own.
        Nest Softmax(OwnUnits own)
        {
            Variable pixel = new("p");
            return new For(
                pixel, own.First, own.First + own.Count, EquatableArray.Of<Nest>(RuntimeFunction.Softmax.Call(to.PixelAt(Storage.Output, pixel), channels)), stage.Input.Pixels);
        }
    }

    private static OwnUnits Own((Variable First, Variable Count) units) => new(units.First, units.Count);

    /// <summary>The two small products of squeeze-and-excitation and their memory; weights are packed here.</summary>
    public static SqueezePart Squeeze(PlanBuilder plan, SqueezeStage stage, ScratchArena scratch)
    {
        VectorTarget target = plan.Target;
        int channels = stage.Input.Channels, squeezed = stage.Reduce.OutChannels;
        (Epilogue reduceEpilogue, ActivationFunction activationPostOp) = Epilogue.Of(stage.Activation);
        (Epilogue expandEpilogue, ActivationFunction gatePostOp) = Epilogue.Of(stage.Gate);
        PointwiseKernel reduce = Product(channels, squeezed, reduceEpilogue), expand = Product(squeezed, channels, expandEpilogue);
        (ArenaOffset reduceWeights, ArenaOffset reduceBias) = Pack(stage.Reduce, reduce, channels);
        (ArenaOffset expandWeights, ArenaOffset expandBias) = Pack(stage.Expand, expand, squeezed);
        return new SqueezePart(
            channels, squeezed, reduce, activationPostOp, expand, gatePostOp, reduceWeights, reduceBias, expandWeights, expandBias,
            scratch.Shared(PlanBuilder.PadChannels(channels)), scratch.Shared(PlanBuilder.PadChannels(squeezed)));

        PointwiseKernel Product(int inputs, int outputs, Epilogue epilogue)
        {
            // Two panels at least, so that two threads share the weights, which come from memory or the last-level cache.
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
