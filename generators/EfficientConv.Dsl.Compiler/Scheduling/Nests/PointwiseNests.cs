using EfficientConv.Dsl.Compiler.Model;
using EfficientConv.Dsl.Compiler.Targets;

namespace EfficientConv.Dsl.Compiler.Scheduling.Nests;

/// <summary>Loop nests of 1x1 convolutions: the whole map in one call, or chunks of pixels, or blocks of output channels.</summary>
/// <param name="target">Instruction set.</param>
/// <param name="input">Input.</param>
/// <param name="residual">Residual, or null.</param>
/// <param name="output">Output.</param>
/// <param name="kernel">The kernel for one chunk or block.</param>
/// <param name="bias">Offset of the bias in the weights.</param>
/// <param name="finish">What is done with what the kernel has made.</param>
internal sealed class PointwiseNests(VectorTarget target, TensorView input, TensorView? residual, TensorView output, PointwiseKernel kernel, ArenaOffset bias, Finish finish)
{
    /// <summary>Title of these nests.</summary>
    public const string Title = "Pointwise";

    private bool ArePlanes => kernel.Lanes == LaneAxis.Pixels;

    private readonly NestBuilder _nest = new();

    /// <summary>Threads share the tiles or panels of one call.</summary>
    public LoopNest Whole()
    {
        Storage first = _nest.Bind("bias", Storage.Weights.At(bias));
        Pointer map = finish.Buffer is { } buffer ? Storage.Scratch.At(buffer) : Storage.Output;
        SharedMap shared = new(_nest, residual, output, kernel, finish, map);
        if (shared.Begin())
            _nest.Barrier();
        _nest.Add(new Call(kernel, Storage.Input, map)
        {
            Weights = Storage.Weights,
            Bias = first,
            Residual = Storage.Residual,
            Given = ArePlanes ? null : Storage.Next,
            Upcoming = ArePlanes ? NextPlanes() : NextResidual(),
        });
        shared.End();
        return Nest();
    }

    /// <summary>A chunk of pixels after the other, so that what goes over it again finds it in the first-level cache; threads share the chunks.</summary>
    public LoopNest Chunks(int chunks)
    {
        Storage first = _nest.Bind("bias", Storage.Weights.At(bias));
        _nest.Add(new UseOwnScratch(), finish.Buffer is not null);
        Variable chunk = new("chunk");
        using (_nest.Parallel(chunk, chunks))
        {
            Variable pixel = _nest.Define("pixel", chunk * kernel.Pixels);
            Pointer destination = finish.Buffer is { } buffer ? Storage.Scratch.At(buffer) : output.PixelAt(Storage.Output, pixel);
            double values = output.Shape.Count / (double)chunks;
            if (residual is not null && kernel.Epilogue.Start == AccumulatorStart.BiasAndDestination)
                _nest.Put(residual.PixelAt(Storage.Residual, pixel), residual, destination, kernel.OutRowStep, output.Shape.Channels, kernel.Pixels, values);
            _nest.Add(new Call(kernel, input.PixelAt(Storage.Input, pixel), destination)
            {
                Weights = Storage.Weights,
                Bias = first,
                Residual = residual?.PixelAt(Storage.Residual, pixel),
            });
            _nest.Finish(finish, destination, kernel.OutRowStep, kernel.Pixels, output, output.PixelAt(Storage.Output, pixel), values);
        }

        return Nest();
    }

    /// <summary>A block of output channels after the other: each weight is read once, and the block is transposed while it is near the core; threads share the blocks.</summary>
    public LoopNest ChannelBlocks(int blocks)
    {
        Storage first = _nest.Bind("bias", Storage.Weights.At(bias));
        Variable channels = _nest.Constant("BlockChannels", kernel.OutChannels), b = new("b");
        Storage? made = finish.Buffer is { } buffer ? _nest.Bind("block", Pointer.Own.At(buffer)) : null;
        using (_nest.Parallel(b, blocks))
        {
            Scalar channel = b * channels;
            _nest.Add(new Call(kernel, Storage.Input, made ?? Storage.Output.At(channel))
            {
                Weights = Storage.Weights.At(channel * kernel.InChannels),
                Bias = first.At(channel),
                Residual = Storage.Residual.At(channel),
                Upcoming = EquatableArray.Of(PrefetchPlanning.NextBlock(target, kernel, 1)),
            });
            if (made is not null)
            {
                TensorView block = output with { Shape = output.Shape with { Channels = kernel.OutChannels } };
                _nest.Finish(
                    finish, made, kernel.OutRowStep, kernel.Pixels, block, Storage.Output.At(channel * output.ChannelStep), output.Shape.Count / (double)blocks);
            }
        }

        return Nest();
    }

    private LoopNest Nest() => new(ArePlanes ? "PlanarPointwise" : Title, input, residual, output, _nest.Build(), (long)kernel.InChannels * output.Shape.Channels);

    /// <summary>Planes lie in as many places as there are channels, too many for the processor to foresee.</summary>
    private EquatableArray<Upcoming> NextPlanes()
    {
        Upcoming planes = new(Prefetched.Input, 0) { Step = 0, FarBytes = input.Bytes };
        return residual is null ? EquatableArray.Of(planes) : EquatableArray.Of(planes, new Upcoming(Prefetched.Residual, 0) { Step = 0, FarBytes = output.Bytes });
    }

    /// <summary>The next tile's residual, where the map that it is a part of has left the second-level cache, for a product whose threads share tiles.</summary>
    private EquatableArray<Upcoming> NextResidual()
    {
        if (residual is null || !kernel.Epilogue.AddsResidual || kernel.Share != WorkShare.Tiles || kernel.Panels.Count > 1)
            return [];
        int tile = kernel.Panels[0].Tiles.Max(run => run.Rows) * kernel.Epilogue.ResidualPixelStep;
        return EquatableArray.Of(new Upcoming(Prefetched.Residual, tile) { Steps = kernel.Panels.Sum(run => run.Count) * kernel.InChannels, FarBytes = residual.Bytes });
    }
}

/// <summary>A map that threads make together: what each moves before and after is pixels of its own.</summary>
/// <param name="nest">The nest.</param>
/// <param name="residual">Residual, or null.</param>
/// <param name="output">Output.</param>
/// <param name="kernel">The kernel that makes it.</param>
/// <param name="finish">What is done with what it made.</param>
/// <param name="map">Where it makes it.</param>
internal sealed class SharedMap(NestBuilder nest, TensorView? residual, TensorView output, ProductKernel kernel, Finish finish, Pointer map)
{
    private OwnUnits _own = new(0, 0);

    /// <summary>Declares a thread's pixels where it moves some, and among them a residual that is put where the kernel will find it; whether there is one.</summary>
    public bool Begin()
    {
        bool put = residual is not null && kernel.Epilogue.Start == AccumulatorStart.BiasAndDestination;
        if (put || !(finish.IsNone || kernel.Lanes == LaneAxis.Pixels))
            _own = nest.SplitPixels(output.Shape);
        if (put)
        {
            nest.Put(
                residual!.PixelAt(Storage.Residual, _own.First), residual!, map.At(_own.First * kernel.OutRowStep), kernel.OutRowStep, output.Shape.Channels, _own.Count, output.Shape.Count);
        }

        return put;
    }

    /// <summary>When all threads have computed the map together: activation and layout, a range of pixels each; of planes, which are never moved, a range of values.</summary>
    public void End()
    {
        if (finish.IsNone)
            return;
        if (kernel.Lanes == LaneAxis.Pixels)
        {
            nest.ActivateMap(finish.Activation, output);
            return;
        }

        nest.Barrier();
        nest.Finish(finish, map.At(_own.First * kernel.OutRowStep), kernel.OutRowStep, _own.Count, output, output.PixelAt(Storage.Output, _own.First), output.Shape.Count);
    }
}
