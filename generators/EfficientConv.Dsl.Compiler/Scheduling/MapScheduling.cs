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
        if (SchedulePlanes(plan, stage, slots, destination) is { } planes)
            return planes;

        if (stage is ActivationStage { Function: var function } && destination is { View: { IsTight: true, IsPadded: false } })
        {
            plan.BeginStep();
            return Scheduler.DeliverActivated(plan, slots[stage.Inputs[0]], destination, function, StepPart.Of(stage, $"{function}"));
        }

        // Functions with one stride for what they read and what they write need one layout.
        bool oneStride = stage is BatchNormStage or ShuffleStage;
        TensorSlot input = oneStride ? Scheduler.Plain(plan, slots[stage.Inputs[0]]) : Scheduler.Padded(plan, slots[stage.Inputs[0]]);
        TensorSlot? other = stage is AddStage or MultiplyStage ? Scheduler.Plain(plan, slots[stage.Inputs[1]]) : null;
        bool writesOutput = oneStride || other is not null ? destination is not null && Scheduler.IsPlain(destination) : destination is { View: { IsPadded: true, IsDense: true } };
        TensorSlot output = writesOutput ? destination! : plan.NewTensor(stage.Output);
        plan.BeginStep();
        new MapLayer(plan, stage, input, other, output).Schedule();
        return output == destination ? output : Scheduler.Deliver(plan, output, destination);
    }

    /// <summary>
    /// Functions of single values between planes, which nothing has to turn: where the output is planes, or where a pixel's few channels would leave most lanes empty.
    /// Null for what does not fit.
    /// </summary>
    private static TensorSlot? SchedulePlanes(PlanBuilder plan, Stage stage, IReadOnlyDictionary<int, TensorSlot> slots, TensorSlot? destination)
    {
        TensorSlot input = slots[stage.Inputs[0]];
        TensorSlot? other = stage is AddStage or MultiplyStage { ByChannel: false } ? slots[stage.Inputs[1]] : null;
        bool isNarrow = stage.Output.Channels <= PlanarScheduling.NarrowChannels && stage.Output.Pixels > 1;
        bool fits = input.View is { IsPlanar: true, IsTight: true } && (destination is null ? isNarrow : destination.View is { IsPlanar: true, IsTight: true });
        if (!fits || (other is not null && !(other.View is { IsPlanar: true, IsTight: true } && other.View.Shape == stage.Output)))
            return null;
        TensorSlot Output() => destination ?? plan.NewPlanarTensor(stage.Output);
        switch (stage)
        {
            case ActivationStage { Function: var function } when destination is null:
                plan.BeginStep();
                return Scheduler.DeliverActivated(plan, input, Output(), function, StepPart.Of(stage, $"{function}"));
            case BatchNormStage or PReLUStage or AddStage or MultiplyStage { ByChannel: false }:
                TensorSlot output = Output();
                plan.BeginStep();
                new MapLayer(plan, stage, input, other, output).SchedulePlanes();
                return output;
            default:
                return null;
        }
    }

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

/// <summary>A layer of the runtime's functions alone, with the layouts that it reads and writes.</summary>
/// <param name="plan">The plan.</param>
/// <param name="stage">The layer.</param>
/// <param name="input">What it reads.</param>
/// <param name="other">What else it reads, or null.</param>
/// <param name="output">What it writes.</param>
internal sealed class MapLayer(PlanBuilder plan, Stage stage, TensorSlot input, TensorSlot? other, TensorSlot output)
{
    private readonly TensorView _from = input.View, _to = output.View;
    private readonly Shape _in = stage.Input, _out = stage.Output;
    private readonly int _channels = stage.Input.Channels, _padded = PlanBuilder.PadChannels(stage.Input.Channels), _step = output.View.PixelStep;
    private readonly Effort _copied = Effort.Copied(stage.Output.Count), _computed = Effort.Copied(stage.Input.Count + stage.Output.Count);

    private int _weights;

    /// <summary>Adds its step.</summary>
    public void Schedule()
    {
        switch (stage)
        {
            case GlobalAveragePoolStage:
                Add("mean over the map", MapNests.OverChannels(MapNests.GlobalAveragePool, _from, _to, _channels, Mean));
                break;
            case SqueezeStage squeeze:
                AddSqueeze(squeeze);
                break;
            case BatchNormStage or PReLUStage or LayerScaleStage or LayerNormStage:
                AddByChannel();
                break;
            case ActivationStage { Function: var function }:
                Add($"{function}", MapNests.Activation(_from, _to, function));
                break;
            case ShuffleStage { Groups: var groups }:
                EachPixel(
                    "Shuffle", FormattableString.Invariant($"channel shuffle, {groups} groups"),
                    own => RuntimeFunction.ShuffleChannels.Call(_copied, In(own), Out(own), _step, _channels, groups, own.Count));
                break;
            case SoftmaxStage:
                InPlace("Softmax", "softmax over channels", Softmax);
                break;
            case AddStage:
                InPlace("Add", "add", own => MapNests.Sum(own, other!.View, _to));
                break;
            case MultiplyStage { ByChannel: true }:
                InPlace("MultiplyByChannel", "multiply", own => RuntimeFunction.ScaleChannels.Call(Out(own), Storage.Residual, _channels, own.Count, _step));
                break;
            case MultiplyStage:
                InPlace("Multiply", "multiply", own => RuntimeFunction.Multiply.Call(Out(own), own.In(Storage.Residual, other!.View), own.Count * _step));
                break;
            case UpsampleStage or PixelShuffleStage or AdaptivePoolStage:
                AddRows();
                break;
            case FlattenStage:
                // To a vector in PyTorch's order, whatever its own layout.
                EachPixel("Flatten", "flatten", own => RuntimeFunction.ToPlanar.Call(
                    _copied, In(own), _from.PixelStep, own.In(Storage.Output, 1), _in.Pixels, _channels, own.Count));
                break;
            default:
                throw new InvalidOperationException($"{stage} has no schedule.");
        }
    }

    /// <summary>Adds its step, from planes to planes.</summary>
    public void SchedulePlanes()
    {
        Storage packed = Storage.Weights;
        switch (stage)
        {
            case BatchNormStage norm:
                plan.Pack(stage, new PackScaleShift(Reserve(2 * _padded), PlanBuilder.WeightBytes(2 * _padded), norm.BatchNorm));
                EachPixel("PlanarScaleShift", "batch norm", own => RuntimeFunction.ScaleShiftPlanes.Call(
                    _copied, In(own), _from.ChannelStep, Out(own), _to.ChannelStep, packed, packed.At(_padded), _channels, own.Count));
                break;
            case PReLUStage { PReLU: var prelu }:
                plan.Pack(stage, new PackSlopes(Reserve(_padded), PlanBuilder.WeightBytes(_padded), prelu));
                EachPixel("PlanarPReLU", "PReLU", own => RuntimeFunction.PReLUPlanes.Call(
                    _copied, In(own), _from.ChannelStep, Out(own), _to.ChannelStep, packed, _channels, own.Count));
                break;
            case AddStage:
                Add("add", MapNests.OfValues("PlanarAdd", _from, other!.View, _to, RuntimeFunction.Add));
                break;
            case MultiplyStage:
                Add("multiply", MapNests.OfValues("PlanarMultiply", _from, other!.View, _to, RuntimeFunction.Multiply));
                break;
            default:
                throw new InvalidOperationException($"{stage} is no function of single values.");
        }
    }

    /// <summary>Functions with weights for each channel.</summary>
    private void AddByChannel()
    {
        Storage packed = Storage.Weights;
        switch (stage)
        {
            case BatchNormStage norm:
                plan.Pack(stage, new PackScaleShift(Reserve(2 * _padded), PlanBuilder.WeightBytes(2 * _padded), norm.BatchNorm));
                EachPixel("ScaleShift", "batch norm", own => RuntimeFunction.ScaleShift.Call(
                    _copied, In(own), Out(own), packed, packed.At(_padded), _channels, own.Count, _step));
                break;
            case PReLUStage { PReLU: var prelu }:
                plan.Pack(stage, new PackSlopes(Reserve(_padded), PlanBuilder.WeightBytes(_padded), prelu));
                InPlace("PReLU", "PReLU", own => RuntimeFunction.PReLU.Call(Out(own), packed, _channels, own.Count, _step));
                break;
            case LayerScaleStage scale:
                plan.Pack(stage, new PackTensor(Reserve(_padded), PlanBuilder.WeightBytes(_padded), scale.Scale.Key));
                InPlace("Scale", "factors by channel", own => RuntimeFunction.ScaleChannels.Call(Out(own), packed, _channels, own.Count, _step));
                break;
            case LayerNormStage { Norm: var norm }:
                long bytes = PlanBuilder.WeightBytes(_padded);
                ArenaOffset factors = plan.Reserve(_padded), bias = plan.Reserve(_padded);
                plan.Pack(stage, new PackTensor(plan.Absolute(factors), bytes, norm.Key.With("weight")), new PackTensor(plan.Absolute(bias), bytes, norm.Key.With("bias")));
                Add("layer norm over channels", MapNests.OverPixels("LayerNorm", _from, null, _to, grouped: false, calls: own =>
                [
                    RuntimeFunction.LayerNorm.Call(
                        _computed, In(own), _from.PixelStep, Out(own), _step, packed, packed.At(bias), (float)norm.Epsilon, _channels, own.Count),
                ]));
                break;
            default:
                throw new InvalidOperationException($"{stage} has no weights by channel.");
        }
    }

    /// <summary>Functions that make a row of the output of the whole input.</summary>
    private void AddRows()
    {
        Effort effort = Effort.Copied(_computed.Values / _out.Height);
        int height = _in.Height, width = _in.Width, fromStep = _from.PixelStep;
        Storage map = Storage.Input;
        switch (stage)
        {
            case UpsampleStage { Upsample: var upsample }:
                float rowStep = upsample.RowStep(_in), columnStep = upsample.ColumnStep(_in);
                EachRow("Upsample", $"upsampling, {upsample.Mode}", (y, row) => upsample.Mode switch
                {
                    InterpolationMode.Nearest => RuntimeFunction.NearestRow.Call(
                        effort, map, fromStep, height, width, row, _step, _out.Width, y, rowStep, columnStep, _channels),
                    InterpolationMode.Bilinear => RuntimeFunction.BilinearRow.Call(
                        effort, map, fromStep, height, width, row, _step, _out.Width, y, rowStep, columnStep, upsample.AlignCorners, _channels),
                    _ => throw new InvalidOperationException($"{upsample.Mode} has no function."),
                });
                break;
            case PixelShuffleStage shuffle:
                EachRow("PixelShuffle", "pixel shuffle", (y, row) => RuntimeFunction.PixelShuffleRow.Call(
                    effort, map, fromStep, width, row, _step, y, shuffle.Factor, _out.Channels));
                break;
            case AdaptivePoolStage { IsMaximum: var maximum }:
                RuntimeFunction pool = maximum ? RuntimeFunction.AdaptiveMaximumRow : RuntimeFunction.AdaptiveAverageRow;
                EachRow(
                    maximum ? "AdaptiveMaxPool" : "AdaptiveAveragePool", $"adaptive {(maximum ? "maximum" : "mean")}",
                    (y, row) => pool.Call(effort, map, fromStep, height, width, row, _step, _out.Height, _out.Width, y, _channels));
                break;
            default:
                throw new InvalidOperationException($"{stage} makes no rows.");
        }
    }

    private void AddSqueeze(SqueezeStage squeeze)
    {
        ScratchArena scratch = plan.NewScratch();
        SqueezePart part = MapScheduling.Squeeze(plan, squeeze, scratch);
        NestBuilder nest = new();
        Storage gate = nest.Bind("gate", Storage.Scratch.At(part.Sums));
        OwnUnits own = nest.SplitChannels(_channels);
        nest.Add(new Clear(own.In(gate, 1), own.Count));
        nest.Add(Sum(own, own.In(gate, 1), new Effort(Work.SummedAndScaled, _in.Count)));
        part.AddGate(nest, gate, own, _in.Pixels);
        own = nest.SplitPixels(_in);
        nest.Add(MapNests.Move(RuntimeFunction.CopyPixels, default, own, _from, _to));
        nest.Add(RuntimeFunction.ScaleChannels.Call(Out(own), gate, _channels, own.Count, _step));
        LoopNest whole = new("SqueezeExcitation", _from, null, _to, nest.Build(), part.WeightElements);
        plan.AddStep(whole, input, null, output, scratch, MapScheduling.Describe(squeeze));
    }

    private IEnumerable<Nest> Mean(OwnUnits own)
    {
        Pointer sums = own.In(Storage.Output, 1);
        return [new Clear(sums, own.Count), Sum(own, sums, Effort.Copied(_in.Count)), RuntimeFunction.Mean.Call(sums, own.Count, _in.Pixels)];
    }

    /// <summary>Each pixel is a call of its own.</summary>
    private For Softmax(OwnUnits own)
    {
        Variable pixel = new("p");
        FunctionCall call = RuntimeFunction.Softmax.Call(_to.PixelAt(Storage.Output, pixel), _channels);
        return new For(pixel, own.First, own.First + own.Count, EquatableArray.Of<Nest>(call), _in.Pixels);
    }

    private FunctionCall Sum(OwnUnits own, Pointer sums, Effort effort) =>
        RuntimeFunction.AccumulateChannels.Call(effort, own.In(Storage.Input, 1), sums, own.Count, _in.Pixels, _from.PixelStep);

    private Pointer In(OwnUnits own) => own.In(Storage.Input, _from);

    private Pointer Out(OwnUnits own) => own.In(Storage.Output, _to);

    /// <summary>Weights of the step, which count as what it reads.</summary>
    private ArenaOffset Reserve(int count)
    {
        _weights = count;
        return plan.Absolute(plan.Reserve(count));
    }

    private void EachRow(string title, string what, Func<Variable, Storage, FunctionCall> call) => Add(what, MapNests.OverRows(title, _from, _to, call));

    private void EachPixel(string title, string what, Func<OwnUnits, Nest> call) => Add(what, MapNests.OverPixels(title, _from, other?.View, _to, own => [call(own)]));

    private void InPlace(string title, string what, Func<OwnUnits, Nest> call) => Add(what, MapNests.InPlace(title, _from, other?.View, _to, own => [call(own)]));

    private void Add(string what, LoopNest nest) => plan.AddStep(nest with { WeightElements = _weights }, input, other, output, null, StepPart.Of(stage, what));
}
