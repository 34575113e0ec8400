using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Scheduling;
using EfficientConv.Dsl.Compiler.Targets;

namespace EfficientConv.Dsl.Compiler.Emission;

/// <summary>Prints the loop nests around the kernels.</summary>
internal sealed partial class DriverEmitter(SourceWriter writer, VectorSyntax vector, KernelNames names)
{
    private readonly PlanarDriverEmitter _planar = new(writer, vector, names);
    private readonly RuntimeEmitter _runtime = new(writer, vector);

    private string Simd => vector.Simd;

    /// <summary>Prints a loop nest.</summary>
    /// <param name="name">Its method's name.</param>
    /// <param name="driver">The loop nest.</param>
    /// <param name="description">What the first step that runs it does.</param>
    public void Emit(string name, Driver driver, IEnumerable<string> description)
    {
        writer.Line();
        writer.Line("/// <summary>");
        foreach (string line in description)
            writer.Line($"/// {line.Replace("&", "&amp;").Replace("<", "&lt;").Replace(">", "&gt;")}<br/>");
        writer.Line("/// </summary>");
        writer.Open($"private static void {name}({(driver.ReadsImage ? "in ImageRows image" : "ref float input")}, {(driver.Residual is null ? string.Empty : "ref float residual, ")}ref float output, ref float weights, ref float scratch{(driver.PrefetchesNext ? ", ref float next" : string.Empty)}, Part part)");
        switch (driver)
        {
            case PointwiseDriver d:
                EmitPointwise(d);
                break;
            case RowDriver d:
                EmitRows(d);
                break;
            case WinogradDriver d:
                new WinogradEmitter(writer, vector).Emit(d, names);
                break;
            case FusedRowsDriver d:
                EmitFusedRows(d);
                break;
            case FusedSlabsDriver d:
                EmitFusedSlabs(d);
                break;
            case PlanarPointwiseDriver d:
                _planar.Emit(d);
                break;
            case PlanarDepthwiseDriver d:
                _planar.Emit(d);
                break;
            case DirectDepthwiseDriver d:
                new DirectDepthwiseEmitter(writer, vector).Emit(d, names);
                break;
            case PlanarSeparableDriver d:
                _planar.Emit(d);
                break;
            case PlanarConvolutionDriver d:
                _planar.Emit(d);
                break;
            case SqueezeDriver d:
                EmitSqueeze(d);
                break;
            case RuntimeDriver d:
                _runtime.Emit(d);
                break;
            default:
                throw new InvalidOperationException($"{driver} has no text.");
        }

        writer.Close();
    }

    private void EmitPointwise(PointwiseDriver d)
    {
        PointwiseKernel kernel = d.Kernel;
        int pixels = kernel.Pixels;
        writer.Line($"ref float bias = ref {KernelText.At("weights", d.Bias)};");
        if (d.ChannelBlocks > 1)
        {
            EmitChannelBlocks(d);
            return;
        }

        if (d.Chunks == 1)
        {
            string map = d.Finish.Buffer is { } whole ? KernelText.At("scratch", whole) : "output";
            if (BeginMap(d, kernel, d.Finish, map))
                writer.Line("part.Barrier();");
            writer.Line(names.Call(kernel, "input", "weights", "bias", map, "residual", "next"));
            FinishMap(d, kernel, d.Finish, map);
            return;
        }

        writer.Line("scratch = ref part.Own(ref scratch);", d.Finish.Buffer is not null);
        writer.Open($"for (int chunk = part.First({d.Chunks}); chunk < part.End({d.Chunks}); chunk++)");
        writer.Line($"int pixel = chunk * {pixels};");
        string destination = d.Finish.Buffer is { } buffer ? KernelText.At("scratch", buffer) : PixelAt("output", d.Output, "pixel");
        PutResidual(d.Residual, kernel.Epilogue.Start, "pixel", destination, kernel.OutPixelStep, d.Output, pixels);
        writer.Line(names.Call(kernel, PixelAt("input", d.Input, "pixel"), "weights", "bias", destination, d.Residual is null ? null : PixelAt("residual", d.Residual, "pixel")));
        Finish(d.Finish, destination, kernel.OutPixelStep, pixels, d.Output, PixelAt("output", d.Output, "pixel"));
        writer.Close();
    }

    /// <summary>
    /// Before threads compute a map together: <c>pixel</c> and <c>pixels</c> where each moves pixels of its own, and among them a residual that is put where the kernel will
    /// find it; whether there is one.
    /// </summary>
    private bool BeginMap(Driver d, ProductKernel kernel, Finish finish, string map)
    {
        bool put = d.Residual is not null && kernel.Epilogue.Start == AccumulatorStart.BiasAndDestination;
        if (put || !finish.IsNone)
            PixelRange(d.Output.Shape);
        if (put)
        {
            _runtime.Put(
                PixelAt("residual", d.Residual!, "pixel"), d.Residual!, PixelAt(map, kernel.OutPixelStep, "pixel"), kernel.OutPixelStep, d.Output.Shape.Channels, "pixels");
        }

        return put;
    }

    /// <summary>When all threads have computed a map together: activation and layout, a range of pixels each.</summary>
    private void FinishMap(Driver d, ProductKernel kernel, Finish finish, string map)
    {
        if (finish.IsNone)
            return;
        writer.Line("part.Barrier();");
        Finish(finish, PixelAt(map, kernel.OutPixelStep, "pixel"), kernel.OutPixelStep, Size.Of("pixels"), d.Output, PixelAt("output", d.Output, "pixel"));
    }

    /// <summary>What is left to do with <paramref name="pixels"/> pixels that kernels have made.</summary>
    private void Finish(Finish finish, string made, int pixelStep, Size pixels, TensorView output, string destination)
    {
        bool last = finish.PassesOutput(output, pixelStep);
        if (!last)
            Pass(finish.Pass, made, pixels * pixelStep);
        if (finish.Buffer is not null)
            writer.Line(_runtime.Store(made, pixelStep, output, destination, pixels.ToString()));
        if (!last)
            return;
        (int runs, int elements) = output.Runs;
        if (runs > 1)
            writer.Open(FormattableString.Invariant($"for (int plane = 0; plane < {runs}; plane++)"));
        Pass(finish.Pass, runs > 1 ? KernelText.At(destination, Times("plane", output.ChannelStep)) : destination, pixels * elements);
        if (runs > 1)
            writer.Close();
    }

    /// <summary>Declares <c>pixel</c> and <c>pixels</c>: a thread's own pixels, whole groups of the widest vector where there are so many, because transposes move as many at once.</summary>
    private void PixelRange(Shape shape) => _runtime.Range(RuntimeRange.Pixels(shape));

    /// <summary>Declares <c>channel</c> and <c>channels</c>: a thread's own channels, whole vectors of all widths.</summary>
    private void ChannelRange(int channels) => _runtime.Range(RuntimeRange.Channels(channels));

    private static string Text(int number) => FormattableString.Invariant($"{number}");

    /// <summary>One block of output channels after the other: each weight is read once, and the block is transposed while it is near the core.</summary>
    private void EmitChannelBlocks(PointwiseDriver d)
    {
        PointwiseKernel kernel = d.Kernel;
        writer.Line($"const int BlockChannels = {kernel.OutChannels};");
        if (d.Finish.Buffer is { } buffer)
            writer.Line($"ref float block = ref {KernelText.At("part.Own(ref scratch)", buffer)};");
        writer.Open($"for (int b = part.First({d.ChannelBlocks}); b < part.End({d.ChannelBlocks}); b++)");
        string weights = FormattableString.Invariant($"Unsafe.Add(ref weights, b * BlockChannels * {kernel.InChannels})"), bias = "Unsafe.Add(ref bias, b * BlockChannels)";
        if (d.Finish.Buffer is null)
        {
            writer.Line(names.Call(kernel, "input", weights, bias, "Unsafe.Add(ref output, b * BlockChannels)", "Unsafe.Add(ref residual, b * BlockChannels)"));
            writer.Close();
            return;
        }

        writer.Line(names.Call(kernel, "input", weights, bias, "block"));
        TensorView block = d.Output with { Shape = d.Output.Shape with { Channels = kernel.OutChannels } };
        Finish(d.Finish, "block", kernel.OutPixelStep, kernel.Pixels, block, KernelText.At("output", FormattableString.Invariant($"b * BlockChannels * {d.Output.ChannelStep}")));
        writer.Close();
    }

    private void EmitRows(RowDriver d)
    {
        string kernelName = names.Method(d.Kernel);
        int height = d.Map.Height, outHeight = d.Output.Shape.Height, width = d.Output.Shape.Width;
        RowWindow window = d.Window;
        writer.Line("scratch = ref part.Own(ref scratch);", d.Source.RingRows > 0 || d.Finish.Buffer is not null);
        if (d.Bias is { } bias)
            writer.Line($"ref float {(d.Stem is null ? "bias" : "stemBias")} = ref {KernelText.At("weights", bias)};");
        if (d.Stem is not null)
        {
            writer.Line("ref float stemWeights = ref weights;");
            EmitInputRing(d.Stem, "scratch");
        }

        if (d.Source.RingRows > 0)
        {
            writer.Line($"const int RingRows = {d.Source.RingRows};");
            writer.Line($"const int RingRow = {RowLength(d.Source)};");
            writer.Line($"ref float ring = ref {KernelText.At("scratch", d.Ring)};");
            writer.Line("MemoryMarshal.CreateSpan(ref ring, RingRows * RingRow).Clear();");
            writer.Line("int loaded = 0;");
        }

        if (d.ChannelBlocks > 1)
        {
            if (d.Kernel is ConvolutionKernel dense)
                EmitWeightBlocks(d, kernelName, dense);
            else
                EmitRowBlocks(d, kernelName);
            return;
        }

        (string parameter, string share) = KernelText.Share(d.Kernel is ConvolutionKernel { Share: var kind } ? kind : WorkShare.None);
        writer.Open(parameter.Length > 0
            ? FormattableString.Invariant($"for (int y = 0; y < {outHeight}; y++)")
            : FormattableString.Invariant($"for (int y = part.First({outHeight}); y < part.End({outHeight}); y++)"));
        EmitWindowRows("y", d.StrideHeight, d.PadTop, window, height);
        EmitRing(d, "RingRows");
        string destination = d.Finish.Buffer is { } buffer ? KernelText.At("scratch", buffer) : RowAt("output", d.Output, "y");
        AccumulatorStart start = d.Kernel is SumKernel sum ? sum.Epilogue.Start : AccumulatorStart.Bias;
        PutResidual(d.Residual, start, FormattableString.Invariant($"y * {width}"), destination, d.OutPixelStep, d.Output, width);
        string source = d.Source.RingRows > 0 ? "ring" : "input", row = RowArgument(d.Source, d.PadTop);
        string residual = start == AccumulatorStart.BiasAndResidual ? $", ref {RowAt("residual", d.Residual!, "y")}" : string.Empty;
        writer.Line(d.Kernel is PoolKernel pool
            ? $"{kernelName}(ref {source}, {row}, from, to{(pool.IsMaximum ? string.Empty : ", " + CountedRows(pool, d, height))}, ref {destination});"
            : $"{kernelName}(ref {source}, {row}, from, to, ref weights, ref bias, ref {destination}{residual}{share});");
        Finish(d.Finish, destination, d.OutPixelStep, width, d.Output, PixelAt("output", d.Output, FormattableString.Invariant($"y * {width}")));
        writer.Close();
    }

    /// <summary>Loads what <paramref name="windowRows"/> rows from <c>first</c> on still lack in the ring.</summary>
    private void EmitRing(RowDriver d, string windowRows)
    {
        if (d.Source.RingRows == 0)
            return;
        writer.Open($"for (loaded = Math.Max(loaded, Math.Max(first, 0)); loaded < Math.Min({d.Map.Height}, first + {windowRows}); loaded++)");
        string slot = KernelText.At("ring", Sum("(loaded % RingRows) * RingRow", d.Source.Left * d.Source.PixelStep));
        if (d.Stem is not null)
        {
            writer.Line($"ref float made = ref {slot};");
            EmitStemRow(d.Stem, d.Input, "loaded", "made");
            Pass(d.StemPass, "made", d.Source.RowStep);
        }
        else if (d.Load == RowLoad.Replicate)
        {
            LanewiseKernel kernel = (LanewiseKernel)d.Kernel;
            int outPerGroup = kernel.Channels / d.Groups;
            writer.Line($"PixelLayout.ReplicateLanes(ref {RowAt("input", d.Input, "loaded")}, {d.Input.PixelStep}, ref {slot}, {d.Groups}, {kernel.InPerGroup}, {outPerGroup}, {kernel.LaneStep}, {d.Input.Shape.Width});");
        }
        else
        {
            LoadRow(d.Load, d.Input, d.Source, "loaded", slot);
        }

        writer.Close();
    }

    /// <summary>A block of output channels at a time, so that its weights stay in the second-level cache; the ring holds all rows.</summary>
    private void EmitWeightBlocks(RowDriver d, string kernelName, ConvolutionKernel kernel)
    {
        RowWindow window = d.Window;
        writer.Line($"const int BlockChannels = {kernel.OutPerGroup};");
        writer.Line($"const int BlockWeights = BlockChannels * {kernel.InPerGroup * window.Kernel.Height * window.Kernel.Width};");
        writer.Line("// All rows of a block of channels, then the next block: its weights stay in the second-level cache.");
        writer.Open($"for (int block = part.First({d.ChannelBlocks}); block < part.End({d.ChannelBlocks}); block++)");
        writer.Open($"for (int y = 0; y < {d.Output.Shape.Height}; y++)");
        EmitWindowRows("y", d.StrideHeight, d.PadTop, window, d.Input.Shape.Height);
        EmitRing(d, FormattableString.Invariant($"{((window.Kernel.Height - 1) * window.Dilation.Height) + 1}"));
        string source = d.Source.RingRows > 0 ? "ring" : "input";
        string residual = kernel.Epilogue.AddsResidual ? $", ref Unsafe.Add(ref {RowAt("residual", d.Residual!, "y")}, block * BlockChannels)" : string.Empty;
        string given = kernel.PrefetchOf(Prefetched.Given) is { } prefetch ? FormattableString.Invariant($", ref Unsafe.Add(ref weights, ((block + 1) * BlockWeights) + (y * {prefetch.Step * kernel.Steps}))") : string.Empty;
        writer.Line($"{kernelName}(ref {source}, {RowArgument(d.Source, d.PadTop)}, from, to, ref Unsafe.Add(ref weights, block * BlockWeights), ref Unsafe.Add(ref bias, block * BlockChannels), ref Unsafe.Add(ref {RowAt("output", d.Output, "y")}, block * BlockChannels){residual}{given});");
        writer.Close();
        writer.Close();
    }

    /// <summary>A block of channels at a time, so that the rows under a window stay in the first-level cache.</summary>
    private void EmitRowBlocks(RowDriver d, string kernelName)
    {
        LanewiseKernel lanes = (LanewiseKernel)d.Kernel;
        int outHeight = d.Output.Shape.Height, rows = d.ChannelBlocks * outHeight;
        writer.Line($"const int BlockChannels = {lanes.Vectors * vector.Target.Lanes};");
        writer.Line($"const int BlockTaps = BlockChannels * {d.Window.Kernel.Height * d.Window.Kernel.Width};");
        writer.Line("// All rows of a block of channels, then the next block: the rows under a window stay in the first-level cache.");
        writer.Open($"for (int row = part.First({rows}); row < part.End({rows}); row++)");
        writer.Line($"int block = row / {outHeight}, y = row % {outHeight};");
        EmitWindowRows("y", d.StrideHeight, d.PadTop, d.Window, d.Input.Shape.Height);
        writer.Line($"{kernelName}(ref Unsafe.Add(ref input, block * BlockChannels), first, from, to, ref Unsafe.Add(ref weights, block * BlockTaps), ref Unsafe.Add(ref bias, block * BlockChannels), ref {KernelText.At("output", FormattableString.Invariant($"({Times("y", d.Output.RowStep)}) + (block * BlockChannels)"))});");
        writer.Close();
    }

    /// <summary>Rows that count in a mean: with padding up to the padded height, else those inside the map.</summary>
    private static string CountedRows(PoolKernel pool, RowDriver d, int height) => (pool.CountIncludePad, pool.Window.Dilation.Height) switch
    {
        (false, _) => "to - from",
        (_, 1) => FormattableString.Invariant($"Math.Min(first + {pool.Window.Kernel.Height}, {height + d.PadBottom}) - first"),
        (_, var dilation) => FormattableString.Invariant($"Math.Min({pool.Window.Kernel.Height}, ({height + d.PadBottom + dilation - 1} - first) / {dilation})"),
    };

    /// <summary>The input's row <paramref name="row"/>, or the image's, into its place in a ring.</summary>
    private void LoadRow(RowLoad load, TensorView input, RowSource source, string row, string slot)
    {
        Shape shape = input.Shape;
        switch (load)
        {
            case RowLoad.ImagePlanes:
                writer.Line($"image.LoadPlanes({row}, ref {slot}, {source.ChannelStep}, {shape.Channels}, {shape.Width});");
                break;
            case RowLoad.ImagePixels:
                writer.Line($"image.LoadRow({row}, ref {slot}, {source.PixelStep}, {shape.Channels}, {shape.Width});");
                break;
            case RowLoad.Planes:
                // A row of a plane is copied as the channels of a pixel are.
                writer.Line(_runtime.Call(
                    RuntimeFunction.CopyPixels, "ref " + RowAt("input", input, row), Text(input.ChannelStep), "ref " + slot, Text(source.ChannelStep), Text(shape.Width),
                    Text(shape.Channels)));
                break;
            case RowLoad.Copy:
                LoadPixels(RowAt("input", input, row), input, slot, source.PixelStep, Text(shape.Width));
                break;
            default:
                throw new InvalidOperationException($"{load} moves no rows as they are.");
        }
    }

    /// <summary>Floats of a ring's row: pixels times channels.</summary>
    private static string RowLength(RowSource source) => source.ChannelStep > 1
        ? FormattableString.Invariant($"{source.ChannelStep} * {source.RowStep / source.ChannelStep}")
        : FormattableString.Invariant($"{source.RowStep / source.PixelStep} * {source.PixelStep}");

    /// <summary>Declares <c>first</c>, <c>from</c> and <c>to</c>: the window's first input row and the kernel rows that lie inside the map.</summary>
    private void EmitWindowRows(string y, int stride, int padTop, RowWindow window, int height) => WindowRows(writer, y, stride, padTop, window, height);

    /// <inheritdoc cref="EmitWindowRows"/>
    public static void WindowRows(SourceWriter writer, string y, int stride, int padTop, RowWindow window, int height, string first = "first", string from = "from", string to = "to")
    {
        int dilation = window.Dilation.Height, kernel = window.Kernel.Height;
        string scaled = stride == 1 ? y : FormattableString.Invariant($"({y} * {stride})");
        writer.Line($"int {first} = {(padTop == 0 ? scaled : FormattableString.Invariant($"{scaled} - {padTop}"))};");
        writer.Line(dilation == 1
            ? $"int {from} = Math.Max(0, -{first});"
            : FormattableString.Invariant($"int {from} = {first} >= 0 ? 0 : ({dilation - 1} - {first}) / {dilation};"));
        writer.Line(dilation == 1
            ? FormattableString.Invariant($"int {to} = Math.Min({kernel}, {height} - {first});")
            : FormattableString.Invariant($"int {to} = Math.Min({kernel}, ({height + dilation - 1} - {first}) / {dilation});"));
    }

    /// <summary>The kernel's <c>row</c>: the window's first row, or its place in the ring.</summary>
    private static string RowArgument(RowSource source, int padTop, string first = "first", string ringRows = "RingRows") =>
        source.RingRows == 0 ? first : RingPlace(source.RingRows, padTop, first, ringRows);

    /// <summary>The place of row <paramref name="first"/> in a ring; above the map it is negative, so it is lifted by whole turns.</summary>
    public static string RingPlace(int ringRows, int padTop, string first = "first", string ringRowsName = "RingRows")
    {
        int lift = (padTop + ringRows - 1) / ringRows * ringRows;
        return lift == 0 ? $"{first} % {ringRowsName}" : FormattableString.Invariant($"({first} + {lift}) % {ringRowsName}");
    }

    /// <summary>Puts a residual that cannot be read by whole vectors where the kernel will find it.</summary>
    private void PutResidual(TensorView? residual, AccumulatorStart start, string pixel, string destination, int destinationStep, TensorView output, int pixels)
    {
        if (residual is not null && start == AccumulatorStart.BiasAndDestination)
            _runtime.Put(PixelAt("residual", residual, pixel), residual, destination, destinationStep, output.Shape.Channels, Text(pixels));
    }

    private void LoadPixels(string source, TensorView view, string destination, int destinationStep, string pixels) =>
        writer.Line(_runtime.Load(source, view, destination, destinationStep, pixels));

    private void Pass(ActivationFunction activation, string reference, Size count) => _runtime.Activation(activation, reference, count.ToString());

    private static string Clear(string reference, string length) => $"MemoryMarshal.CreateSpan(ref {reference}, {length}).Clear();";

    private static string RowAt(string reference, TensorView view, string row) => KernelText.At(reference, Times(row, view.RowStep));

    private static string PixelAt(string reference, TensorView view, string pixel) => PixelAt(reference, view.PixelStep is 0 ? 1 : view.PixelStep, pixel);

    private static string PixelAt(string reference, int pixelStep, string pixel) => pixel == "0" ? reference : KernelText.At(reference, Times(pixel, pixelStep));

    private static string Times(string factor, int constant) =>
        factor == "0" ? "0" : constant == 1 ? factor : factor.Contains(" + ") && !factor.StartsWith("(", StringComparison.Ordinal) ? FormattableString.Invariant($"({factor}) * {constant}") : FormattableString.Invariant($"{factor} * {constant}");

    private static string Sum(string term, int constant)
    {
        if (constant == 0)
            return term;
        string first = term.Contains(' ') ? $"({term})" : term;
        return term == "0" ? FormattableString.Invariant($"{constant}")
            : constant > 0 ? FormattableString.Invariant($"{first} + {constant}") : FormattableString.Invariant($"{first} - {-constant}");
    }
}
