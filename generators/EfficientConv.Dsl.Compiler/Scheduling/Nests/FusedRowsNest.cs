using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Model;

namespace EfficientConv.Dsl.Compiler.Scheduling.Nests;

/// <summary>
/// The layer before a depthwise layer, whose rows come into a ring: an expansion, a stem, or nothing but a copy of the input's rows.
/// </summary>
/// <param name="Expand">Expansion of one row into one slab, or null.</param>
/// <param name="Stem">What makes the rows in place of an expansion, or null; then there is one slab.</param>
/// <param name="Activation">Activation after it, where it is too long for an epilogue.</param>
/// <param name="Map">The map whose rows it makes.</param>
internal sealed record RingLayer(PointwiseKernel? Expand, StemPart? Stem, ActivationFunction Activation, Shape Map)
{
    /// <summary>The layer's name in the text, or null for a copy.</summary>
    public string? Name => Stem is not null ? "stem" : Expand is not null ? "expand" : null;
}

/// <summary>
/// Expand, depthwise, project with rows outside and slabs of hidden channels inside: the expanded rows live in a ring per slab, of which each row is made once. With
/// squeeze-and-excitation the depthwise rows of the whole map are kept, and projected when the gate is known.
/// </summary>
/// <param name="tensors">The block's tensors.</param>
/// <param name="hidden">Channels between its layers.</param>
/// <param name="front">The layer before the depthwise one; null where that reads the input.</param>
/// <param name="depthwise">The depthwise layer.</param>
/// <param name="gate">Squeeze-and-excitation, or null.</param>
/// <param name="project">Projection of one step's rows.</param>
/// <param name="finish">What is done with what it made.</param>
/// <param name="weights">Where the weights lie.</param>
/// <param name="rows">Output rows of a step.</param>
/// <param name="ring">Offset of the rings in the scratch memory.</param>
/// <param name="depthwiseRows">Offset of the depthwise rows in the scratch memory.</param>
internal sealed class FusedRowsNest(
    BlockTensors tensors, HiddenChannels hidden, RingLayer? front, DepthwiseLayer depthwise, BlockGate? gate, PointwiseKernel project, Finish finish, BlockWeights weights, int rows,
    ArenaOffset ring, ArenaOffset depthwiseRows)
{
    private readonly NestBuilder _nest = new();
    private readonly RowSource _source = depthwise.Kernel.Source;
    private readonly int _width = tensors.Output.Shape.Width, _steps = tensors.Output.Shape.Height / rows;
    private readonly bool _slabbed = hidden.Slabs > 1;
    private readonly Variable _y = new("y"), _row = new("row"), _slab = new("slab"), _firstRow = new("firstRow"), _endRow = new("endRow"), _loaded = new("loaded");
    private readonly Variable _rowsPerStep = new("RowsPerStep"), _slabChannels = new("SlabChannels"), _ringRows = new("RingRows"), _expandedRow = new("ExpandedRow");
    private readonly Variable _depthwiseRow = new("DepthwiseRow"), _slabs = new("Slabs"), _slabTaps = new("SlabTaps");
    private readonly Storage _ring = new("ring"), _rings = new("rings"), _own = new("own");

    /// <summary>Rows from the step's first output row on that its last window reaches.</summary>
    private readonly int _reach = ((rows - 1) * depthwise.Axis.Stride) + depthwise.Axis.Reach - depthwise.Axis.PadTop;

    private Storage? _buffer, _gate;
    private Storage _depthwiseRows = new("depthwiseRows");
    private LayerWeights? _front, _depthwise, _project;

    private int StepPixels => rows * _width;

    private bool IsInterleaved => depthwise.Kernel.Epilogue.Store == StoreForm.Interleaved;

    /// <summary>Whether the projection adds the stem's rows, which lie in the ring; a step is one row then.</summary>
    private bool AddsExpanded => tensors.Residual is null && project.Epilogue.AddsResidual;

    /// <summary>The nest.</summary>
    public LoopNest Build()
    {
        DeclareSizes();
        DeclareMemory();
        Scalar step = rows;
        _nest.Define((_firstRow, Scalar.FirstOf(_steps) * step), (_endRow, Scalar.EndOf(_steps) * step));
        if (front is not null)
            _nest.Define((_loaded, Scalar.Max(0, (_firstRow * depthwise.Axis.Stride) - depthwise.Axis.PadTop)));
        front?.Stem?.Declare(_nest, _own);
        _nest.Blank();
        using (_nest.For(_y, _firstRow, _endRow, _steps, rows > 1 ? _rowsPerStep : 1))
        {
            AddDepthwise();
            if (gate is null)
                AddProjection();
            else
                Accumulate(FirstThread, StepRows(), IsInterleaved ? StepPixels / 2 : StepPixels);
        }

        if (gate is not null)
            AddGate(gate);
        int taps = front?.Stem?.Kernel.Taps ?? front?.Expand?.InChannels ?? 0;
        return new LoopNest(
            tensors.Title, tensors.Input, tensors.Residual, tensors.Output, _nest.Build(),
            ((long)hidden.Count * (tensors.Output.Shape.Channels + taps + depthwise.Taps)) + (gate?.Squeeze.WeightElements ?? 0))
        {
            Form = FormattableString.Invariant($"{rows} {(rows == 1 ? "row" : "rows")}, slab {hidden.Slab}"),
            HasStem = front?.Stem is not null,
        };
    }

    private static Condition FirstThread => Condition.Equal(Scalar.PartIndex, 0);

    private void DeclareSizes()
    {
        if (rows > 1 || gate is not null)
            _nest.Add(new DefineConstant(_depthwiseRow, new Computed('*', _width, hidden.Padded)));
        _nest.Add(new DefineConstant(_rowsPerStep, rows), rows > 1);
        if (_slabbed)
        {
            _nest.Add(new DefineConstant(_slabs, hidden.Slabs));
            _nest.Add(new DefineConstant(_slabChannels, hidden.Slab));
            _nest.Add(new DefineConstant(_slabTaps, _slabChannels * depthwise.Taps));
        }

        if (front is null)
            return;
        _nest.Add(new DefineConstant(_ringRows, _source.RingRows));
        _nest.Add(new DefineConstant(_expandedRow, new Computed('*', _source.RowStep / _source.PixelStep, _source.PixelStep)));
    }

    private void DeclareMemory()
    {
        if (front?.Name is { } name)
            _front = BlockWeights.Declare(_nest, name, weights.Expand, weights.ExpandBias);
        _depthwise = BlockWeights.Declare(_nest, "depthwise", weights.Depthwise, weights.DepthwiseBias);
        _project = BlockWeights.Declare(_nest, "project", weights.Project, weights.ProjectBias);
        if (front is not null || finish.Buffer is not null || gate is null or { Weights: not null })
            _nest.Add(new Bind(_own, Pointer.Own));
        if (front is not null)
            _nest.Add(new Bind(_rings, _own.At(ring)));
        _depthwiseRows = _nest.Bind("depthwiseRows", (gate is null ? _own : Storage.Scratch).At(depthwiseRows));
        if (finish.Buffer is { } buffer)
            _buffer = _nest.Bind("outputRows", _own.At(buffer));
        if (gate is { Squeeze: var squeeze })
        {
            _gate = _nest.Bind("gate", Storage.Scratch.At(squeeze.Sums));
            _nest.Comment("The channel sums run over the rows from top to bottom: the first thread's as it goes, then the others' one after the other.");
            using (_nest.If(FirstThread))
                _nest.Add(new Clear(_gate, squeeze.PaddedChannels));
        }

        // Zero columns stay what they are.
        if (_source.Left + _source.Right > 0)
            _nest.Add(new Clear(_rings, _slabbed ? _slabs * _ringRows * _expandedRow : _ringRows * _expandedRow));
    }

    /// <summary>The depthwise rows of a step, after the rows that they reach.</summary>
    private void AddDepthwise()
    {
        Variable needed = new("needed");
        if (front is not null)
            _nest.Define((needed, Scalar.Min(front.Map.Height, (_y * depthwise.Axis.Stride) + _reach)));
        using (_slabbed ? _nest.For(_slab, 0, _slabs, hidden.Slabs) : null)
        {
            if (front is not null)
            {
                _nest.Add(new Bind(_ring, _slabbed ? _rings.At(_slab * _ringRows * _expandedRow) : _rings));
                using (_nest.For(_row, _loaded, needed, front.Map.Height / (double)_steps))
                    MakeExpandedRow(front);
            }

            Variable r = new("r");
            using (rows > 1 ? _nest.For(r, 0, _rowsPerStep, rows) : null)
                AddDepthwiseRow(r);
        }

        _nest.Blank();
        if (front is not null)
            _nest.Add(new Assign(_loaded, needed));
        _nest.Activate(depthwise.Activation, StepRows(), StepPixels * hidden.Padded, (double)StepPixels * hidden.Padded);
    }

    private void MakeExpandedRow(RingLayer layer)
    {
        Storage expanded = _nest.Bind("expanded", PlaceInRing(_row));
        int values = layer.Map.Width * hidden.Slab;
        Pointer inputRow = tensors.Input.RowAt(Storage.Input, _row);
        if (layer.Stem is { } stem)
        {
            stem.MakeRow(_nest, _front!, _row, expanded);
        }
        else if (layer.Expand is { } expand)
        {
            _nest.Add(new Call(expand, inputRow, expanded)
            {
                Weights = OfSlab(_front!.Weights, _slabChannels * expand.InChannels),
                Bias = OfSlab(_front.Bias, _slabChannels),
            });
        }
        else
        {
            double read = tensors.Input.Shape.Count / (double)tensors.Input.Shape.Height;
            _nest.Load(inputRow, tensors.Input, expanded, _source.PixelStep, layer.Map.Width, tensors.Input.IsPlanar ? Effort.Transposed(read) : Effort.Copied(read));
        }

        _nest.Activate(layer.Activation, expanded, values, values);
    }

    private void AddDepthwiseRow(Variable r)
    {
        WindowRows window = WindowRows.Usual;
        Scalar y = rows > 1 ? _y + r : _y, row = gate is not null ? y : rows > 1 ? r : 0;
        _nest.Add(new PlaceWindow(window, y, depthwise.Axis));
        Scalar channel = !_slabbed ? 0 : IsInterleaved ? _slab * _slabChannels * 2 : _slab * _slabChannels;
        Storage made = _nest.Bind("depthwiseRow", _depthwiseRows.At((row * _depthwiseRow) + channel));
        Scalar place = front is null ? window.First : RowRing.Place(window.First, depthwise.Axis.PadTop, _source.RingRows, _ringRows);
        _nest.Add(new Call(depthwise.Kernel, front is null ? Storage.Input : _ring, made)
        {
            Rows = EquatableArray.Of(place, window.From, window.To),
            Weights = OfSlab(_depthwise!.Weights, _slabTaps),
            Bias = OfSlab(_depthwise.Bias, _slabChannels),
        });
    }

    private Pointer OfSlab(Pointer begin, Scalar length) => _slabbed ? begin.At(_slab * length) : begin;

    private Pointer PlaceInRing(Scalar row) => _ring.At(((row % _ringRows) * _expandedRow) + (_source.Left * hidden.Slab));

    /// <summary>The step's depthwise rows, among those of the whole map where these are kept.</summary>
    private Pointer StepRows() => gate is null ? _depthwiseRows : _depthwiseRows.At(_y * _depthwiseRow);

    private void Accumulate(Condition when, Pointer first, Scalar pixels)
    {
        double values = 2.0 * StepPixels * hidden.Padded;
        using (_nest.If(when))
        {
            if (IsInterleaved)
                _nest.Call(RuntimeFunction.AccumulatePairs, Effort.Copied(values), first, _gate!, hidden.Count, 2 * hidden.Count, pixels);
            else
                _nest.Call(RuntimeFunction.AccumulateChannels, Effort.Copied(values), first, _gate!, hidden.Count, pixels, hidden.Padded);
        }
    }

    /// <summary>What the other threads sum up, the gate, and the projections.</summary>
    private void AddGate(BlockGate part)
    {
        _nest.Blank();
        Variable other = new("other");
        using (_nest.For(other, 1, Scalar.PartCount, 0))
        {
            _nest.Barrier();
            Accumulate(Condition.Equal(Scalar.PartIndex, other), _depthwiseRows.At(_firstRow * _depthwiseRow), (_endRow - _firstRow) * (IsInterleaved ? _width / 2 : _width));
        }

        _nest.Barrier();
        part.Squeeze.AddGate(_nest, _gate!, _nest.SplitChannels(hidden.Count), tensors.Output.Shape.Pixels);
        Pointer projectWeights = _project!.Weights;
        if (part.Weights is { } gated)
        {
            Storage products = _nest.Bind("gatedWeights", _own.At(gated.Offset));
            gated.AddTo(_nest, projectWeights, _gate!, products);
            _project = _project with { Weights = products };
        }

        _nest.Blank();
        using (_nest.For(_y, _firstRow, _endRow, _steps, rows > 1 ? _rowsPerStep : 1))
        {
            if (part.Weights is null && IsInterleaved)
                _nest.Call(RuntimeFunction.ScalePairs, default, StepRows(), _gate!, hidden.Count, StepPixels / 2);
            else if (part.Weights is null)
                _nest.Call(RuntimeFunction.ScaleChannels, default, StepRows(), _gate!, hidden.Count, StepPixels, hidden.Padded);
            AddProjection();
        }
    }

    private void AddProjection()
    {
        TensorView output = tensors.Output;
        Scalar pixel = _y * _width;
        Pointer target = output.PixelAt(Storage.Output, pixel), destination = _buffer ?? target;
        int step = project.OutRowStep;
        double values = (double)StepPixels * output.Shape.Channels;
        if (tensors.Residual is { } residual && project.Epilogue.Start == AccumulatorStart.BiasAndDestination)
            _nest.Put(residual.PixelAt(Storage.Residual, pixel), residual, destination, step, output.Shape.Channels, project.Pixels, values);
        _nest.Add(new Call(project, StepRows(), destination)
        {
            Weights = _project!.Weights,
            Bias = _project.Bias,
            Residual = AddsExpanded ? PlaceInRing(_y) : tensors.Residual?.PixelAt(Storage.Residual, pixel),
            Given = tensors.Input.RowAt(Storage.Input, (_y * depthwise.Axis.Stride) + _reach),

            // The depthwise layer is over too soon to prefetch rows of a map that has left the second-level cache: the product before it asks for them.
            Upcoming = front is null && project.Lanes == LaneAxis.Channels
                ? EquatableArray.Of(new Upcoming(Prefetched.Given, rows * depthwise.Axis.Stride * tensors.Input.RowStep) { FarBytes = tensors.Input.Bytes }) : [],
        });
        _nest.Finish(finish, destination, step, project.Pixels, output, target, values);
    }
}
