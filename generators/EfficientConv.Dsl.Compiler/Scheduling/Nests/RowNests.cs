using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Model;
using EfficientConv.Dsl.Compiler.Targets;

namespace EfficientConv.Dsl.Compiler.Scheduling.Nests;

/// <summary>What a row nest is about.</summary>
/// <param name="Title">Title.</param>
/// <param name="Input">Input.</param>
/// <param name="Residual">Residual, or null.</param>
/// <param name="Output">Output.</param>
/// <param name="Kernel">The kernel for one row: <see cref="ChannelPerLaneKernel"/>, <see cref="ConvolutionKernel"/> or <see cref="PoolKernel"/>.</param>
/// <param name="Ring">The rows that it reads.</param>
/// <param name="Memory">Offset of the ring in the scratch memory.</param>
/// <param name="Bias">Offset of the bias in the weights, or null.</param>
/// <param name="WeightElements">Elements of the weights.</param>
internal sealed record RowLayer(
    string Title, TensorView Input, TensorView? Residual, TensorView Output, Kernel Kernel, RowRing Ring, ArenaOffset Memory, ArenaOffset? Bias, long WeightElements)
{
    /// <summary>The bias's name.</summary>
    public static readonly Storage FirstBias = new("bias");

    /// <summary>Rows of the output.</summary>
    public int Height => Output.Shape.Height;

    /// <summary>The nest.</summary>
    public LoopNest Nest(NestBuilder nest) => new(Title, Input, Residual, Output, nest.Build(), WeightElements);

    /// <summary>Names the bias.</summary>
    public void DeclareBias(NestBuilder nest)
    {
        if (Bias is { } bias)
            nest.Add(new Bind(FirstBias, Storage.Weights.At(bias)));
    }

    /// <summary>A call of the kernel for the window's row.</summary>
    public Call Call(Pointer output, Scalar? row = null, Pointer? weights = null, Pointer? bias = null) => new(Kernel, Ring.Begin, output)
    {
        Rows = Ring.Arguments.ToEquatableArray(),
        Weights = weights ?? (Bias is null ? null : Storage.Weights),
        Bias = bias ?? (Bias is null ? null : FirstBias),
        Residual = Residual is null || row is null ? null : Residual.RowAt(Storage.Residual, row),
    };
}

/// <summary>Loop nests of convolutions and pooling that go over the map row by row.</summary>
internal static class RowNests
{
    private static readonly Variable s_y = new("y");

    /// <summary>Row after row, of planes a row of all of them; threads share the rows, or every row where the kernel's threads share its panels.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="fill">Makes a row of the ring.</param>
    /// <param name="finish">What is done with a row.</param>
    /// <param name="outPixelStep">Floats from a pixel to the next where the kernel writes.</param>
    public static LoopNest Rows(RowLayer layer, Action<NestBuilder, Scalar, Pointer>? fill, Finish finish, int outPixelStep)
    {
        NestBuilder nest = new();
        nest.Add(new UseOwnScratch(), layer.Ring.IsRing || finish.Buffer is not null);
        layer.DeclareBias(nest);
        layer.Ring.Declare(nest, Storage.Scratch.At(layer.Memory));
        AddRows(nest, layer, fill, finish, outPixelStep);
        return layer.Nest(nest);
    }

    /// <summary>A pooling layer over rows of a convolution, which are made when its window comes to them.</summary>
    public static LoopNest StemAndPool(RowLayer layer, StemPart stem, ArenaOffset stemBias, ActivationFunction stemActivation)
    {
        NestBuilder nest = new();
        nest.Add(new UseOwnScratch());
        LayerWeights weights = BlockWeights.Declare(nest, "stem", default, stemBias);
        stem.Declare(nest, Storage.Scratch);
        layer.Ring.Declare(nest, Storage.Scratch.At(layer.Memory));
        AddRows(nest, layer, Fill, Finish.None, layer.Output.PixelStep);
        return layer.Nest(nest) with { HasStem = true };

        void Fill(NestBuilder ring, Scalar row, Pointer slot)
        {
            Storage made = ring.Bind("made", slot);
            stem.MakeRow(ring, weights, row, made);
            ring.Activate(stemActivation, made, layer.Ring.Source.RowStep, layer.Ring.Source.RowStep);
        }
    }

    /// <summary>A block of output channels of a dense convolution at a time, so that its weights stay in the second-level cache; the ring holds all rows.</summary>
    public static LoopNest WeightBlocks(VectorTarget target, RowLayer layer, ConvolutionKernel kernel, Action<NestBuilder, Scalar, Pointer>? fill, int blocks)
    {
        NestBuilder nest = new();
        nest.Add(new UseOwnScratch(), layer.Ring.IsRing);
        layer.DeclareBias(nest);
        layer.Ring.Declare(nest, Storage.Scratch.At(layer.Memory));
        Variable channels = nest.Constant("BlockChannels", kernel.OutPerGroup), block = new("block");
        Variable length = nest.Constant("BlockWeights", channels * kernel.Taps);
        nest.Comment("All rows of a block of channels, then the next block: its weights stay in the second-level cache.");
        using (nest.Parallel(block, blocks))
        using (nest.For(s_y, layer.Height))
        {
            layer.Ring.PlaceWindow(nest, s_y);
            layer.Ring.Fill(nest, layer.Ring.Axis.Reach, layer.Ring.Axis.Height / (double)(layer.Height * blocks), (row, slot) => fill!(nest, row, slot));
            Upcoming next = new(Prefetched.Given, target.Padded(kernel.OutPerGroup) * kernel.Taps, layer.Height);
            int step = PrefetchPlanning.StepOf(target, next, kernel.Steps);
            nest.Add(layer.Call(layer.Output.RowAt(Storage.Output, s_y).At(block * channels), s_y, Storage.Weights.At(block * length), RowLayer.FirstBias.At(block * channels)) with
            {
                Residual = layer.Residual is null ? null : layer.Residual.RowAt(Storage.Residual, s_y).At(block * channels),
                Given = Storage.Weights.At(((block + 1) * length) + (s_y * (step * kernel.Steps))),
                Upcoming = EquatableArray.Of(next),
            });
        }

        return layer.Nest(nest);
    }

    /// <summary>A block of channels of a depthwise convolution at a time, so that the rows under a window stay in the first-level cache.</summary>
    public static LoopNest ChannelBlocks(RowLayer layer, int blocks, int blockChannels)
    {
        NestBuilder nest = new();
        layer.DeclareBias(nest);
        Variable channels = nest.Constant("BlockChannels", blockChannels), row = new("row"), block = new("block");
        Variable taps = nest.Constant("BlockTaps", channels * (layer.Ring.Axis.Kernel * ((ChannelPerLaneKernel)layer.Kernel).Window.Kernel.Width));
        nest.Comment("All rows of a block of channels, then the next block: the rows under a window stay in the first-level cache.");
        using (nest.Parallel(row, blocks * layer.Height))
        {
            nest.Define((block, row / layer.Height), (s_y, row % layer.Height));
            layer.Ring.PlaceWindow(nest, s_y);
            Scalar first = block * channels;
            nest.Add(new Call(layer.Kernel, Storage.Input.At(first), Storage.Output.At((s_y * layer.Output.RowStep) + first))
            {
                Rows = layer.Ring.Arguments.ToEquatableArray(),
                Weights = Storage.Weights.At(block * taps),
                Bias = RowLayer.FirstBias.At(first),
                Effort = Walked(layer, blocks),
            });
        }

        return layer.Nest(nest);
    }

    private static void AddRows(NestBuilder nest, RowLayer layer, Action<NestBuilder, Scalar, Pointer>? fill, Finish finish, int outPixelStep)
    {
        int width = layer.Output.Shape.Width, values = width * layer.Output.Shape.Channels;
        bool sharesPanels = layer.Kernel is ConvolutionKernel { Share: not WorkShare.None }, planes = layer.Kernel is ProductKernel { Lanes: LaneAxis.Pixels };
        using (sharesPanels ? nest.For(s_y, layer.Height) : nest.Parallel(s_y, layer.Height))
        {
            layer.Ring.PlaceWindow(nest, s_y);
            layer.Ring.Fill(nest, layer.Ring.Rows, layer.Ring.Axis.Height / (double)layer.Height, (row, slot) => fill!(nest, row, slot));
            Pointer destination = finish.Buffer is { } buffer ? Storage.Scratch.At(buffer) : layer.Output.RowAt(Storage.Output, s_y);
            Scalar pixel = s_y * width;
            if (layer is { Residual: { } residual, Kernel: SumKernel { Epilogue.Start: AccumulatorStart.BiasAndDestination } })
                nest.Put(residual.PixelAt(Storage.Residual, pixel), residual, destination, outPixelStep, layer.Output.Shape.Channels, width, 0);
            Call call = layer.Call(destination, s_y);
            nest.Add(layer.Kernel switch
            {
                PoolKernel { IsMaximum: false } pool => call with { Rows = call.Rows.Append(CountedRows(pool, layer.Ring)).ToEquatableArray() },
                ChannelPerLaneKernel when !layer.Ring.IsRing => call with { Effort = Walked(layer, 1) },
                _ => call,
            });
            if (!planes)
                nest.Finish(finish, destination, outPixelStep, width, layer.Output, layer.Output.PixelAt(Storage.Output, pixel), values);
        }

        if (planes)
            nest.ActivateMap(finish.Activation, layer.Output);
    }

    private static Effort Walked(RowLayer layer, int blocks) => new(Work.Walked, (layer.Input.Shape.Count + layer.Output.Shape.Count) / (double)(layer.Height * blocks));

    /// <summary>Rows that count in a mean: with padding up to the padded height, else those inside the map.</summary>
    private static Scalar CountedRows(PoolKernel pool, RowRing ring)
    {
        int dilation = ring.Axis.Dilation, padded = ring.Axis.Height + ring.Axis.PadBottom;
        Variable first = ring.Window.First;
        return !pool.CountIncludePad ? ring.Window.To - ring.Window.From
            : dilation == 1 ? Scalar.Min(first + ring.Axis.Kernel, padded) - first
            : Scalar.Min(ring.Axis.Kernel, ((padded + dilation - 1) - first) / dilation);
    }
}
