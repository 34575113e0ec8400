using EfficientConv.Dsl.Compiler.Folding;
using EfficientConv.Dsl.Compiler.Fusion;
using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Model;
using EfficientConv.Dsl.Compiler.Shapes;
using EfficientConv.Dsl.Compiler.Targets;

namespace EfficientConv.Dsl.Compiler.Scheduling;

/// <summary>How a block runs and what that is estimated to take.</summary>
/// <param name="Form">Form.</param>
/// <param name="Rows">Output rows of a step; the whole height for the other forms.</param>
/// <param name="Slab">Hidden channels of a slab; all of them layer by layer.</param>
/// <param name="Cycles">Estimated cycles of one core.</param>
/// <param name="Floats">Memory for the expanded and the depthwise values.</param>
internal sealed record BlockSchedule(BlockForm Form, int Rows, int Slab, double Cycles, long Floats)
{
    /// <summary>The choice and the estimate, for the reader of the generated code.</summary>
    public string Describe(string choice) => FormattableString.Invariant($"{choice}; estimated {Cycles / 1000:F0} thousand cycles");
}

/// <summary>
/// What a fused block takes in each of its forms: multiply-adds at the rate of their register tiles, calls, and what has to come from the second-level cache
/// or from beyond it because it does not stay nearer, at the target's rates; what counts is how the forms compare.
/// </summary>
internal sealed class BlockCost
{
    /// <summary>Most hidden channels of a slab: beyond it a slab's panels of weights leave the first-level cache on every core.</summary>
    private const int LargestSlab = 192;

    /// <summary>Part of the first-level cache for the depthwise rows that a pass goes over again.</summary>
    private const double PostOpPart = 1.125;

    /// <summary>Most pixels of a step of rows.</summary>
    private const int MostStepPixels = 256;

    private static readonly ElementType s_element = ElementType.Float32;

    private readonly VectorTarget _target;
    private readonly CoreRates _rates;
    private readonly ScheduleSettings _settings;
    private readonly DepthwiseGroup _group;
    private readonly Shape _before, _after;
    private readonly int _hidden, _rowPixels, _stride, _window;
    private readonly bool _pairs, _slabsFit;
    private readonly Dictionary<(int Pixels, int Vectors), double> _steps = [];

    /// <param name="target">Instruction set.</param>
    /// <param name="settings">Caches.</param>
    /// <param name="group">The block.</param>
    /// <param name="rowPixels">Pixels of an expanded row in the ring, zero columns among them.</param>
    /// <param name="pairs">Whether the projection runs over pairs of pixels.</param>
    /// <param name="slabsFit">Whether the block can run in slabs over the whole map.</param>
    public BlockCost(VectorTarget target, ScheduleSettings settings, DepthwiseGroup group, int rowPixels, bool pairs, bool slabsFit)
    {
        (_target, _rates, _settings, _group, _rowPixels, _pairs, _slabsFit) = (target, target.Rates, settings, group, rowPixels, pairs, slabsFit);
        (_before, _after) = (group.Depthwise.Input, group.Depthwise.Output);
        _hidden = target.Padded(_after.Channels);
        ConvolutionOperator c = group.Depthwise.Convolution;
        _stride = c.Stride.Height;
        _window = ShapeInference.EffectiveKernel(c.Kernel.Height, c.Dilation.Height);
    }

    /// <summary>Length of the sums before the depthwise layer.</summary>
    private int ExpandLength => _group.Expand?.Taps ?? 0;

    private int OutVectors => _target.Vectors(_group.Project.Output.Channels);

    /// <summary>Cycles to load and store a vector of sums between two slabs.</summary>
    private double SumCycles => _rates.StoreCycles + (1 / _rates.VectorLoads);

    private double ExpandedBytes => (double)_before.Pixels * _hidden * s_element.Size;

    private double DepthwiseBytes => (double)_after.Pixels * _hidden * s_element.Size;

    private double WeightBytes => (double)_hidden * (ExpandLength + _group.Depthwise.Taps + (OutVectors * _target.Lanes)) * s_element.Size;

    private double MapBytes => ((_group.Expand is null ? 0 : (double)_group.Expand.Input.Count) + _group.Project.Output.Count) * s_element.Size;

    /// <summary>The cheapest schedule that is as the settings want it; what cannot be as they want it is as if they did not say.</summary>
    public BlockSchedule Choose()
    {
        IReadOnlyCollection<BlockSchedule> left = [.. Candidates()];
        Keep(s => s.Form == _settings.Form, _settings.Form != BlockForm.Auto);
        Keep(s => s.Rows == _settings.Rows, _settings.Rows > 0);
        Keep(s => s.Slab == _settings.Slab, _settings.Slab > 0);
        double limit = left.Min(s => s.Cycles) * (_group.Stem is null ? _rates.Resolution : _rates.StemResolution);
        return left.Where(s => s.Cycles <= limit).OrderBy(s => s.Floats).ThenBy(s => s.Cycles).First();

        void Keep(Func<BlockSchedule, bool> condition, bool isSaid)
        {
            if (isSaid && left.Any(condition))
                left = [.. left.Where(condition)];
        }
    }

    /// <summary>Cycles of <paramref name="stem"/> as a step of its own before the block, which then reads the whole map.</summary>
    public double Stem(ConvolutionStage stem)
    {
        double weights = (double)_hidden * stem.Taps * s_element.Size;
        return (weights / _rates.FarRate) + (_before.Height * (Product(_before.Width, _hidden / _target.Lanes, stem.Taps) + Weights(weights, _before.Width, true) + _rates.ChoiceCallCycles)) +
            Traffic(ExpandedBytes, 2 * ExpandedBytes, ExpandedBytes <= _settings.SecondLevelBytes);
    }

    /// <summary>Cycles in a chain, which goes through all of the block row by row.</summary>
    public double RowByRow() => Rows(1, _hidden);

    private IEnumerable<BlockSchedule> Candidates()
    {
        int[] slabs = [.. Enumerable.Range(1, _hidden / _target.Lanes).Select(vectors => vectors * _target.Lanes).Where(slab => _hidden % slab == 0 && slab <= LargestSlab)];
        foreach (int rows in Enumerable.Range(1, _after.Height).Where(rows => _after.Height % rows == 0 && IsStep(rows)))
        {
            foreach (int slab in _group.Expand is null || _group.Stem is not null ? [_hidden] : slabs)
                yield return new BlockSchedule(BlockForm.Rows, rows, slab, Rows(rows, slab) * Uneven(_after.Height / rows), RowsFloats(rows));
        }

        if (_slabsFit)
        {
            foreach (int slab in slabs)
                yield return new BlockSchedule(BlockForm.Slabs, _after.Height, slab, Slabs(slab) * (SharesSlabs ? Uneven(_hidden / slab) : 1), SlabsFloats(slab));
        }

        // With squeeze-and-excitation the rows form keeps the depthwise map, and the gate goes into the same products in one form only.
        if (_group.Squeeze is null)
            yield return new BlockSchedule(BlockForm.LayerByLayer, _after.Height, _hidden, LayerByLayer(), (long)(_before.Pixels + _after.Pixels) * _hidden);
    }

    private long RowsFloats(int rows)
    {
        int ringRows = ((rows - 1) * _stride) + _window, depthwiseRows = _group.Squeeze is null ? rows : _after.Height;
        return ((long)ringRows * _rowPixels * _hidden) + ((long)depthwiseRows * _after.Width * _hidden);
    }

    /// <summary>Whether threads share slabs, and not rows.</summary>
    private bool SharesSlabs => !FusedScheduling.RunsByRow(_target, _group);

    private double Uneven(int shares) => shares % 2 == 1 ? 1 + (_rates.OddShares / shares) : 1;

    private long SlabsFloats(int slab) => ((long)_before.Pixels * slab) + ((long)_after.Pixels * (SharesSlabs ? _hidden : slab));

    /// <summary>Where a pass goes over the depthwise rows again they have to stay in the first-level cache.</summary>
    private bool IsStep(int rows)
    {
        // The ring holds the row that is added only while it lies in the window.
        if (_group.AddsExpanded)
            return rows == 1;
        bool passes = _group.Squeeze is not null || !_group.Depthwise.Activation.IsInline;
        return rows == 1 || (rows * _after.Width <= MostStepPixels && (!passes || rows * _after.Width * _hidden <= _settings.FirstLevel(PostOpPart, s_element)));
    }

    private double Rows(int rows, int slab)
    {
        int steps = _after.Height / rows, slabs = _hidden / slab, ringRows = ((rows - 1) * _stride) + _window, expandedRows = Math.Min(_before.Height, rows * _stride);
        double ring = (double)ringRows * _rowPixels * slab * s_element.Size, depthwiseRows = (double)rows * _after.Width * _hidden * s_element.Size;
        double expandWeights = (double)slab * ExpandLength * s_element.Size, projectWeights = (double)_hidden * OutVectors * _target.Lanes * s_element.Size;
        bool near = WeightBytes + (ring * slabs) + depthwiseRows <= _settings.SecondLevelBytes;

        double cycles = Cold() + Depthwise() + (steps * Project(rows * _after.Width)) + (_rates.ChoiceCallCycles * ((_after.Height * slabs) + steps)) + (_rates.ChoiceStepCycles * steps);
        if (_group.Expand is not null)
        {
            cycles += _before.Height * slabs * (Product(_before.Width, slab / _target.Lanes, ExpandLength) + _rates.ChoiceCallCycles);
            cycles += steps * slabs * Weights(expandWeights, expandedRows * _before.Width, near);
        }

        cycles += steps * Weights(projectWeights, rows * _after.Width, near);

        // The ring of a slab is written once and read for every row of the window; beside it stand the slab's weights.
        cycles += Traffic(ring, ExpandedBytes * (1 + ((double)(((rows - 1) * _stride) + _window) / (rows * _stride))), near);
        cycles += Traffic(depthwiseRows, 2 * DepthwiseBytes, _group.Squeeze is null || DepthwiseBytes + WeightBytes <= _settings.SecondLevelBytes);
        return cycles;
    }

    private double Slabs(int slab)
    {
        int slabs = _hidden / slab, vectors = slab / _target.Lanes;
        bool byRow = FusedScheduling.RunsByRow(_target, _group);
        double maps = (double)(_before.Pixels + _after.Pixels) * slab * s_element.Size;
        bool near = (_group.Squeeze is null ? maps : (ExpandedBytes / slabs) + DepthwiseBytes) + MapBytes + (WeightBytes / slabs) <= _settings.SecondLevelBytes;
        double cycles = (Cold() * _rates.PrefetchedPart) + Depthwise() + (_rates.ChoiceCallCycles * slabs * (2 + _after.Height)) + (SumCycles * slabs * _after.Pixels * OutVectors);
        if (_group.Expand is not null)
        {
            cycles += slabs * (byRow ? _before.Height * Product(_before.Width, vectors, ExpandLength) : Product(_before.Pixels, vectors, ExpandLength));
            cycles += slabs * Weights((double)slab * ExpandLength * s_element.Size, _before.Pixels, near);
        }

        cycles += slabs * (byRow ? _after.Height * Product(_after.Width, OutVectors, slab) : Product(_after.Pixels, OutVectors, slab));
        cycles += slabs * Weights((double)slab * OutVectors * _target.Lanes * s_element.Size, _after.Pixels, near);

        // After the gate the depthwise slabs come back from the second-level cache.
        if (_group.Squeeze is not null)
            cycles += Traffic(DepthwiseBytes, DepthwiseBytes, near);

        // Both maps of a slab are written and read; the output is read and written again for every slab.
        double rate = near ? _rates.MapRate / _rates.SecondLevelRate : 1, slower = 1 + (_rates.LargeMaps * maps / _settings.SecondLevelBytes);
        return cycles + (((Traffic(maps, 2 * (ExpandedBytes + DepthwiseBytes), near) * slower) + Traffic(MapBytes, slabs * MapBytes * 2, near)) / rate);
    }

    private double LayerByLayer()
    {
        bool near = ExpandedBytes + DepthwiseBytes + MapBytes + WeightBytes <= _settings.SecondLevelBytes;
        double cycles = Cold() + Depthwise() + Product(_after.Pixels, OutVectors, _hidden) + (_rates.ChoiceCallCycles * (_after.Height + 2));
        if (_group.Expand is not null)
            cycles += Product(_before.Pixels, _hidden / _target.Lanes, ExpandLength) + Weights((double)_hidden * ExpandLength * s_element.Size, _before.Pixels, near);
        cycles += Weights((double)_hidden * OutVectors * _target.Lanes * s_element.Size, _after.Pixels, near);
        return cycles + Traffic(ExpandedBytes, 2 * ExpandedBytes, near) + Traffic(DepthwiseBytes, 2 * DepthwiseBytes, near);
    }

    /// <summary>In a network the weights come from memory or the last-level cache the first time.</summary>
    private double Cold() => WeightBytes / _rates.FarRate;

    private double Depthwise() => _after.Pixels * (_hidden / (double)_target.Lanes) * ((_group.Depthwise.Taps * _rates.DepthwiseTapCycles) + _rates.DepthwiseStoreCycles);

    private double Product(int pixels, int vectors, int length)
    {
        // The same few products are in hundreds of candidates.
        if (!_steps.TryGetValue((pixels, vectors), out double cycles))
            _steps.Add((pixels, vectors), cycles = RegisterTiling.Cycles(_target, pixels, vectors));
        return cycles * length;
    }

    private double Project(int pixels)
    {
        if (!_pairs)
            return Product(pixels, OutVectors, _hidden);
        int groups = (_group.Project.Output.Channels + 7) / 8;
        return pixels / 2.0 * groups / _rates.VectorOperations * _hidden;
    }

    /// <summary>Weights of a product over some pixels: read once where they stay in the first-level cache, else once for every tile of pixels.</summary>
    private double Weights(double bytes, int pixels, bool near)
    {
        double again = bytes * (Math.Ceiling(pixels / _rates.TilePixels) - 1) * Missing(bytes);
        return (bytes / (near ? _rates.WeightRate : _rates.FarRate)) + (again / _rates.WeightRate);
    }

    /// <summary>Values that are written and read: nothing where what is alive at once stays in the first-level cache.</summary>
    private double Traffic(double alive, double bytes, bool near) => bytes * Missing(alive) / (near ? _rates.SecondLevelRate : _rates.FarRate);

    /// <summary>The part that is no longer in the first-level cache.</summary>
    private double Missing(double alive) => Math.Max(0, Math.Min(1, (alive / _settings.FirstLevelBytes) - _rates.PassingPart));
}
