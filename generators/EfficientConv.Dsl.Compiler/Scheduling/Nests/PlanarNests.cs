using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Model;
using EfficientConv.Dsl.Compiler.Targets;

namespace EfficientConv.Dsl.Compiler.Scheduling.Nests;

/// <summary>Loop nests from NCHW to NCHW.</summary>
/// <param name="target">Instruction set.</param>
/// <param name="input">Input.</param>
/// <param name="residual">Residual, or null.</param>
/// <param name="output">Output.</param>
internal sealed class PlanarNests(VectorTarget target, TensorView input, TensorView? residual, TensorView output)
{
    private static readonly Variable s_c = new("c"), s_y = new("y"), s_paddedRow = new("PaddedRow");

    private readonly NestBuilder _nest = new();
    private readonly Shape _input = input.Shape, _output = output.Shape;

    /// <summary>Depthwise convolution, channel after channel; threads share the channels.</summary>
    public LoopNest Depthwise(PlanarDepthwiseKernel kernel, PlanarPadding padding, ArenaOffset bias, ActivationFunction activation)
    {
        int rowLength = padding.Row.Length, taps = Taps(kernel.Window);
        Storage biases = _nest.Bind("bias", Storage.Weights.At(bias)), padded = _nest.Bind("padded", Pointer.Own.At(padding.Offset));
        _nest.Add(new Clear(padded, padding.Rows * rowLength));
        using (_nest.Parallel(s_c, _output.Channels))
        {
            int rows = Math.Min(_input.Height, padding.Rows - padding.PadTop);
            _nest.PadRows(target, Storage.Input.At(s_c * _input.Pixels), padded.At(padding.PadTop * rowLength), padding, _input.Width, _input.Width, rows, _input.Height);
            Call call = new(kernel, padded, Storage.Output.At(s_c * _output.Pixels)) { Weights = Storage.Weights.At(s_c * taps), Bias = biases.At(s_c) };
            AddRows(
                call, kernel.Rows, s_y, _output.Height, _output.Height / kernel.Rows,
                padded.At(s_y * (kernel.StrideHeight * rowLength)), Storage.Output.At((s_c * _output.Pixels) + (s_y * _output.Width)));
            _nest.Activate(activation, Storage.Output.At(s_c * _output.Pixels), _output.Pixels, _output.Pixels);
        }

        return Nest("PlanarDepthwise", (long)_output.Channels * taps);
    }

    /// <summary>Depthwise, then 1x1, some rows at a time: the depthwise rows of all channels never leave the cache.</summary>
    /// <param name="depthwise">Rows of one channel.</param>
    /// <param name="depthwiseActivation">Activation after it, where it is too long for an epilogue.</param>
    /// <param name="project">1x1 convolution of a step's rows.</param>
    /// <param name="projectActivation">Activation after it, where it is too long for an epilogue.</param>
    /// <param name="padding">Padding of a step's rows.</param>
    /// <param name="rows">Output rows of a step.</param>
    /// <param name="depthwiseRows">Offset of the depthwise rows in the scratch memory.</param>
    /// <param name="weights">Where the weights lie.</param>
    public LoopNest Separable(
        PlanarDepthwiseKernel depthwise, ActivationFunction depthwiseActivation, PointwiseKernel project, ActivationFunction projectActivation, PlanarPadding padding, int rows,
        ArenaOffset depthwiseRows, BlockWeights weights)
    {
        int taps = Taps(depthwise.Window), pixels = rows * _output.Width, steps = _output.Height / rows;
        Variable rowsPerStep = _nest.Constant("RowsPerStep", rows), paddedRows = _nest.Constant("PaddedRows", padding.Rows);
        _nest.Add(new DefineConstant(s_paddedRow, padding.Row.Length));
        LayerWeights first = BlockWeights.Declare(_nest, "depthwise", weights.Depthwise, weights.DepthwiseBias);
        LayerWeights second = BlockWeights.Declare(_nest, "project", weights.Project, weights.ProjectBias);
        _nest.Add(new UseOwnScratch());
        Storage padded = _nest.Bind("padded", Storage.Scratch.At(padding.Offset)), made = _nest.Bind("depthwiseRows", Storage.Scratch.At(depthwiseRows));
        _nest.Add(new Clear(padded, paddedRows * s_paddedRow));
        _nest.Blank();
        using (_nest.For(s_y, Scalar.FirstOf(steps) * rowsPerStep, Scalar.EndOf(steps) * rowsPerStep, steps, rowsPerStep))
        {
            Variable top = new("first"), from = new("from"), to = new("to"), r = new("r");
            _nest.Define((top, (s_y * depthwise.StrideHeight) - padding.PadTop));
            _nest.Define((from, Scalar.Max(0, top)));
            _nest.Define((to, Scalar.Min(_input.Height, top + paddedRows)));
            _nest.Blank();
            _nest.Comment("The rows below the map must be zero again in the last step; those above were cleared before the first.");
            using (_nest.If(Condition.Less(to, top + paddedRows)))
            {
                Scalar inside = Scalar.Max(0, to - top);
                _nest.Add(new Clear(padded.At(inside * s_paddedRow), (paddedRows - inside) * s_paddedRow));
            }

            using (_nest.For(s_c, _input.Channels))
            {
                _nest.PadRows(
                    target, Storage.Input.At((s_c * _input.Pixels) + (from * _input.Width)), padded.At((from - top) * s_paddedRow), padding, _input.Width, _input.Width, to - from,
                    _input.Height / (double)steps);
                Call call = new(depthwise, padded, made.At(s_c * pixels)) { Weights = first.Weights.At(s_c * taps), Bias = first.Bias.At(s_c) };
                AddRows(
                    call, depthwise.Rows, r, rowsPerStep, rows / depthwise.Rows,
                    padded.At(r * depthwise.StrideHeight * s_paddedRow), made.At((s_c * pixels) + (r * _output.Width)));
            }

            _nest.Activate(depthwiseActivation, made, _input.Channels * pixels, _input.Channels * pixels);
            _nest.Add(new Call(project, made, Storage.Output.At(s_y * _output.Width))
            {
                Weights = second.Weights,
                Bias = second.Bias,
                Residual = residual is null ? null : Storage.Residual.At(s_y * _output.Width),
            });
        }

        _nest.ActivateMap(projectActivation, output);
        return Nest("PlanarSeparable", (long)_input.Channels * (_output.Channels + taps)) with { Form = FormattableString.Invariant($"{rows} {(rows == 1 ? "row" : "rows")}") };
    }

    /// <summary>Depthwise convolution without a padded copy. Planes at the ends of the map have no neighbours for their vectors to reach into: they are copied.</summary>
    /// <param name="kernel">The kernel, for any number of channels.</param>
    /// <param name="bias">Offset of the bias in the weights.</param>
    /// <param name="before">Floats before a plane that its vectors reach.</param>
    /// <param name="after">Floats after a plane that its vectors reach.</param>
    /// <param name="room">Offset in the scratch memory of a copy of a plane, with room on both sides; null without reach.</param>
    /// <param name="activation">Activation where it is too long for an epilogue.</param>
    public LoopNest UnpaddedDepthwise(UnpaddedDepthwiseKernel kernel, ArenaOffset bias, int before, int after, ArenaOffset? room, ActivationFunction activation)
    {
        int channels = _output.Channels, taps = Taps(kernel.Window), front = Math.Min(channels, Planes(before)), back = Math.Min(channels - front, Planes(after));
        Variable channel = new("channel"), end = new("end"), first = new("first"), last = new("last");
        Storage biases = _nest.Bind("bias", Storage.Weights.At(bias)), copy = new("copy");
        _nest.Define((channel, Scalar.FirstOf(channels)), (end, Scalar.EndOf(channels)));
        if (room is { } offset && front + back > 0)
        {
            _nest.Comment("The kernel reads a few values beside its plane: at the ends of the map from a copy.");
            _nest.Add(new Bind(copy, Pointer.Own.At(offset.In(ElementType.Float32) + before)));
        }

        if (front > 0)
            Copied(channel, Scalar.Min(end, front), front);
        if (channels > front + back)
        {
            _nest.Define((first, front > 0 ? Scalar.Max(channel, front) : channel), (last, back > 0 ? Scalar.Min(end, channels - back) : end));
            using (_nest.If(Condition.Less(first, last)))
                _nest.Add(Kernel(Storage.Input.At(first * _input.Pixels), first, last - first, channels - front - back));
        }

        if (back > 0)
            Copied(Scalar.Max(channel, channels - back), end, back);
        _nest.Activate(activation, Storage.Output.At(channel * _output.Pixels), (end - channel) * _output.Pixels, _output.Count);
        return Nest("UnpaddedDepthwise", (long)channels * taps);

        int Planes(int floats) => (floats + _input.Pixels - 1) / _input.Pixels;

        void Copied(Scalar from, Scalar to, int planes)
        {
            using (_nest.For(s_c, from, to, planes))
            {
                _nest.Call(RuntimeFunction.CopyPixels, default, Storage.Input.At(s_c * _input.Pixels), _input.Pixels, copy, _input.Pixels, _input.Pixels, 1);
                _nest.Add(Kernel(copy, s_c, 1, 1));
            }
        }

        Call Kernel(Pointer plane, Scalar at, Scalar count, int times) => new(kernel, plane, Storage.Output.At(at * _output.Pixels))
        {
            Weights = Storage.Weights.At(at * taps),
            Bias = biases.At(at),
            Count = count,
            Times = times,
        };
    }

    /// <summary>One call where it makes all rows of a channel, else a loop over them.</summary>
    /// <param name="call">The call for the first rows.</param>
    /// <param name="rows">Rows of a call.</param>
    /// <param name="row">The loop's index.</param>
    /// <param name="end">Rows of the channel.</param>
    /// <param name="calls">Calls.</param>
    /// <param name="input">What the call for <paramref name="row"/> reads.</param>
    /// <param name="output">What it writes.</param>
    private void AddRows(Call call, int rows, Variable row, Scalar end, int calls, Pointer input, Pointer output)
    {
        if (calls == 1)
        {
            _nest.Add(call);
            return;
        }

        using (_nest.For(row, 0, end, calls, rows))
            _nest.Add(call with { Input = input, Output = output });
    }

    private LoopNest Nest(string title, long weights) => new(title, input, residual, output, _nest.Build(), weights);

    private static int Taps(RowWindow window) => window.Kernel.Height * window.Kernel.Width;
}
