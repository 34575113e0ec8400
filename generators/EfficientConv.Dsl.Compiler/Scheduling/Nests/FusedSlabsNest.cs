using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Model;
using EfficientConv.Dsl.Compiler.Targets;

namespace EfficientConv.Dsl.Compiler.Scheduling.Nests;

/// <summary>The expansion of a block.</summary>
/// <param name="Kernel">Expansion of a row or of the map into one slab.</param>
/// <param name="Activation">Activation after it, where it is too long for an epilogue.</param>
internal sealed record ExpandLayer(PointwiseKernel Kernel, ActivationFunction Activation);

/// <summary>The projection of a block, which adds up slab after slab in the output.</summary>
/// <param name="First">Projection of the first slab.</param>
/// <param name="Middle">Projection of those between.</param>
/// <param name="Last">Projection of the last slab.</param>
/// <param name="Finish">What is done with what it made.</param>
internal sealed record ProjectLayer(PointwiseKernel First, PointwiseKernel Middle, PointwiseKernel Last, Finish Finish);

/// <summary>
/// Expand, depthwise, project one slab of hidden channels after the other over the whole map; the projection adds up in the output. Where a row
/// fills register tiles, threads work on rows of their own and each expands the rows at its edges again. On narrower maps the products run over the
/// whole map, and each thread makes slabs of its own that all project together. With squeeze-and-excitation the depthwise slabs of the whole map are kept:
/// the projection runs over them when the gate is known.
/// </summary>
/// <param name="target">Instruction set.</param>
/// <param name="settings">The caches.</param>
/// <param name="tensors">The block's tensors.</param>
/// <param name="hidden">Channels between its layers.</param>
/// <param name="byRow">Whether threads work on rows of their own.</param>
/// <param name="expand">The expansion, or null where the depthwise layer reads the input.</param>
/// <param name="depthwise">The depthwise layer.</param>
/// <param name="gate">Squeeze-and-excitation, or null.</param>
/// <param name="project">The projection.</param>
/// <param name="weights">Where the weights lie.</param>
/// <param name="expandedSlab">Offset of the expanded slab in the scratch memory.</param>
/// <param name="depthwiseSlab">Offset of the depthwise slab, or of all of them where threads share them.</param>
internal sealed class FusedSlabsNest(
    VectorTarget target, ScheduleSettings settings, BlockTensors tensors, HiddenChannels hidden, bool byRow, ExpandLayer? expand, DepthwiseLayer depthwise, BlockGate? gate,
    ProjectLayer project, BlockWeights weights, ArenaOffset expandedSlab, ArenaOffset depthwiseSlab)
{
    private static readonly Variable s_slab = new("slab"), s_y = new("y"), s_made = new("made"), s_firstMade = new("firstMade");
    private static readonly Variable s_slabChannels = new("SlabChannels"), s_depthwiseRow = new("DepthwiseRow"), s_slabMap = new("SlabMap");
    private static readonly Variable s_firstReduce = new("firstReduce"), s_ownReduce = new("ownReduce"), s_firstExpand = new("firstExpand");
    private static readonly Storage s_own = new("own"), s_expanded = new("expanded"), s_depthwise = new("depthwise"), s_depthwiseMap = new("depthwiseMap"), s_gate = new("gate");

    private readonly NestBuilder _nest = new();
    private readonly bool _slabbed = hidden.Slabs > 1;
    private readonly int _outPadded = target.Padded(project.First.OutChannels);
    private readonly Shape _input = tensors.Input.Shape, _output = tensors.Output.Shape;
    private LayerWeights? _expand, _depthwise, _project;
    private Pointer _destination = Storage.Output;
    private Scalar _ownWeights = 0;

    /// <summary>Floats of squeeze-and-excitation's weights that every slab prefetches.</summary>
    private int GateFloats => expand is null || gate is null ? 0
        : PrefetchPlanning.GateFloats(target, settings, gate.Squeeze, expand.Kernel, (long)_output.Pixels * hidden.Count, (long)_input.Pixels * expand.Kernel.OutChannels, hidden.Slabs);

    private int SlabPixels => _output.Pixels * hidden.Slab;

    /// <summary>The nest.</summary>
    public LoopNest Build()
    {
        Declare();
        if (gate is not null)
            AddSlabsWithGate(gate);
        else if (byRow)
            AddSlabsByRow();
        else
            AddSlabsOfMap();
        int inputs = expand?.Kernel.InChannels ?? 0;
        return new LoopNest(
            tensors.Title, tensors.Input, tensors.Residual, tensors.Output, _nest.Build(),
            ((long)hidden.Count * (_output.Channels + inputs + depthwise.Taps)) + (gate?.Squeeze.WeightElements ?? 0))
        {
            Form = FormattableString.Invariant($"map slabs {hidden.Slab}"),
            FirstWeights = byRow || expand is null ? null : new WeightShare(weights.Expand, hidden.Slabs, hidden.Slab * inputs),
        };
    }

    private void Declare()
    {
        _nest.Add(new DefineConstant(s_slabChannels, hidden.Slab), _slabbed);
        _nest.Add(new DefineConstant(s_depthwiseRow, new Computed('*', _output.Width, target.Lanes)));
        if (expand is not null)
            _expand = BlockWeights.Declare(_nest, "expand", weights.Expand, weights.ExpandBias);
        _depthwise = BlockWeights.Declare(_nest, "depthwise", weights.Depthwise, weights.DepthwiseBias);
        _project = BlockWeights.Declare(_nest, "project", weights.Project, weights.ProjectBias);
        _nest.Add(new Bind(s_own, Pointer.Own), byRow || expand is not null || gate is { Weights: not null });
        if (expand is not null)
            _nest.Add(new Bind(s_expanded, s_own.At(expandedSlab)));
        _nest.Add(new DefineConstant(s_slabMap, new Computed('*', _output.Pixels, hidden.Slab)), !byRow && _slabbed);
        bool several = !byRow && (_slabbed || gate is not null);
        _nest.Add(new Bind(several ? s_depthwiseMap : s_depthwise, byRow ? s_own.At(depthwiseSlab) : Storage.Scratch.At(depthwiseSlab)));
        if (project.Finish.Buffer is { } buffer)
            _destination = _nest.Bind("outputMap", Storage.Scratch.At(buffer));

        // Of the projection's weights a thread needs those of its own panels.
        if (!byRow && project.First.Share == WorkShare.TilesOfPanels && (PrefetchesNext(project.First) || (expand is not null && PrefetchesNext(expand.Kernel))))
            _ownWeights = _nest.Define("ownWeights", Scalar.FirstOf(hidden.Slab * target.Vectors(project.First.OutChannels)) * target.Lanes);

        bool PrefetchesNext(PointwiseKernel kernel) => NextSlabs(kernel).Any(next => PrefetchPlanning.StepOf(target, next, kernel.Steps) > 0);
    }

    /// <summary>The next slab's weights of a product: after its own or, where threads share slabs or a gate is multiplied in, named by the caller.</summary>
    private IEnumerable<Upcoming> NextSlabs(PointwiseKernel kernel)
    {
        if (!_slabbed)
            yield break;
        int rows = kernel == expand?.Kernel ? _input.Height : _output.Height;
        Upcoming next = PrefetchPlanning.NextBlock(target, kernel, byRow ? (rows + 1) / 2 : 1);
        yield return byRow ? next : next with { What = Prefetched.Given, Distance = 0 };
    }

    /// <summary>Every thread runs all slabs over rows of its own, and expands the rows around them again.</summary>
    private void AddSlabsByRow()
    {
        Variable firstRow = new("firstRow"), endRow = new("endRow"), firstExpanded = new("firstExpanded"), endExpanded = new("endExpanded");
        int height = _output.Height, width = _output.Width, step = project.First.OutRowStep;
        bool put = tensors.Residual is not null && project.First.Epilogue.Start == AccumulatorStart.BiasAndDestination;
        _nest.Define((firstRow, Scalar.FirstOf(height)), (endRow, Scalar.EndOf(height)));
        if (expand is not null)
        {
            int reach = depthwise.Axis.Reach - depthwise.Axis.PadTop - depthwise.Axis.Stride;
            _nest.Define(
                (firstExpanded, Scalar.Max(0, (firstRow * depthwise.Axis.Stride) - depthwise.Axis.PadTop)),
                (endExpanded, Scalar.Min(_input.Height, (endRow * depthwise.Axis.Stride) + reach)));
        }

        Variable pixel = new("pixel"), pixels = new("pixels");
        if (put || !project.Finish.IsNone)
            _nest.Define((pixel, firstRow * width), (pixels, (endRow - firstRow) * width));
        Pointer ownOutput = _destination.At(pixel * step);
        if (put)
            _nest.Put(tensors.Residual!.PixelAt(Storage.Residual, pixel), tensors.Residual!, ownOutput, step, _output.Channels, pixels, _output.Count);
        _nest.Blank();
        using (_slabbed ? _nest.For(s_slab, hidden.Slabs) : null)
        {
            if (expand is { Kernel: var kernel })
            {
                _nest.Add(new Call(kernel, tensors.Input.RowAt(Storage.Input, firstExpanded), s_expanded.At(firstExpanded * (_input.Width * target.Lanes)))
                {
                    Weights = OfSlab(_expand!.Weights, s_slabChannels * kernel.InChannels),
                    Bias = OfSlab(_expand.Bias, s_slabChannels),
                    Count = endExpanded - firstExpanded,
                    Times = _input.Height,
                    Upcoming = NextSlabs(kernel).ToEquatableArray(),
                });
            }

            using (_nest.For(s_y, firstRow, endRow, height))
                AddDepthwiseRow();
            AddProjections(product => new Call(product, s_depthwise.At(firstRow * s_depthwiseRow), _destination.At(firstRow * width * step))
            {
                Weights = OfSlab(_project!.Weights, s_slabChannels * _outPadded),
                Bias = _project.Bias,
                Residual = tensors.Residual?.RowAt(Storage.Residual, firstRow),
                Count = endRow - firstRow,
                Times = height,
                Upcoming = NextSlabs(product).ToEquatableArray(),
            });
        }

        _nest.Finish(project.Finish, ownOutput, step, pixels, tensors.Output, tensors.Output.PixelAt(Storage.Output, pixel), _output.Count);
    }

    /// <summary>One thread projects each slab as soon as it has made it; several make their slabs first, and wait for each other once.</summary>
    private void AddSlabsOfMap()
    {
        SharedMap shared = new(_nest, tensors.Residual, tensors.Output, project.First, project.Finish, _destination);
        shared.Begin();
        _nest.Blank();
        if (!_slabbed)
        {
            _nest.Comment("There is one slab, which the first thread makes and all project.");
            using (_nest.If(Condition.Equal(Scalar.PartIndex, 0)))
                MakeSlab();
            _nest.Barrier();
            _nest.Add(Project(project.First, s_depthwise, _project!.Weights));
        }
        else
        {
            _nest.Comment("One thread projects each slab as soon as it has made it. Several make all slabs first, each a share of them, and then project them in their order.");
            Variable together = new("together"), ready = new("ready");
            _nest.Define((together, new Choice(Condition.Equal(Scalar.PartCount, 1), 1, hidden.Slabs)), (s_made, Scalar.EndOf(hidden.Slabs)));
            using (_nest.For(ready, 0, hidden.Slabs, hidden.Slabs, together))
            {
                using (_nest.For(s_slab, ready + Scalar.FirstOf(together), ready + Scalar.EndOf(together), 1))
                {
                    _nest.Add(new Bind(s_depthwise, s_depthwiseMap.At((s_slab - ready) * s_slabMap)));
                    MakeSlab();
                }

                _nest.Blank();
                _nest.Barrier();
                using (_nest.For(s_slab, ready, ready + together, 1))
                {
                    _nest.Add(new Bind(s_depthwise, s_depthwiseMap.At((s_slab - ready) * s_slabMap)));
                    AddProjections(product => Project(product, s_depthwise, OfSlab(_project!.Weights, s_slabChannels * _outPadded)));
                }
            }
        }

        shared.End();
    }

    /// <summary>Each thread makes slabs of its own and sums up their channels; after the gate all project slab after slab.</summary>
    private void AddSlabsWithGate(BlockGate part)
    {
        int vectors = hidden.Slab / target.Lanes, pixels = _output.Pixels;
        _nest.Add(new Bind(s_gate, Storage.Scratch.At(part.Squeeze.Sums)));
        Storage? products = part.Weights is { } gated ? _nest.Bind("gatedWeights", s_own.At(gated.Offset)) : null;
        SharedMap shared = new(_nest, tensors.Residual, tensors.Output, project.First, project.Finish, _destination);
        shared.Begin();
        _nest.Blank();
        _nest.Comment("Each thread makes slabs of its own and sums up their channels; the depthwise values stay for the products after the gate.");
        _nest.Define((s_firstMade, Scalar.FirstOf(hidden.Slabs)), (s_made, Scalar.EndOf(hidden.Slabs)));
        if (_slabbed && GateFloats > 0)
            DeclareGateWeights(part.Squeeze);
        using (_nest.For(s_slab, s_firstMade, s_made, hidden.Slabs))
        {
            _nest.Add(new Bind(s_depthwise, OfSlab(s_depthwiseMap, s_slabMap)));
            MakeSlab();
            _nest.Call(RuntimeFunction.SumVectors, Effort.Copied(2.0 * SlabPixels), s_depthwise, OfSlab(s_gate, s_slabChannels), vectors, pixels);
        }

        _nest.Blank();
        _nest.Barrier();
        part.Squeeze.AddGate(_nest, s_gate, _nest.SplitChannels(hidden.Count), pixels);
        _nest.Blank();
        if (products is null)
        {
            _nest.Comment("One thread scales each slab right before its products. Several scale first what they made.");
            using (_nest.If(Condition.Greater(Scalar.PartCount, 1), share: 0))
            {
                using (_nest.For(s_slab, s_firstMade, s_made, hidden.Slabs))
                    _nest.Add(Scale(OfSlab(s_depthwiseMap, s_slabMap)));
                _nest.Barrier();
            }
        }

        using (_slabbed ? _nest.For(s_slab, hidden.Slabs) : null)
        {
            Storage map = _slabbed ? _nest.Bind("depthwise", OfSlab(s_depthwiseMap, s_slabMap)) : s_depthwiseMap;
            Pointer own = OfSlab(_project!.Weights, s_slabChannels * _outPadded);
            if (products is null)
            {
                using (_nest.If(Condition.Equal(Scalar.PartCount, 1)))
                    _nest.Add(Scale(map));
            }
            else
            {
                Storage slabWeights = _nest.Bind("slabWeights", own), slabGate = _nest.Bind("slabGate", OfSlab(s_gate, s_slabChannels));
                part.Weights!.AddTo(_nest, slabWeights, slabGate, products);
                own = products;
            }

            AddProjections(product => Project(product, map, own));
        }

        shared.End();

        FunctionCall Scale(Pointer map) => RuntimeFunction.ScaleVectors.Call(map, OfSlab(s_gate, s_slabChannels), vectors, pixels);
    }

    private Pointer OfSlab(Pointer begin, Scalar length) => _slabbed ? begin.At(s_slab * length) : begin;

    /// <summary>Expansion and depthwise rows of the slab over the whole map.</summary>
    private void MakeSlab()
    {
        if (expand is { Kernel: var kernel })
        {
            List<Upcoming> upcoming = [.. NextSlabs(kernel)];
            if (GateFloats > 0)
                upcoming.Add(new Upcoming(Prefetched.GateWeights, GateFloats));
            Pointer? gateWeights = GateFloats == 0 ? null : _slabbed ? NextGateWeights(gate!.Squeeze) : Storage.Weights.At(gate!.Squeeze.ReduceWeights);
            _nest.Add(new Call(kernel, Storage.Input, s_expanded)
            {
                Weights = OfSlab(_expand!.Weights, s_slabChannels * kernel.InChannels),
                Bias = OfSlab(_expand.Bias, s_slabChannels),
                Given = new Either(
                    Condition.Less(s_slab + 1, s_made), _expand.Weights.At((s_slab + 1) * s_slabChannels * kernel.InChannels), _project!.Weights.At(_ownWeights)),
                GateWeights = gateWeights,
                Upcoming = upcoming.ToEquatableArray(),
            });
            _nest.Activate(expand.Activation, s_expanded, _input.Pixels * hidden.Slab, (double)_input.Pixels * hidden.Slab);
        }

        using (_nest.For(s_y, _output.Height))
            AddDepthwiseRow();
        _nest.Activate(depthwise.Activation, s_depthwise, SlabPixels, SlabPixels);
    }

    private void AddDepthwiseRow()
    {
        WindowRows window = WindowRows.Usual;
        _nest.Add(new PlaceWindow(window, s_y, depthwise.Axis));
        _nest.Add(new Call(depthwise.Kernel, expand is not null ? s_expanded : OfSlab(Storage.Input, s_slabChannels), s_depthwise.At(s_y * s_depthwiseRow))
        {
            Rows = EquatableArray.Of<Scalar>(window.First, window.From, window.To),
            Weights = OfSlab(_depthwise!.Weights, s_slabChannels * depthwise.Taps),
            Bias = OfSlab(_depthwise.Bias, s_slabChannels),
        });
    }

    /// <summary>A projection of a slab over the whole map; it prefetches the next slab's weights, after the last one the next step's.</summary>
    private Call Project(PointwiseKernel kernel, Pointer map, Pointer slabWeights)
    {
        List<Upcoming> upcoming = [.. NextSlabs(kernel)];

        // Other threads made some of the blocks of its input.
        if (kernel.Share == WorkShare.TilesOfPanels && kernel.ChannelBlock < kernel.InChannels)
            upcoming.Add(new Upcoming(Prefetched.Input, 0) { Step = PrefetchPlanning.LineLength(target) });
        return new Call(kernel, map, _destination)
        {
            Weights = slabWeights,
            Bias = _project!.Bias,
            Residual = Storage.Residual,
            Given = new Either(
                Condition.Equal(s_slab, hidden.Slabs - 1), Storage.Next, _project.Weights.At(((s_slab + 1) * s_slabChannels * _outPadded) + _ownWeights)),
            Upcoming = upcoming.ToEquatableArray(),
        };
    }

    /// <summary>The projection's kernel for the first slab, those between or the last: with two slabs of different first and last kernels there is none between.</summary>
    private void AddProjections(Func<PointwiseKernel, Call> call)
    {
        EquatableArray<Nest> first = One(project.First), middle = One(project.Middle), last = One(project.Last);
        if (!_slabbed)
        {
            _nest.AddRange(first);
            return;
        }

        EquatableArray<Nest> others = hidden.Slabs == 2 ? last
            : project.Last == project.Middle ? middle
            : EquatableArray.Of<Nest>(new If(Condition.Equal(s_slab, hidden.Slabs - 1), last, middle, 1.0 / (hidden.Slabs - 1)));
        _nest.Add(new If(Condition.Equal(s_slab, 0), first, others, 1.0 / hidden.Slabs));

        EquatableArray<Nest> One(PointwiseKernel kernel) => EquatableArray.Of<Nest>(call(kernel));
    }

    /// <summary>A thread prefetches its part of the weights of squeeze-and-excitation's first product, then of the second's.</summary>
    private void DeclareGateWeights(SqueezePart squeeze)
    {
        int reduce = PrefetchPlanning.WeightFloats(target, squeeze.Reduce), second = PrefetchPlanning.WeightFloats(target, squeeze.Expand);
        _nest.Comment("Of squeeze-and-excitation's weights it fetches its part of the first product's, then of the second's.");
        _nest.Define((s_firstReduce, Scalar.FirstOf(reduce)), (s_ownReduce, Scalar.EndOf(reduce) - s_firstReduce), (s_firstExpand, Scalar.FirstOf(second)));
    }

    private Either NextGateWeights(SqueezePart squeeze)
    {
        Variable fetched = _nest.Define("fetched", (s_slab - s_firstMade) * GateFloats);
        return new Either(
            Condition.Less(fetched, s_ownReduce), Storage.Weights.At(squeeze.ReduceWeights.In(ElementType.Float32) + s_firstReduce + fetched),
            Storage.Weights.At(squeeze.ExpandWeights.In(ElementType.Float32) + s_firstExpand + fetched - s_ownReduce));
    }
}
