using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Scheduling;

namespace EfficientConv.Dsl.Compiler.Emission;

/// <content>Expand, depthwise, project.</content>
internal sealed partial class DriverEmitter
{
    private void EmitFusedRows(FusedRowsDriver d)
    {
        Shape before = d.Expanded;
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

        EmitWeights(d.Offsets, d.Stem is not null ? "stem" : d.Expand is not null ? "expand" : null);
        bool own = ring || d.Finish.Buffer is not null || d.Gated is not null || d.Squeeze is null;
        writer.Line("ref float own = ref part.Own(ref scratch);", own);
        writer.Line($"ref float rings = ref {KernelText.At("own", d.Ring)};", ring);
        writer.Line($"ref float depthwiseRows = ref {KernelText.At(d.Squeeze is null ? "own" : "scratch", d.DepthwiseRows)};");
        if (d.Finish.Buffer is { } buffer)
            writer.Line($"ref float outputRows = ref {KernelText.At("own", buffer)};");
        if (d.Squeeze is not null)
        {
            writer.Line($"ref float gate = ref {KernelText.At("scratch", d.Squeeze.Sums)};");
            writer.Line("// The channel sums run over the rows from top to bottom: the first thread's as it goes, then the others' one after the other.");
            writer.Line("if (part.Index == 0)");
            writer.Line("    " + Clear("gate", Text(d.Squeeze.PaddedChannels)));
        }

        writer.Line($"MemoryMarshal.CreateSpan(ref rings, {(slabbed ? "Slabs * " : string.Empty)}RingRows * ExpandedRow).Clear();", haloed);
        writer.Line($"int firstRow = {StepRow("part.First", d)}, endRow = {StepRow("part.End", d)};");
        writer.Line($"int loaded = Math.Max(0, {Sum(Times("firstRow", d.StrideHeight), -d.PadTop)});", ring);
        if (d.Stem is not null)
            EmitInputRing(d.Stem, "own");

        writer.Line();
        writer.Open($"for (int y = firstRow; y < endRow; y += {(d.Rows > 1 ? "RowsPerStep" : "1")})");

        // Rows that the last window of this step reaches.
        int reach = ((d.Rows - 1) * d.StrideHeight) + (window.Dilation.Height * (window.Kernel.Height - 1)) + 1 - d.PadTop;
        if (ring)
        {
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
            if (d.Stem is not null)
            {
                EmitStemRow(d.Stem, d.Input, "row", "expanded");
                Pass(d.ExpandPass, "expanded", before.Width * d.Slab);
            }
            else if (d.Expand is null)
            {
                LoadPixels(inputRow, d.Input, "expanded", source.PixelStep, Text(before.Width));
            }
            else
            {
                writer.Line(names.Call(d.Expand, inputRow, slabbed ? KernelText.At("expandWeights", FormattableString.Invariant($"slab * SlabChannels * {d.Expand.InChannels}")) : "expandWeights", slabbed ? "Unsafe.Add(ref expandBias, slab * SlabChannels)" : "expandBias", "expanded"));
                Pass(d.ExpandPass, "expanded", before.Width * d.Slab);
            }

            writer.Close();
        }

        if (d.Rows > 1)
            writer.Open("for (int r = 0; r < RowsPerStep; r++)");
        EmitWindowRows(d.Rows > 1 ? "(y + r)" : "y", d.StrideHeight, d.PadTop, window, before.Height);
        string row = d.Squeeze is not null ? (d.Rows > 1 ? "(y + r)" : "y") : d.Rows > 1 ? "r" : "0";
        string slabOffset = d.Depthwise.Epilogue.Store == StoreForm.Interleaved ? "slab * SlabChannels * 2" : "slab * SlabChannels";
        string at = row == "0" ? (slabbed ? slabOffset : "0") : slabbed ? $"({row} * DepthwiseRow) + ({slabOffset})" : $"{row} * DepthwiseRow";
        writer.Line($"ref float depthwiseRow = ref {KernelText.At("depthwiseRows", at)};");
        writer.Line($"{names.Method(depthwise)}(ref {(ring ? "ring" : "input")}, {RowArgument(source, d.PadTop)}, from, to, ref {(slabbed ? "Unsafe.Add(ref depthwiseWeights, slab * SlabTaps)" : "depthwiseWeights")}, ref {(slabbed ? "Unsafe.Add(ref depthwiseBias, slab * SlabChannels)" : "depthwiseBias")}, ref depthwiseRow);");
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
            writer.Line("if (part.Index == 0)");
            writer.Line("    " + Accumulate(stepRows, Text(d.Rows * outWidth), Text(d.Rows * outWidth / 2)));
            writer.Close();
            writer.Line();
            writer.Open("for (int other = 1; other < part.Count; other++)");
            writer.Line("part.Barrier();");
            writer.Line("if (part.Index == other)");
            writer.Line("    " + Accumulate("Unsafe.Add(ref depthwiseRows, firstRow * DepthwiseRow)", FormattableString.Invariant($"(endRow - firstRow) * {outWidth}"), FormattableString.Invariant($"(endRow - firstRow) * {outWidth / 2}")));
            writer.Close();
            writer.Line("part.Barrier();");
            ChannelRange(d.Hidden);
            EmitGate(d.Squeeze, "gate", d.Output.Shape.Pixels);
            if (d.Gated is not null)
            {
                writer.Line($"ref float gatedWeights = ref {KernelText.At("own", d.Gated.Offset)};");
                EmitGatedWeights(d.Gated, "projectWeights", "gate");
            }

            writer.Line();
            writer.Open($"for (int y = firstRow; y < endRow; y += {(d.Rows > 1 ? "RowsPerStep" : "1")})");
            writer.Line(
                d.Depthwise.Epilogue.Store == StoreForm.Interleaved
                    ? FormattableString.Invariant($"PixelPairs.ScaleChannels(ref {stepRows}, ref gate, {d.Hidden}, {d.Rows * outWidth / 2});")
                    : FormattableString.Invariant($"Elementwise.ScaleChannels<{Simd}>(ref {stepRows}, ref gate, {d.Hidden}, {d.Rows * outWidth}, {d.HiddenStep});"),
                d.Gated is null);
        }

        Project(
            d.Project, d.Finish, d.Residual, d.Output, d.Finish.Buffer is not null ? "outputRows" : null, stepRows, FormattableString.Invariant($"y * {outWidth}"),
            d.Gated is not null ? "gatedWeights" : "projectWeights",
            d.AddsExpanded ? KernelText.At("ring", Sum("(y % RingRows) * ExpandedRow", source.Left * d.Slab)) : null, RowAt("input", d.Input, $"({Sum(Times("y", d.StrideHeight), reach)})"));
        writer.Close();

        string Accumulate(string rows, string pixels, string pairs) => d.Depthwise.Epilogue.Store == StoreForm.Interleaved
            ? $"PixelPairs.AccumulateChannels(ref {rows}, ref gate, {d.Hidden}, {2 * d.Hidden}, {pairs});"
            : $"Elementwise.AccumulateChannels<{Simd}>(ref {rows}, ref gate, {d.Hidden}, {pixels}, {d.HiddenStep});";
    }

    /// <summary>A block's weights; what stands in front of its depthwise layer is named so, or there is none.</summary>
    private void EmitWeights(FusedOffsets offsets, string? front)
    {
        if (front is not null)
            Layer(front, offsets.Expand, offsets.ExpandBias);
        Layer("depthwise", offsets.Depthwise, offsets.DepthwiseBias);
        Layer("project", offsets.Project, offsets.ProjectBias);

        void Layer(string name, ArenaOffset weights, ArenaOffset bias)
        {
            writer.Line($"ref float {name}Weights = ref {KernelText.At("weights", weights)};");
            writer.Line($"ref float {name}Bias = ref {KernelText.At("weights", bias)};");
        }
    }

    /// <summary>A projection's weights times the gate, into <c>gatedWeights</c>.</summary>
    private void EmitGatedWeights(GatedWeights gated, string weights, string gate)
    {
        int at = 0, run = 0;
        foreach ((int panels, int width, int tiles) in gated.Panels)
        {
            string from = Text(at), count = Text(panels);
            if (tiles > 0)
            {
                string first = FormattableString.Invariant($"firstPanel{run}");
                writer.Line($"int {first} = part.First({panels * tiles}) / {tiles}, panels{run} = ((part.End({panels * tiles}) + {tiles - 1}) / {tiles}) - {first};");
                from = (at == 0 ? string.Empty : FormattableString.Invariant($"{at} + ")) + FormattableString.Invariant($"({first} * {gated.Rows * width})");
                count = FormattableString.Invariant($"panels{run}");
            }

            writer.Line($"Elementwise.ScaleRows<{Simd}>(ref {KernelText.At(weights, from)}, ref {gate}, ref {KernelText.At("gatedWeights", from)}, {count}, {gated.Rows}, {width});");
            at += panels * gated.Rows * width;
            run++;
        }
    }

    private static string StepRow(string unit, FusedRowsDriver d) => Times(FormattableString.Invariant($"{unit}({d.Output.Shape.Height / d.Rows})"), d.Rows);

    /// <summary>The ring with a stem's input rows, where they do not lie ready.</summary>
    private void EmitInputRing(StemPart stem, string own)
    {
        RowSource source = stem.Kernel.Source;
        if (source.RingRows == 0)
            return;
        writer.Line($"const int InputRingRows = {source.RingRows};");
        writer.Line($"const int InputRow = {RowLength(source)};");
        writer.Line($"ref float inputRing = ref {KernelText.At(own, stem.Ring)};");
        writer.Line("MemoryMarshal.CreateSpan(ref inputRing, InputRingRows * InputRow).Clear();");
        writer.Line("int inputLoaded = 0;");
    }

    /// <summary>One row of the map between a stem and what stands behind it, and before it the input rows that its window still lacks.</summary>
    private void EmitStemRow(StemPart stem, TensorView input, string row, string destination)
    {
        ConvolutionKernel kernel = stem.Kernel;
        int height = input.Shape.Height;
        WindowRows(writer, row, stem.StrideHeight, stem.PadTop, kernel.Window, height, "firstInput", "fromInput", "toInput");
        if (kernel.Source.RingRows > 0)
        {
            writer.Open($"for (inputLoaded = Math.Max(inputLoaded, Math.Max(firstInput, 0)); inputLoaded < Math.Min({height}, firstInput + InputRingRows); inputLoaded++)");
            LoadRow(stem.Load, input, kernel.Source, "inputLoaded", KernelText.At("inputRing", Sum("(inputLoaded % InputRingRows) * InputRow", kernel.Source.Left * kernel.Source.PixelStep)));
            writer.Close();
        }

        string rows = kernel.Source.RingRows > 0 ? "inputRing" : "input", place = RowArgument(kernel.Source, stem.PadTop, "firstInput", "InputRingRows");
        writer.Line($"{names.Of(kernel)}(ref {rows}, {place}, fromInput, toInput, ref stemWeights, ref stemBias, ref {destination});");
    }

    private void Project(
        ProductKernel kernel, Finish finish, TensorView? residual, TensorView output, string? buffer, string rows, string pixel, string weights,
        string? addedRow = null, string? given = null)
    {
        string destination = buffer ?? PixelAt("output", output, pixel);
        PutResidual(residual, kernel.Epilogue.Start, pixel, destination, kernel.OutPixelStep, output, kernel.Pixels);
        string? added = kernel.Epilogue.AddsResidual ? addedRow ?? PixelAt("residual", residual!, pixel) : null;
        writer.Line(kernel is PointwiseKernel product
            ? names.Call(product, rows, weights, "projectBias", destination, added, given)
            : $"{names.Of(kernel)}(ref {rows}, ref {weights}, ref projectBias, ref {destination}{(added is null ? string.Empty : $", ref {added}")});");
        Finish(finish, destination, kernel.OutPixelStep, kernel.Pixels, output, PixelAt("output", output, pixel));
    }

    private void EmitFusedSlabs(FusedSlabsDriver d)
    {
        int outWidth = d.Output.Shape.Width, lanes = vector.Target.Lanes, outPadded = vector.Target.Padded(d.First.OutChannels);
        string destination = d.Finish.Buffer is not null ? "outputMap" : "output";
        writer.Line($"const int SlabChannels = {d.Slab};", d.Slabs > 1);
        writer.Line($"const int DepthwiseRow = {outWidth} * {lanes};");
        EmitWeights(d.Offsets, d.Expand is null ? null : "expand");
        writer.Line("ref float own = ref part.Own(ref scratch);", d.ByRow || d.Expand is not null || d.Gated is not null);
        writer.Line($"ref float expanded = ref {KernelText.At("own", d.Expanded)};", d.Expand is not null);
        bool several = !d.ByRow && (d.Slabs > 1 || d.Squeeze is not null);
        writer.Line($"const int SlabMap = {d.Output.Shape.Pixels} * {d.Slab};", !d.ByRow && d.Slabs > 1);
        writer.Line($"ref float {(several ? "depthwiseMap" : "depthwise")} = ref {KernelText.At(d.ByRow ? "own" : "scratch", d.DepthwiseSlab)};");
        if (d.Finish.Buffer is { } buffer)
            writer.Line($"ref float outputMap = ref {KernelText.At("scratch", buffer)};");
        if (d is { PrefetchesNext: true, Prefetch.Projection: { Units: > 0 } own })
            writer.Line($"int ownWeights = part.First({own.Units}) * {own.UnitLength};");

        if (d.Squeeze is not null)
            EmitSlabsWithGate(d, d.Squeeze, destination, outPadded);
        else if (d.ByRow)
            EmitSlabsByRow(d, destination, outPadded);
        else
            EmitSlabsOfMap(d, destination, outPadded);
    }

    /// <summary>Every thread runs all slabs over rows of its own, and expands the rows around them again.</summary>
    private void EmitSlabsByRow(FusedSlabsDriver d, string destination, int outPadded)
    {
        LanewiseKernel depthwise = d.Depthwise;
        RowWindow window = depthwise.Window;
        int outHeight = d.Output.Shape.Height, outWidth = d.Output.Shape.Width, inHeight = d.Input.Shape.Height, step = d.First.OutPixelStep, lanes = vector.Target.Lanes;
        bool put = d.Residual is not null && d.First.Epilogue.Start == AccumulatorStart.BiasAndDestination;
        writer.Line($"int firstRow = part.First({outHeight}), endRow = part.End({outHeight});");
        if (d.Expand is not null)
        {
            int reach = (window.Dilation.Height * (window.Kernel.Height - 1)) + 1 - d.PadTop - d.StrideHeight;
            writer.Line($"int firstExpanded = Math.Max(0, {Sum(Times("firstRow", d.StrideHeight), -d.PadTop)}), endExpanded = Math.Min({inHeight}, {Sum(Times("endRow", d.StrideHeight), reach)});");
        }

        if (put || !d.Finish.IsNone)
            writer.Line($"int pixel = firstRow * {outWidth}, pixels = (endRow - firstRow) * {outWidth};");
        string ownOutput = PixelAt(destination, step, "pixel");
        if (put)
            _runtime.Put(PixelAt("residual", d.Residual!, "pixel"), d.Residual!, ownOutput, step, d.Output.Shape.Channels, "pixels");
        writer.Line();
        writer.Loop("slab", d.Slabs, () =>
        {
            if (d.Expand is not null)
            {
                writer.Line(names.Call(
                    d.Expand, RowAt("input", d.Input, "firstExpanded"), OfSlab(d, "expandWeights", FormattableString.Invariant($"SlabChannels * {d.Expand.InChannels}")), OfSlab(d, "expandBias", "SlabChannels"),
                    FormattableString.Invariant($"Unsafe.Add(ref expanded, firstExpanded * {d.Input.Shape.Width * lanes})"), rows: "endExpanded - firstExpanded"));
            }

            writer.Open("for (int y = firstRow; y < endRow; y++)");
            DepthwiseRowOfSlab(d);
            writer.Close();
            EmitProjections(d, kernel => names.Call(
                kernel, "Unsafe.Add(ref depthwise, firstRow * DepthwiseRow)", OfSlab(d, "projectWeights", FormattableString.Invariant($"SlabChannels * {outPadded}")), "projectBias",
                PixelAt(destination, step, FormattableString.Invariant($"firstRow * {outWidth}")), d.Residual is null ? null : RowAt("residual", d.Residual, "firstRow"), rows: "endRow - firstRow"));
        });
        Finish(d.Finish, ownOutput, step, Size.Of("pixels"), d.Output, PixelAt("output", d.Output, "pixel"));
    }

    private static string OfSlab(FusedSlabsDriver d, string reference, string length) => d.Slabs > 1 ? KernelText.At(reference, "slab * " + length) : reference;

    private void DepthwiseRowOfSlab(FusedSlabsDriver d)
    {
        RowWindow window = d.Depthwise.Window;
        EmitWindowRows("y", d.StrideHeight, d.PadTop, window, d.Input.Shape.Height);
        string source = d.Expand is not null ? "expanded" : OfSlab(d, "input", "SlabChannels");
        writer.Line($"{names.Method(d.Depthwise)}(ref {source}, first, from, to, ref {OfSlab(d, "depthwiseWeights", FormattableString.Invariant($"SlabChannels * {window.Kernel.Height * window.Kernel.Width}"))}, ref {OfSlab(d, "depthwiseBias", "SlabChannels")}, ref Unsafe.Add(ref depthwise, y * DepthwiseRow));");
    }

    /// <summary>The projection's kernel for the first slab, those between or the last.</summary>
    private void EmitProjections(FusedSlabsDriver d, Func<PointwiseKernel, string> call)
    {
        PointwiseKernel[] kernels = [.. d.Projections];
        for (int i = 0; i < kernels.Length; i++)
        {
            if (d.Slabs > 1)
                writer.Line(i == 0 ? "if (slab == 0)" : i == 1 && kernels[i] != d.Middle ? FormattableString.Invariant($"else if (slab == {d.Slabs - 1})") : "else");
            writer.Line((d.Slabs > 1 ? "    " : string.Empty) + call(kernels[i]));
        }
    }

    /// <summary>One thread projects each slab as soon as it has made it; several make their slabs first, and wait for each other once.</summary>
    private void EmitSlabsOfMap(FusedSlabsDriver d, string destination, int outPadded)
    {
        BeginMap(d, d.First, d.Finish, destination);
        writer.Line();
        if (d.Slabs == 1)
        {
            writer.Line("// There is one slab, which the first thread makes and all project.");
            writer.Open("if (part.Index == 0)");
            MakeSlab(d);
            writer.Close();
            writer.Line("part.Barrier();");
            writer.Line(Call(d.First));
        }
        else
        {
            writer.Line("// One thread projects each slab as soon as it has made it. Several make all slabs first, each a share of them, and then project them in their order.");
            writer.Line($"int together = part.Count == 1 ? 1 : {d.Slabs}, made = part.End({d.Slabs});");
            writer.Open($"for (int ready = 0; ready < {d.Slabs}; ready += together)");
            writer.Open("for (int slab = ready + part.First(together); slab < ready + part.End(together); slab++)");
            writer.Line("ref float depthwise = ref Unsafe.Add(ref depthwiseMap, (slab - ready) * SlabMap);");
            MakeSlab(d);
            writer.Close();
            writer.Line();
            writer.Line("part.Barrier();");
            writer.Open("for (int slab = ready; slab < ready + together; slab++)");
            writer.Line("ref float depthwise = ref Unsafe.Add(ref depthwiseMap, (slab - ready) * SlabMap);");
            EmitProjections(d, Call);
            writer.Close();
            writer.Close();
        }

        FinishMap(d, d.First, d.Finish, destination);

        string Call(PointwiseKernel kernel) => names.Call(
            kernel, "depthwise", OfSlab(d, "projectWeights", FormattableString.Invariant($"SlabChannels * {outPadded}")), "projectBias", destination, "residual", NextProjection(d, outPadded));
    }

    /// <summary>The weights that a slab's projection prefetches: the next slab's, behind the last one the next step's.</summary>
    private static string NextProjection(FusedSlabsDriver d, int outPadded)
    {
        Size next = Size.Of(FormattableString.Invariant($"((slab + 1) * SlabChannels * {outPadded})"));
        return FormattableString.Invariant($"(slab == {d.Slabs - 1} ? ref next : ref {KernelText.At("projectWeights", next + OwnWeights(d))})");
    }

    /// <summary>Where a thread's own weights of a slab's projection begin.</summary>
    private static Size OwnWeights(FusedSlabsDriver d) => d.Prefetch is { Projection.Units: > 0 } ? Size.Of("ownWeights") : 0;

    /// <summary>Expansion and depthwise rows of the slab <c>slab</c> over the whole map, into <c>depthwise</c>.</summary>
    private void MakeSlab(FusedSlabsDriver d)
    {
        if (d.Expand is not null)
        {
            string given = FormattableString.Invariant($"(slab + 1 < made ? ref Unsafe.Add(ref expandWeights, (slab + 1) * SlabChannels * {d.Expand.InChannels}) : ref {KernelText.At("projectWeights", OwnWeights(d))})");
            string? gateWeights = null;
            if (d.Prefetch is { GateStep: > 0, Reduce: { } reduce, Expand: { } expand } prefetch)
            {
                writer.Line($"int fetched = (slab - firstMade) * {prefetch.GateStep};", d.Slabs > 1);
                gateWeights = d.Slabs > 1
                    ? $"(fetched < ownReduce ? ref {KernelText.At("weights", FormattableString.Invariant($"{KernelText.Floats(reduce.Offset)} + firstReduce + fetched"))} : ref {KernelText.At("weights", FormattableString.Invariant($"{KernelText.Floats(expand.Offset)} + firstExpand + fetched - ownReduce"))})"
                    : KernelText.At("weights", reduce.Offset);
            }

            writer.Line(names.Call(d.Expand, "input", OfSlab(d, "expandWeights", FormattableString.Invariant($"SlabChannels * {d.Expand.InChannels}")), OfSlab(d, "expandBias", "SlabChannels"), "expanded", given: given, gateWeights: gateWeights));
            Pass(d.ExpandPass, "expanded", d.Input.Shape.Pixels * d.Slab);
        }

        writer.Open($"for (int y = 0; y < {d.Output.Shape.Height}; y++)");
        DepthwiseRowOfSlab(d);
        writer.Close();
        Pass(d.DepthwisePass, "depthwise", d.Output.Shape.Pixels * d.Slab);
    }

    /// <summary>Each thread makes slabs of its own and sums up their channels; behind the gate all project slab after slab.</summary>
    private void EmitSlabsWithGate(FusedSlabsDriver d, SqueezePart squeeze, string destination, int outPadded)
    {
        int pixels = d.Output.Shape.Pixels, vectors = d.Slab / vector.Target.Lanes;
        writer.Line($"ref float gate = ref {KernelText.At("scratch", squeeze.Sums)};");
        if (d.Gated is not null)
            writer.Line($"ref float gatedWeights = ref {KernelText.At("own", d.Gated.Offset)};");
        BeginMap(d, d.First, d.Finish, destination);
        writer.Line();
        writer.Line("// Each thread makes slabs of its own and sums up their channels; the depthwise values stay for the products behind the gate.");
        writer.Line($"int firstMade = part.First({d.Slabs}), made = part.End({d.Slabs});");
        if (d is { Slabs: > 1, Prefetch: { Reduce.Units: var reduce, Expand.Units: var expand } })
        {
            writer.Line("// Of squeeze-and-excitation's weights it fetches its part of the first product's, then of the second's.");
            writer.Line($"int firstReduce = part.First({reduce}), ownReduce = part.End({reduce}) - firstReduce, firstExpand = part.First({expand});");
        }

        writer.Open("for (int slab = firstMade; slab < made; slab++)");
        writer.Line($"ref float depthwise = ref {OfSlab(d, "depthwiseMap", "SlabMap")};");
        MakeSlab(d);
        writer.Line($"Elementwise.SumChannels<{Simd}>(ref depthwise, ref {OfSlab(d, "gate", "SlabChannels")}, {vectors}, {pixels});");
        writer.Close();
        writer.Line();
        writer.Line("part.Barrier();");
        ChannelRange(d.Hidden);
        EmitGate(squeeze, "gate", pixels);
        writer.Line();
        bool scales = d.Gated is null;
        string Scale(string depthwise) => $"Elementwise.ScaleVectors<{Simd}>(ref {depthwise}, ref {OfSlab(d, "gate", "SlabChannels")}, {vectors}, {pixels});";
        if (scales)
        {
            writer.Line("// One thread scales each slab right before its products. Several scale first what they made.");
            writer.Open("if (part.Count > 1)");
            writer.Line("for (int slab = firstMade; slab < made; slab++)");
            writer.Line("    " + Scale(OfSlab(d, "depthwiseMap", "SlabMap")));
            writer.Line("part.Barrier();");
            writer.Close();
        }

        writer.Loop("slab", d.Slabs, () =>
        {
            string weights = OfSlab(d, "projectWeights", FormattableString.Invariant($"SlabChannels * {outPadded}"));
            writer.Line($"ref float depthwise = ref {OfSlab(d, "depthwiseMap", "SlabMap")};");
            if (scales)
            {
                writer.Line("if (part.Count == 1)");
                writer.Line("    " + Scale("depthwise"));
            }
            else
            {
                writer.Line($"ref float slabWeights = ref {weights};");
                writer.Line($"ref float slabGate = ref {OfSlab(d, "gate", "SlabChannels")};");
                EmitGatedWeights(d.Gated!, "slabWeights", "slabGate");
                weights = "gatedWeights";
            }

            EmitProjections(d, kernel => names.Call(kernel, "depthwise", weights, "projectBias", destination, "residual", NextProjection(d, outPadded)));
        }, braces: true);
        FinishMap(d, d.First, d.Finish, destination);
    }
}
