using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Scheduling;

namespace EfficientConv.Dsl.Compiler.Emission;

/// <summary>Prints the loop nests around the kernels.</summary>
internal sealed class DriverEmitter(SourceWriter writer, VectorSyntax vector, KernelNames names)
{
    private readonly PlanarDriverEmitter _planar = new(writer, vector, names);

    private string Simd => vector.Simd;

    /// <summary>The arguments of a call to <paramref name="driver"/> and their parameters.</summary>
    public static bool TakesResidual(Driver driver) => driver switch
    {
        PointwiseDriver d => d.Residual is not null,
        RowDriver d => d.Residual is not null,
        FusedRowsDriver d => d.Residual is not null,
        FusedSlabsDriver d => d.Residual is not null,
        MapDriver d => d.Residual is not null,
        PlanarPointwiseDriver d => d.Residual is not null,
        PlanarSeparableDriver d => d.Residual is not null,
        WinogradDriver d => d.Residual is not null,
        InterleaveDriver => true,
        _ => false,
    };

    public void Emit(string name, Driver driver, string comment)
    {
        writer.Line();
        writer.Line("/// <summary>");
        foreach (string line in comment.Split('\n'))
            writer.Line($"/// {line.Replace("&", "&amp;").Replace("<", "&lt;").Replace(">", "&gt;")}<br/>");
        writer.Line("/// </summary>");
        writer.Open($"private static void {name}(ref float input, {(TakesResidual(driver) ? "ref float residual, " : string.Empty)}ref float output, ref float weights, ref float scratch)");
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
            case PlanarSeparableDriver d:
                _planar.Emit(d);
                break;
            case PlanarConvolutionDriver d:
                _planar.Emit(d);
                break;
            case PlanarShuffleDriver d:
                _planar.Emit(d);
                break;
            case PlanarSqueezeDriver d:
                EmitSqueeze(d);
                break;
            case SqueezeDriver d:
                EmitSqueeze(d);
                break;
            case GlobalAverageDriver d:
                writer.Line(Clear("output", d.Output.Length));
                writer.Line($"Elementwise.AccumulateChannels<{Simd}>(ref input, ref output, {d.Input.Shape.Channels}, {d.Input.Shape.Pixels}, {d.Input.PixelStep});");
                writer.Line($"Elementwise.Mean<{Simd}>(ref output, {d.Input.Shape.Channels}, {d.Input.Shape.Pixels});");
                break;
            case MapDriver d:
                EmitMap(d);
                break;
            case LayerNormDriver or InterleaveDriver or UpsampleDriver or PixelShuffleDriver or AdaptivePoolDriver or FillDriver:
                new PixelDriverEmitter(writer, vector).Emit(driver);
                break;
            default:
                throw new InvalidOperationException($"{driver} has no text.");
        }

        writer.Close();
    }

    private void EmitPointwise(PointwiseDriver d)
    {
        PointwiseKernel kernel = d.Kernel;
        string kernelName = names.Of(kernel);
        int pixels = kernel.Pixels;
        writer.Line($"ref float bias = ref {KernelText.At("weights", d.Bias)};");
        if (d.ChannelBlocks > 1)
        {
            EmitChannelBlocks(d, kernelName);
            return;
        }

        bool chunked = d.Chunks > 1;
        if (chunked)
            writer.Open($"for (int pixel = 0; pixel < {d.Input.Shape.Pixels}; pixel += {pixels})");
        string pixel = chunked ? "pixel" : "0";
        string destination = d.Buffer >= 0 ? KernelText.At("scratch", d.Buffer) : PixelAt("output", d.Output, pixel);
        PutResidual(d.Residual, kernel.Initial, pixel, destination, kernel.OutPixelStep, pixels);
        string residual = kernel.Initial == Initial.BiasAndResidual ? $", ref {PixelAt("residual", d.Residual!, pixel)}" : string.Empty;
        writer.Line($"{kernelName}(ref {PixelAt("input", d.Input, pixel)}, ref weights, ref bias, ref {destination}{residual});");
        Pass(d.Pass, destination, pixels * kernel.OutPixelStep);
        if (d.Buffer >= 0)
            StorePixels(destination, kernel.OutPixelStep, d.Output, pixel, pixels);
        if (chunked)
            writer.Close();
    }

    /// <summary>One block of output channels after the other: each weight is read once, and the block is transposed while it is near the core.</summary>
    private void EmitChannelBlocks(PointwiseDriver d, string kernelName)
    {
        PointwiseKernel kernel = d.Kernel;
        writer.Line($"const int BlockChannels = {kernel.OutChannels};");
        writer.Line($"ref float block = ref {KernelText.At("scratch", d.Buffer)};");
        writer.Open($"for (int b = 0; b < {d.ChannelBlocks}; b++)");
        writer.Line($"{kernelName}(ref input, ref Unsafe.Add(ref weights, b * BlockChannels * {kernel.InChannels}), ref Unsafe.Add(ref bias, b * BlockChannels), ref block);");
        Pass(d.Pass, "block", kernel.Pixels * kernel.OutPixelStep);
        TensorView part = d.Output with { Shape = d.Output.Shape with { Channels = kernel.OutChannels } };
        StorePixels("block", kernel.OutPixelStep, part, "0", kernel.Pixels, FormattableString.Invariant($"b * BlockChannels * {d.Output.ChannelStep}"));
        writer.Close();
    }

    private void EmitRows(RowDriver d)
    {
        string kernelName = names.Of(d.Kernel);
        int height = d.Input.Shape.Height, outHeight = d.Output.Shape.Height, width = d.Output.Shape.Width;
        RowWindow window = d.Window;
        if (d.Bias >= 0)
            writer.Line($"ref float bias = ref {KernelText.At("weights", d.Bias)};");
        if (d.Source.RingRows > 0)
        {
            writer.Line($"const int RingRows = {d.Source.RingRows};");
            writer.Line($"const int RingRow = {d.Source.RowStep / d.Source.PixelStep} * {d.Source.PixelStep};");
            writer.Line($"ref float ring = ref {KernelText.At("scratch", d.Ring)};");
            writer.Line("MemoryMarshal.CreateSpan(ref ring, RingRows * RingRow).Clear();");
            writer.Line("int loaded = 0;");
        }

        bool blocked = d.ChannelBlocks > 1;
        if (blocked)
        {
            LanewiseKernel lanes = (LanewiseKernel)d.Kernel;
            writer.Line($"const int BlockChannels = {lanes.Vectors * vector.Target.Lanes};");
            writer.Line($"const int BlockTaps = BlockChannels * {window.Kernel.Height * window.Kernel.Width};");
            writer.Line("// A block of channels at a time, so that the rows under a window stay in the first-level cache.");
            writer.Open($"for (int block = 0; block < {d.ChannelBlocks}; block++)");
        }

        writer.Open($"for (int y = 0; y < {outHeight}; y++)");
        EmitWindowRows("y", d.StrideHeight, d.PadTop, window, height);
        if (d.Source.RingRows > 0)
        {
            writer.Open($"for (loaded = Math.Max(loaded, Math.Max(first, 0)); loaded < Math.Min({height}, first + RingRows); loaded++)");
            string slot = KernelText.At("ring", Sum("(loaded % RingRows) * RingRow", d.Source.Left * d.Source.PixelStep));
            LoadRow(d, slot);
            writer.Close();
        }

        string destination = d.Buffer >= 0 ? KernelText.At("scratch", d.Buffer) : RowAt("output", d.Output, "y");
        Initial initial = d.Kernel is ConvolutionKernel c ? c.Initial : Initial.Bias;
        PutResidual(d.Residual, initial, FormattableString.Invariant($"y * {width}"), destination, d.BufferPixelStep, width);
        string source = d.Source.RingRows > 0 ? "ring" : "input", row = RowArgument(d.Source, d.PadTop);
        if (blocked)
        {
            writer.Line($"{kernelName}(ref Unsafe.Add(ref input, block * BlockChannels), first, from, to, ref Unsafe.Add(ref weights, block * BlockTaps), ref Unsafe.Add(ref bias, block * BlockChannels), ref {KernelText.At("output", FormattableString.Invariant($"({Times("y", d.Output.RowStep)}) + (block * BlockChannels)"))});");
            writer.Close();
            writer.Close();
            return;
        }

        string call = d.Kernel is PoolKernel pool
            ? $"{kernelName}(ref {source}, {row}, from, to{(pool.IsMaximum ? string.Empty : ", " + CountedRows(pool, d, height))}, ref {destination});"
            : $"{kernelName}(ref {source}, {row}, from, to, ref weights, ref bias, ref {destination}{(initial == Initial.BiasAndResidual ? $", ref {RowAt("residual", d.Residual!, "y")}" : string.Empty)});";
        writer.Line(call);
        Pass(d.Pass, destination, width * d.BufferPixelStep);
        if (d.Buffer >= 0)
            StorePixels(destination, d.BufferPixelStep, d.Output, FormattableString.Invariant($"y * {width}"), width);
        writer.Close();
    }

    /// <summary>Rows that count in a mean: with padding up to the padded height, else those inside the map.</summary>
    private static string CountedRows(PoolKernel pool, RowDriver d, int height) => pool.CountIncludePad
        ? FormattableString.Invariant($"Math.Min(first + {pool.Window.Kernel.Height}, {height + d.PadBottom}) - first")
        : "to - from";

    private void LoadRow(RowDriver d, string slot)
    {
        Shape shape = d.Input.Shape;
        string row = RowAt("input", d.Input, "loaded");
        if (d.Load == RowLoad.Replicate)
        {
            LanewiseKernel kernel = (LanewiseKernel)d.Kernel;
            int outPerGroup = kernel.Channels / d.Groups;
            writer.Line($"PixelLayout.ReplicateLanes(ref {row}, {d.Input.PixelStep}, ref {slot}, {d.Groups}, {kernel.InPerGroup}, {outPerGroup}, {kernel.LaneStep}, {shape.Width});");
            return;
        }

        LoadPixels(row, d.Input, slot, d.Source.PixelStep, shape.Width);
    }

    private void EmitFusedRows(FusedRowsDriver d)
    {
        Shape before = d.Input.Shape;
        LanewiseKernel depthwise = d.Depthwise;
        RowWindow window = depthwise.Window;
        RowSource source = depthwise.Source;
        int outHeight = d.Output.Shape.Height, outWidth = d.Output.Shape.Width;
        bool ring = source.RingRows > 0, haloed = source.Left + source.Right > 0, slabbed = d.Slabs > 1;

        writer.Line($"const int DepthwiseRow = {outWidth} * {d.HiddenStep};", d.Rows > 1 || d.Squeeze is not null);
        writer.Line($"const int RowsPerStep = {d.Rows};", d.Rows > 1);
        if (slabbed)
        {
            writer.Line($"const int Slabs = {d.Slabs};");
            writer.Line($"const int SlabChannels = {d.Slab};");
            writer.Line($"const int SlabTaps = SlabChannels * {window.Kernel.Height * window.Kernel.Width};");
        }

        if (ring)
        {
            writer.Line($"const int RingRows = {source.RingRows};");
            writer.Line($"const int ExpandedRow = {source.RowStep / source.PixelStep} * {source.PixelStep};");
        }

        writer.Line($"ref float expandWeights = ref {KernelText.At("weights", d.Offsets.Expand)};", d.Expand is not null);
        writer.Line($"ref float expandBias = ref {KernelText.At("weights", d.Offsets.ExpandBias)};", d.Expand is not null);
        writer.Line($"ref float depthwiseWeights = ref {KernelText.At("weights", d.Offsets.Depthwise)};");
        writer.Line($"ref float depthwiseBias = ref {KernelText.At("weights", d.Offsets.DepthwiseBias)};");
        writer.Line($"ref float projectWeights = ref {KernelText.At("weights", d.Offsets.Project)};");
        writer.Line($"ref float projectBias = ref {KernelText.At("weights", d.Offsets.ProjectBias)};");
        writer.Line($"ref float rings = ref {KernelText.At("scratch", d.Ring)};", ring);
        writer.Line($"ref float depthwiseRows = ref {KernelText.At("scratch", d.DepthwiseRows)};");
        writer.Line($"ref float outputRows = ref {KernelText.At("scratch", d.Buffer)};", d.Buffer >= 0);
        if (d.Squeeze is not null)
        {
            writer.Line($"ref float gate = ref {KernelText.At("scratch", d.Squeeze.Sums)};");
            writer.Line(Clear("gate", PlanBuilder.Align(d.Squeeze.Channels)));
        }

        writer.Line($"MemoryMarshal.CreateSpan(ref rings, {(slabbed ? "Slabs * " : string.Empty)}RingRows * ExpandedRow).Clear();", haloed);
        writer.Line("int loaded = 0;", ring);
        writer.Line();
        writer.Open($"for (int y = 0; y < {outHeight}; y += {(d.Rows > 1 ? "RowsPerStep" : "1")})");
        if (ring)
        {
            // Rows that the last window of this step reaches.
            int reach = ((d.Rows - 1) * d.StrideHeight) + (window.Dilation.Height * (window.Kernel.Height - 1)) + 1 - d.PadTop;
            writer.Line($"int needed = Math.Min({before.Height}, {Sum(Times("y", d.StrideHeight), reach)});");
        }

        if (slabbed)
            writer.Open("for (int slab = 0; slab < Slabs; slab++)");
        if (ring)
        {
            writer.Line(slabbed ? "ref float ring = ref Unsafe.Add(ref rings, slab * RingRows * ExpandedRow);" : "ref float ring = ref rings;");
            writer.Open("for (int row = loaded; row < needed; row++)");
            writer.Line($"ref float expanded = ref {KernelText.At("ring", Sum("(row % RingRows) * ExpandedRow", source.Left * d.Slab))};");
            string inputRow = RowAt("input", d.Input, "row");
            if (d.Expand is null)
            {
                LoadPixels(inputRow, d.Input, "expanded", source.PixelStep, before.Width);
            }
            else
            {
                writer.Line($"{names.Of(d.Expand)}(ref {inputRow}, ref {(slabbed ? KernelText.At("expandWeights", FormattableString.Invariant($"slab * SlabChannels * {d.Expand.InChannels}")) : "expandWeights")}, ref {(slabbed ? "Unsafe.Add(ref expandBias, slab * SlabChannels)" : "expandBias")}, ref expanded);");
                Pass(d.ExpandPass, "expanded", before.Width * d.Slab);
            }

            writer.Close();
        }

        if (d.Rows > 1)
            writer.Open("for (int r = 0; r < RowsPerStep; r++)");
        EmitWindowRows(d.Rows > 1 ? "(y + r)" : "y", d.StrideHeight, d.PadTop, window, before.Height);
        string row = d.Squeeze is not null ? (d.Rows > 1 ? "(y + r)" : "y") : d.Rows > 1 ? "r" : "0";
        string slabOffset = d.Depthwise.PixelPairs ? "slab * SlabChannels * 2" : "slab * SlabChannels";
        string at = row == "0" ? (slabbed ? slabOffset : "0") : slabbed ? $"({row} * DepthwiseRow) + ({slabOffset})" : $"{row} * DepthwiseRow";
        writer.Line($"ref float depthwiseRow = ref {KernelText.At("depthwiseRows", at)};");
        writer.Line($"{names.Of(depthwise)}(ref {(ring ? "ring" : "input")}, {RowArgument(source, d.PadTop)}, from, to, ref {(slabbed ? "Unsafe.Add(ref depthwiseWeights, slab * SlabTaps)" : "depthwiseWeights")}, ref {(slabbed ? "Unsafe.Add(ref depthwiseBias, slab * SlabChannels)" : "depthwiseBias")}, ref depthwiseRow);");
        if (d.Rows > 1)
            writer.Close();
        if (slabbed)
            writer.Close();
        writer.Line();
        writer.Line("loaded = needed;", ring);
        string stepRows = d.Squeeze is null ? "depthwiseRows" : "Unsafe.Add(ref depthwiseRows, y * DepthwiseRow)";
        Pass(d.DepthwisePass, stepRows, d.Rows * outWidth * d.HiddenStep);
        if (d.Squeeze is not null)
        {
            writer.Line(d.Depthwise.PixelPairs
                ? FormattableString.Invariant($"PixelPairs.AccumulateChannels(ref {stepRows}, ref gate, {d.Hidden}, {d.Rows * outWidth / 2});")
                : FormattableString.Invariant($"Elementwise.AccumulateChannels<{Simd}>(ref {stepRows}, ref gate, {d.Hidden}, {d.Rows * outWidth}, {d.HiddenStep});"));
            writer.Close();
            writer.Line();
            EmitGate(d.Squeeze, "gate", d.Output.Shape.Pixels);
            writer.Line();
            writer.Open($"for (int y = 0; y < {outHeight}; y += {(d.Rows > 1 ? "RowsPerStep" : "1")})");
            writer.Line(d.Depthwise.PixelPairs
                ? FormattableString.Invariant($"PixelPairs.ScaleChannels(ref {stepRows}, ref gate, {d.Hidden}, {d.Rows * outWidth / 2});")
                : FormattableString.Invariant($"Elementwise.ScaleChannels<{Simd}>(ref {stepRows}, ref gate, {d.Hidden}, {d.Rows * outWidth}, {d.HiddenStep});"));
        }

        Project(d.Project, d.ProjectPass, d.Residual, d.Output, d.Buffer >= 0 ? "outputRows" : null, stepRows, FormattableString.Invariant($"y * {outWidth}"));
        writer.Close();
    }

    private void Project(ProductKernel kernel, ActivationFunction pass, TensorView? residual, TensorView output, string? buffer, string rows, string pixel)
    {
        string destination = buffer ?? PixelAt("output", output, pixel);
        PutResidual(residual, kernel.Initial, pixel, destination, kernel.OutPixelStep, kernel.Pixels);
        string added = kernel.Initial == Initial.BiasAndResidual ? $", ref {PixelAt("residual", residual!, pixel)}" : string.Empty;
        writer.Line($"{names.Of(kernel)}(ref {rows}, ref projectWeights, ref projectBias, ref {destination}{added});");
        Pass(pass, destination, kernel.Pixels * kernel.OutPixelStep);
        if (buffer is not null)
            StorePixels(destination, kernel.OutPixelStep, output, pixel, kernel.Pixels);
    }

    private void EmitFusedSlabs(FusedSlabsDriver d)
    {
        LanewiseKernel depthwise = d.Depthwise;
        RowWindow window = depthwise.Window;
        int outHeight = d.Output.Shape.Height, outWidth = d.Output.Shape.Width, inHeight = d.Input.Shape.Height;
        int lanes = vector.Target.Lanes, outPadded = vector.Target.Padded(d.First.OutChannels);
        string destination = d.Buffer >= 0 ? "outputMap" : "output";
        writer.Line($"const int SlabChannels = {d.Slab};", d.Slabs > 1);
        writer.Line($"const int DepthwiseRow = {outWidth} * {lanes};");
        writer.Line($"ref float expandWeights = ref {KernelText.At("weights", d.Offsets.Expand)};", d.Expand is not null);
        writer.Line($"ref float expandBias = ref {KernelText.At("weights", d.Offsets.ExpandBias)};", d.Expand is not null);
        writer.Line($"ref float depthwiseWeights = ref {KernelText.At("weights", d.Offsets.Depthwise)};");
        writer.Line($"ref float depthwiseBias = ref {KernelText.At("weights", d.Offsets.DepthwiseBias)};");
        writer.Line($"ref float projectWeights = ref {KernelText.At("weights", d.Offsets.Project)};");
        writer.Line($"ref float projectBias = ref {KernelText.At("weights", d.Offsets.ProjectBias)};");
        writer.Line($"ref float expanded = ref {KernelText.At("scratch", d.Expanded)};", d.Expand is not null);
        writer.Line($"ref float depthwise = ref {KernelText.At("scratch", d.DepthwiseSlab)};");
        writer.Line($"ref float outputMap = ref {KernelText.At("scratch", d.Buffer)};", d.Buffer >= 0);
        PutResidual(d.Residual, d.First.Initial, "0", destination, d.First.OutPixelStep, d.Output.Shape.Pixels);
        writer.Line();
        writer.Loop("slab", d.Slabs, () =>
        {
            string OfSlab(string reference, string length) => d.Slabs > 1 ? KernelText.At(reference, "slab * " + length) : reference;
            if (d.Expand is not null)
            {
                writer.Line($"{names.Of(d.Expand)}(ref input, ref {OfSlab("expandWeights", FormattableString.Invariant($"SlabChannels * {d.Expand.InChannels}"))}, ref {OfSlab("expandBias", "SlabChannels")}, ref expanded);");
                Pass(d.ExpandPass, "expanded", d.Input.Shape.Pixels * d.Slab);
            }

            writer.Open($"for (int y = 0; y < {outHeight}; y++)");
            EmitWindowRows("y", d.StrideHeight, d.PadTop, window, inHeight);
            string source = d.Expand is not null ? "expanded" : OfSlab("input", "SlabChannels");
            writer.Line($"{names.Of(depthwise)}(ref {source}, first, from, to, ref {OfSlab("depthwiseWeights", FormattableString.Invariant($"SlabChannels * {window.Kernel.Height * window.Kernel.Width}"))}, ref {OfSlab("depthwiseBias", "SlabChannels")}, ref Unsafe.Add(ref depthwise, y * DepthwiseRow));");
            writer.Close();
            Pass(d.DepthwisePass, "depthwise", d.Output.Shape.Pixels * d.Slab);
            string panels = OfSlab("projectWeights", FormattableString.Invariant($"SlabChannels * {outPadded}"));
            string first = $"{names.Of(d.First)}(ref depthwise, ref {panels}, ref projectBias, ref {destination}{(d.First.Initial == Initial.BiasAndResidual ? ", ref residual" : string.Empty)});";
            if (d.Slabs == 1)
            {
                writer.Line(first);
                return;
            }

            writer.Line("if (slab == 0)");
            writer.Line("    " + first);
            if (d.LastKernel != d.Middle)
            {
                writer.Line(FormattableString.Invariant($"else if (slab == {d.Slabs - 1})"));
                writer.Line($"    {names.Of(d.LastKernel)}(ref depthwise, ref {panels}, ref projectBias, ref {destination});");
            }

            // With two slabs of different first and last kernels there is none between.
            if (d.LastKernel == d.Middle || d.Slabs > 2)
            {
                writer.Line("else");
                writer.Line($"    {names.Of(d.Middle)}(ref depthwise, ref {panels}, ref projectBias, ref {destination});");
            }
        });
        Pass(d.ProjectPass, destination, d.Output.Shape.Pixels * d.First.OutPixelStep);
        if (d.Buffer >= 0)
            StorePixels(destination, d.First.OutPixelStep, d.Output, "0", d.Output.Shape.Pixels);
    }

    private void EmitSqueeze(SqueezeDriver d)
    {
        writer.Line($"ref float gate = ref {KernelText.At("scratch", d.Squeeze.Sums)};");
        writer.Line(Clear("gate", PlanBuilder.Align(d.Squeeze.Channels)));
        writer.Line($"Elementwise.AccumulateChannels<{Simd}>(ref input, ref gate, {d.Squeeze.Channels}, {d.Input.Shape.Pixels}, {d.Input.PixelStep});");
        EmitGate(d.Squeeze, "gate", d.Input.Shape.Pixels);
        CopyPixels("input", d.Input.PixelStep, "output", d.Output.PixelStep, d.Input.Shape.Channels, d.Input.Shape.Pixels);
        writer.Line($"Elementwise.ScaleChannels<{Simd}>(ref output, ref gate, {d.Squeeze.Channels}, {d.Input.Shape.Pixels}, {d.Output.PixelStep});");
    }

    private void EmitSqueeze(PlanarSqueezeDriver d)
    {
        Shape shape = d.Input.Shape;
        writer.Line($"ref float gate = ref {KernelText.At("scratch", d.Squeeze.Sums)};");
        writer.Line(Clear("gate", PlanBuilder.Align(shape.Channels)));
        writer.Line($"PlanarLayout.AccumulateChannels<{Simd}>(ref input, {shape.Pixels}, ref gate, {shape.Channels}, {shape.Pixels});");
        EmitGate(d.Squeeze, "gate", shape.Pixels);
        writer.Line($"PlanarLayout.ScaleChannels<{Simd}>(ref input, ref gate, ref output, {shape.Channels}, {shape.Pixels});");
    }

    /// <summary>Channel sums to the gate, in place.</summary>
    private void EmitGate(SqueezePart squeeze, string gate, int pixels)
    {
        writer.Line($"Elementwise.Mean<{Simd}>(ref {gate}, {squeeze.Channels}, {pixels});");
        string hidden = KernelText.At("scratch", squeeze.Hidden);
        writer.Line($"{names.Of(squeeze.Reduce)}(ref {gate}, ref {KernelText.At("weights", squeeze.ReduceWeights)}, ref {KernelText.At("weights", squeeze.ReduceBias)}, ref {hidden});");
        Pass(squeeze.Activation, hidden, squeeze.Squeezed);
        writer.Line($"{names.Of(squeeze.Expand)}(ref {hidden}, ref {KernelText.At("weights", squeeze.ExpandWeights)}, ref {KernelText.At("weights", squeeze.ExpandBias)}, ref {gate});");
        Pass(squeeze.Gate, gate, squeeze.Channels);
    }

    private void EmitMap(MapDriver d)
    {
        Shape shape = d.Input.Shape;
        int channels = shape.Channels, pixels = shape.Pixels, step = d.Output.PixelStep;
        switch (d.Kind)
        {
            case MapKind.Copy when d.Input == d.Output && d.Input.IsDense:
                CopyPixels("input", d.Input.Length, "output", d.Output.Length, d.Input.Length, 1);
                break;
            case MapKind.Copy when d.Output.IsPlanar:
                StorePixels("input", d.Input.PixelStep, d.Output, "0", pixels);
                break;
            case MapKind.Copy:
                LoadPixels("input", d.Input, "output", step, pixels);
                break;
            case MapKind.Activation:
                CopyPixels("input", d.Input.PixelStep, "output", step, channels, pixels);
                Pass(d.Function, "output", pixels * step);
                break;
            case MapKind.ScaleShift:
                writer.Line($"Elementwise.ScaleShift<{Simd}>(ref input, ref output, ref weights, ref {KernelText.At("weights", d.WeightsLength / 2)}, {channels}, {pixels}, {step});");
                break;
            case MapKind.Scale:
                CopyPixels("input", d.Input.PixelStep, "output", step, channels, pixels);
                writer.Line($"Elementwise.ScaleChannels<{Simd}>(ref output, ref weights, {channels}, {pixels}, {step});");
                break;
            case MapKind.PReLU:
                CopyPixels("input", d.Input.PixelStep, "output", step, channels, pixels);
                writer.Line($"Elementwise.PReLU<{Simd}>(ref output, ref weights, {channels}, {pixels}, {step});");
                break;
            case MapKind.Softmax:
                CopyPixels("input", d.Input.PixelStep, "output", step, channels, pixels);
                writer.Open($"for (int pixel = 0; pixel < {pixels}; pixel++)");
                writer.Line($"Elementwise.Softmax<{Simd}>(ref Unsafe.Add(ref output, pixel * {step}), {channels});");
                writer.Close();
                break;
            case MapKind.Shuffle:
                writer.Line($"PixelLayout.ShuffleChannels(ref input, ref output, {step}, {channels}, {d.Groups}, {pixels});");
                break;
            case MapKind.Add:
                CopyPixels("input", d.Input.PixelStep, "output", step, channels, pixels);
                writer.Line($"Elementwise.Add<{Simd}>(ref output, ref residual, {pixels * step});");
                break;
            case MapKind.Multiply:
                CopyPixels("input", d.Input.PixelStep, "output", step, channels, pixels);
                writer.Line($"Elementwise.Multiply<{Simd}>(ref output, ref residual, {pixels * step});");
                break;
            case MapKind.MultiplyByChannel:
                CopyPixels("input", d.Input.PixelStep, "output", step, channels, pixels);
                writer.Line($"Elementwise.ScaleChannels<{Simd}>(ref output, ref residual, {channels}, {pixels}, {step});");
                break;
            case MapKind.Flatten:
                writer.Line($"PixelLayout.ToPlanar<{Simd}>(ref input, {d.Input.PixelStep}, ref output, {pixels}, {channels}, {pixels});");
                break;
        }
    }

    /// <summary>Declares <c>first</c>, <c>from</c> and <c>to</c>: the window's first input row and the kernel rows that lie inside the map.</summary>
    private void EmitWindowRows(string y, int stride, int padTop, RowWindow window, int height) => WindowRows(writer, y, stride, padTop, window, height);

    /// <inheritdoc cref="EmitWindowRows"/>
    public static void WindowRows(SourceWriter writer, string y, int stride, int padTop, RowWindow window, int height)
    {
        int dilation = window.Dilation.Height, kernel = window.Kernel.Height;
        string scaled = stride == 1 ? y : FormattableString.Invariant($"({y} * {stride})");
        writer.Line($"int first = {(padTop == 0 ? scaled : FormattableString.Invariant($"{scaled} - {padTop}"))};");
        writer.Line(dilation == 1
            ? "int from = Math.Max(0, -first);"
            : FormattableString.Invariant($"int from = first >= 0 ? 0 : ({dilation - 1} - first) / {dilation};"));
        writer.Line(dilation == 1
            ? FormattableString.Invariant($"int to = Math.Min({kernel}, {height} - first);")
            : FormattableString.Invariant($"int to = Math.Min({kernel}, ({height + dilation - 1} - first) / {dilation});"));
    }

    /// <summary>The kernel's <c>row</c>: the window's first row, or its place in the ring.</summary>
    private static string RowArgument(RowSource source, int padTop)
    {
        return source.RingRows == 0 ? "first" : RingPlace(source.RingRows, padTop);
    }

    /// <summary>The place of row <c>first</c> in a ring; above the map it is negative, so it is lifted by whole turns.</summary>
    public static string RingPlace(int ringRows, int padTop)
    {
        int lift = (padTop + ringRows - 1) / ringRows * ringRows;
        return lift == 0 ? "first % RingRows" : FormattableString.Invariant($"(first + {lift}) % RingRows");
    }

    /// <summary>Puts a residual that cannot be read by whole vectors where the kernel will find it.</summary>
    private void PutResidual(TensorView? residual, Initial initial, string pixel, string destination, int destinationStep, int pixels)
    {
        if (residual is not null && initial == Initial.BiasAndDestination)
            LoadPixels(PixelAt("residual", residual, pixel), residual, destination, destinationStep, pixels);
    }

    private void LoadPixels(string source, TensorView view, string destination, int destinationStep, int pixels)
    {
        if (view.IsPlanar)
            writer.Line($"PixelLayout.FromPlanar<{Simd}>(ref {source}, {view.ChannelStep}, ref {destination}, {destinationStep}, {view.Shape.Channels}, {pixels});");
        else
            CopyPixels(source, view.PixelStep, destination, destinationStep, view.Shape.Channels, pixels);
    }

    private void StorePixels(string source, int sourceStep, TensorView view, string pixel, int pixels, string? at = null)
    {
        string destination = at is null ? PixelAt("output", view, pixel) : KernelText.At("output", at);
        if (view.IsPlanar)
            writer.Line($"PixelLayout.ToPlanar<{Simd}>(ref {source}, {sourceStep}, ref {destination}, {view.ChannelStep}, {view.Shape.Channels}, {pixels});");
        else
            CopyPixels(source, sourceStep, destination, view.PixelStep, view.Shape.Channels, pixels);
    }

    private void CopyPixels(string source, int sourceStep, string destination, int destinationStep, int channels, int pixels) =>
        writer.Line($"PixelLayout.CopyPixels(ref {source}, {sourceStep}, ref {destination}, {destinationStep}, {channels}, {pixels});");

    private void Pass(ActivationFunction activation, string reference, int count) => ActivationPass(writer, vector, activation, reference, count);

    /// <summary>An activation over <paramref name="count"/> floats in memory.</summary>
    public static void ActivationPass(SourceWriter writer, VectorSyntax vector, ActivationFunction activation, string reference, int count)
    {
        if (activation.IsNone)
            return;
        string arguments = activation.Kind == ActivationKind.LeakyReLU ? FormattableString.Invariant($"{count}, {activation.Slope:R}f") : FormattableString.Invariant($"{count}");
        writer.Line($"Elementwise.{activation.Kind}<{vector.Simd}>(ref {reference}, {arguments});");
    }

    private static string Clear(string reference, int length) => FormattableString.Invariant($"MemoryMarshal.CreateSpan(ref {reference}, {length}).Clear();");

    private static string RowAt(string reference, TensorView view, string row) => KernelText.At(reference, Times(row, view.RowStep));

    private static string PixelAt(string reference, TensorView view, string pixel) => pixel == "0" ? reference : KernelText.At(reference, Times(pixel, view.PixelStep is 0 ? 1 : view.PixelStep));

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
