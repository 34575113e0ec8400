using EfficientConv.Dsl.Compiler.Folding;
using EfficientConv.Dsl.Compiler.Model;

namespace EfficientConv.Dsl.Compiler.Scheduling.Nests;

/// <summary>The kernels of one step of Winograd's algorithm.</summary>
/// <param name="Transform">Input transform.</param>
/// <param name="Product">One of the products: a matrix product over the tiles, whose sum runs over the input channels.</param>
/// <param name="Inverse">Output transform.</param>
internal sealed record WinogradStep(WinogradInputKernel Transform, PointwiseKernel Product, WinogradOutputKernel Inverse);

/// <summary>Where the weights of Winograd's algorithm lie, relative to the step's own.</summary>
/// <param name="Products">The products' panels.</param>
/// <param name="Step">Floats from a product's panels to those of other weights.</param>
/// <param name="Zeros">Zeros, with which the products begin.</param>
/// <param name="Bias">The bias.</param>
internal sealed record WinogradWeights(ArenaOffset Products, int Step, ArenaOffset Zeros, ArenaOffset Bias);

/// <summary>Scratch memory of Winograd's algorithm. Where threads work on one step together, all but the last are shared.</summary>
/// <param name="Window">The step's input rows with zeros around them.</param>
/// <param name="Tiles">The transformed tiles.</param>
/// <param name="Products">The products.</param>
/// <param name="Temporary">One tile between the two halves of a transform.</param>
internal sealed record WinogradMemory(ArenaOffset Window, ArenaOffset Tiles, ArenaOffset Products, ArenaOffset Temporary);

/// <summary>Dense 3x3 convolution by Winograd's algorithm, some rows of tiles a step; threads work on steps of their own, or on one step together.</summary>
/// <param name="input">Input.</param>
/// <param name="residual">Residual, or null.</param>
/// <param name="output">Output.</param>
/// <param name="step">The kernels of a step.</param>
/// <param name="padTop">Zero rows above.</param>
/// <param name="padLeft">Zero columns in front.</param>
/// <param name="weights">The weights.</param>
/// <param name="memory">The scratch memory.</param>
/// <param name="finish">What is done with a step's output rows.</param>
internal sealed class WinogradNest(
    TensorView input, TensorView? residual, TensorView output, WinogradStep step, int padTop, int padLeft, WinogradWeights weights, WinogradMemory memory, Finish finish)
{
    private static readonly Variable s_windowRows = new("WindowRows"), s_windowRow = new("WindowRow"), s_rowsPerStep = new("RowsPerStep"), s_y = new("y");
    private static readonly Variable s_rows = new("rows"), s_first = new("first"), s_firstRow = new("firstRow"), s_pixel = new("pixel"), s_moved = new("moved");

    private readonly NestBuilder _nest = new();
    private readonly WinogradForm _form = step.Transform.Form;
    private readonly bool _shared = step.Transform.Share != WorkShare.None;
    private readonly int _stepRows = step.Transform.TileRows * step.Transform.Form.Output, _height = output.Shape.Height, _width = output.Shape.Width, _pixelStep = step.Inverse.OutPixelStep;
    private Storage _window = Storage.Scratch, _tiles = Storage.Scratch, _products = Storage.Scratch, _temporary = Storage.Scratch;

    private bool HasSteps => _stepRows < _height;

    private int Steps => (_height + _stepRows - 1) / _stepRows;

    /// <summary>The step's first pixel.</summary>
    private Scalar Start => HasSteps ? s_y * _width : 0;

    /// <summary>The step's pixels that a thread moves: all of them, or its share of the rows.</summary>
    private (Scalar First, Scalar Count) Own => _shared ? (s_pixel, s_moved) : (0, s_rows * _width);

    /// <summary>The nest.</summary>
    public LoopNest Build()
    {
        DeclareMemory();
        if (HasSteps)
        {
            _nest.Add(_shared ? new DefineConstant(s_firstRow, 0) : new Define(EquatableArray.Of(new Definition(s_firstRow, Scalar.FirstOf(Steps) * s_rowsPerStep))));
            using (_nest.For(s_y, s_firstRow, _shared ? _height : Scalar.Min(_height, Scalar.EndOf(Steps) * s_rowsPerStep), Steps, s_rowsPerStep))
            {
                MoveOverlap();
                AddStep();
            }
        }
        else
        {
            _nest.Add(new DefineConstant(s_rows, _height));
            _nest.Add(new DefineConstant(s_first, 0));
            AddStep();
        }

        return new LoopNest("Winograd", input, residual, output, _nest.Build(), (long)_form.WeightSets * input.Shape.Channels * output.Shape.Channels)
        {
            Form = FormattableString.Invariant($"{step.Transform.TileRows} tile rows"),
        };
    }

    private void DeclareMemory()
    {
        WinogradInputKernel transform = step.Transform;
        _nest.Add(new DefineConstant(s_rowsPerStep, _stepRows), HasSteps);
        _nest.Add(new DefineConstant(s_windowRows, (transform.TileRows * _form.Step) + _form.Overlap));
        _nest.Add(new DefineConstant(s_windowRow, new Computed('*', transform.RowStep / transform.PixelStep, transform.PixelStep)));
        if (_shared)
        {
            string own = transform.Share == WorkShare.Tiles ? "rows of tiles" : "channels, and products,";
            _nest.Comment($"All threads work on one step together: each loads and stores rows of its own, transforms and multiplies {own} of its own.");
        }

        _nest.Add(new UseOwnScratch(), !_shared);
        _temporary = _nest.Bind("temporary", (_shared ? Pointer.Own : Storage.Scratch).At(memory.Temporary));
        _window = _nest.Bind("window", Storage.Scratch.At(memory.Window));
        _tiles = _nest.Bind("tiles", Storage.Scratch.At(memory.Tiles));
        _products = _nest.Bind("products", Storage.Scratch.At(memory.Products));
        Scalar first = Scalar.FirstOf(s_windowRows);
        _nest.Add(_shared
            ? new Clear(_window.At(first * s_windowRow), (Scalar.EndOf(s_windowRows) - first) * s_windowRow)
            : new Clear(_window, s_windowRows * s_windowRow));
        _nest.Barrier(_shared);
    }

    /// <summary>What a step has of the one before it.</summary>
    private void MoveOverlap()
    {
        int overlap = _form.Overlap;
        _nest.Define((s_rows, Scalar.Min(s_rowsPerStep, _height - (Scalar)s_y)));
        _nest.Comment(overlap == 1
            ? "The last row of a step is the next one's first."
            : FormattableString.Invariant($"The last {overlap} rows of a step are the next one's first."));
        Condition later = Condition.Greater(s_y, s_firstRow);
        using (_nest.If(_shared ? later & Condition.Equal(Scalar.PartIndex, 0) : later))
            _nest.Add(new Copy(_window.At((s_windowRows - overlap) * s_windowRow), _window, overlap * (Scalar)s_windowRow));
        _nest.Barrier(_shared);
        _nest.Define((s_first, new Choice(Condition.Equal(s_y, s_firstRow), 0, overlap)));
    }

    private void AddStep()
    {
        LoadWindow();
        _nest.Blank();
        Storage destination = _nest.Bind("destination", finish.Buffer is { } buffer ? Storage.Scratch.At(buffer) : Storage.Output.At(Start * _pixelStep));
        bool put = residual is not null && step.Inverse.Epilogue.Start == AccumulatorStart.BiasAndDestination;
        if (_shared && (put || !finish.IsNone))
            _nest.Define((s_pixel, Scalar.FirstOf(s_rows) * _width), (s_moved, (Scalar.EndOf(s_rows) * _width) - s_pixel));
        (Scalar first, Scalar count) = Own;
        if (put)
            _nest.Put(OfStep(Storage.Residual, residual!.PixelStep), residual, destination.At(first * _pixelStep), _pixelStep, output.Shape.Channels, count, 0);
        _nest.Barrier(_shared);
        _nest.Add(new Call(step.Transform, _window, _tiles) { Temporary = _temporary });
        _nest.Barrier(_shared);
        Multiply();
        _nest.Barrier(_shared);
        _nest.Add(new Call(step.Inverse, _products, destination)
        {
            Rows = EquatableArray.Of<Scalar>(s_rows),
            Bias = Storage.Weights.At(weights.Bias),
            Residual = residual is null ? null : Storage.Residual.At(Start * residual.PixelStep),
            Temporary = _temporary,
        });
        _nest.Barrier(_shared && !finish.IsNone);
        FinishStep(destination.At(first * _pixelStep), count);
    }

    private void LoadWindow()
    {
        Variable r = new("r"), row = new("row");
        double trips = input.Shape.Height / (double)Steps, values = input.Shape.Count / (double)input.Shape.Height;
        Scalar rows = s_windowRows - s_first;
        using (_shared
            ? _nest.For(r, s_first + Scalar.FirstOf(rows), s_first + Scalar.EndOf(rows), trips)
            : _nest.For(r, s_first, s_windowRows, trips))
        {
            _nest.Define((row, (HasSteps ? (s_y * _form.Stride) + r : r) - padTop));
            int pixelStep = step.Transform.PixelStep;
            Storage pixels = _nest.Bind("pixels", _window.At((r * s_windowRow) + (padLeft * pixelStep)));
            using (_nest.If(Condition.AtLeast(row, 0) & Condition.Less(row, input.Shape.Height)))
            {
                _nest.Load(
                    input.RowAt(Storage.Input, row), input, pixels, pixelStep, input.Shape.Width, input.IsPlanar ? Effort.Transposed(values) : Effort.Copied(values));
            }

            using (_nest.Else())
                _nest.Add(new Clear(pixels, input.Shape.Width * pixelStep));
        }
    }

    private void Multiply()
    {
        Variable product = new("product"), i = new("i");
        bool common = _form.WeightSets < _form.Products;
        Table order = new("order", _form.Order.Select(o => o.Product).ToEquatableArray()), weightsOf = new("weightsOf", _form.Order.Select(o => o.Weights).ToEquatableArray());
        if (common)
        {
            _nest.Comment("Products in the order of their weights, of which some are the same.");
            _nest.Add(new DefineTables(EquatableArray.Of(order, weightsOf)));
        }

        Variable index = common ? i : product;
        using (step.Transform.Share == WorkShare.Panels ? _nest.Parallel(index, _form.Products) : _nest.For(index, _form.Products))
        {
            if (common)
                _nest.Define((product, new TableElement(order, i)));
            Scalar set = common ? new TableElement(weightsOf, i) : product;
            int floats = step.Product.Share == WorkShare.Tiles ? 2 * weights.Step : weights.Step;
            _nest.Add(new Call(step.Product, _tiles.At(product * step.Transform.ProductStep), _products.At(product * step.Inverse.ProductStep))
            {
                Weights = Storage.Weights.At(weights.Products.In(ElementType.Float32) + (set * weights.Step)),
                Bias = Storage.Weights.At(weights.Zeros),
                Upcoming = EquatableArray.Of(new Upcoming(Prefetched.Weights, floats, Distance: weights.Step)),
            });
        }
    }

    private void FinishStep(Pointer moving, Scalar count)
    {
        double values = output.Shape.Count / (double)Steps;
        if (!finish.Activation.IsNone)
        {
            // Row after row, so that what is stored next is still near.
            Variable r = new("r");
            double rows = _height / (double)Steps;
            using (_nest.For(r, 0, count, rows, _width))
                _nest.Activate(finish.Activation, moving.At(r * _pixelStep), _width * _pixelStep, values / rows);
        }

        if (finish.Buffer is not null)
            _nest.Store(moving, _pixelStep, output, OfStep(Storage.Output, output.PixelStep), count, values);
    }

    private Pointer OfStep(Pointer begin, int pixelStep) => _shared ? begin.At(Start * pixelStep).At(s_pixel * pixelStep) : begin.At(Start * pixelStep);
}
