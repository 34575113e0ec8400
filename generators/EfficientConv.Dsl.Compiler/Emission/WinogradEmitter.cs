using EfficientConv.Dsl.Compiler.Folding;
using EfficientConv.Dsl.Compiler.Scheduling;
using static EfficientConv.Dsl.Compiler.Emission.SourceText;

namespace EfficientConv.Dsl.Compiler.Emission;

/// <summary>
/// Prints Winograd's algorithm (Lavin and Gray 2016). F(4x4, 3x3) has the points 0, 3/4, -3/4, 3/2, -3/2 and infinity, which spread the magnitudes of the 36
/// products more evenly than the customary 0, 1, -1, 2, -2: that makes the error several times smaller (Barabasz et al. 2020), and all
/// constants of both transforms are exact. F(2x2, 3x3) has 0, 1, -1 and infinity, and its stride-2 form 0, 1 and infinity for the even pixels: sums and differences alone.
/// </summary>
internal sealed class WinogradEmitter(SourceWriter writer, VectorSyntax vector)
{
    private int Lanes => vector.Target.Lanes;

    /// <summary>Prints how the weights are stored.</summary>
    public static void EmitPacking(SourceWriter writer, PackWinogradPanels packing)
    {
        foreach (PackPanels p in packing.Panels)
        {
            string destination = Text($"packed.Slice({KernelText.Floats(packing.Offset + p.Offset)}, {KernelText.Floats(new ArenaOffset(packing.Bytes - p.Offset.Bytes))})");
            writer.Line(
                $"Winograd.PackPanels(WinogradForm.{packing.Form.Name}, convolution, {destination}, outStart: {p.OutStart}, outEnd: {p.OutEnd}, " +
                $"panelWidth: {p.PanelWidth}, panelCount: {p.PanelCount}, weightStep: {packing.ProductStep});");
        }
    }

    public void Emit(string name, WinogradInputKernel kernel)
    {
        WinogradForm form = kernel.Form;
        string tiles = Text($"{kernel.TileRows} x {kernel.TileColumns} tiles of {form.Input} x {form.Input} pixels");
        writer.Line();
        writer.Lines($"""
            /// <summary>Winograd's input transform of {tiles}, {kernel.Channels} channels{Suffix(form)}: sums of rows, then of columns, d to t.</summary>
            /// <param name="rows">Input rows with zeros around them.</param>
            /// <param name="tiles">Factors of the products, [product][tile][channel].</param>
            /// <param name="temporary">Room for one tile of one vector.</param>
            {KernelText.MethodAttribute}
            """);
        using SourceWriter.Scope method = writer.Block(
            $"private static void {name}(ref float rows, ref float tiles, ref float temporary{KernelText.Share(kernel.Share).Parameter})");
        if (form == WinogradForm.F4x4)
        {
            Constants(
                ("product", "1.265625f"), ("sum", "-2.8125f"), ("outer", "-2.25f"), ("inner", "-0.5625f"), ("near", "0.75f"), ("far", "1.5f"), ("minusNear", "-0.75f"),
                ("minusFar", "-1.5f"));
        }

        bool byRow = kernel.Share == WorkShare.Tiles;
        if (byRow)
        {
            writer.Line($"int firstRow = part.First({kernel.TileRows}), endRow = part.End({kernel.TileRows});");
            writer.Line($"rows = ref Unsafe.Add(ref rows, firstRow * {form.Step * kernel.RowStep});");
            writer.Line($"tiles = ref Unsafe.Add(ref tiles, firstRow * {kernel.TileColumns * kernel.TileStep});");
        }

        using SourceWriter.Scope loop = byRow ? writer.Block("for (int tileRow = firstRow; tileRow < endRow; tileRow++)") : writer.Loop("tileRow", kernel.TileRows);
        writer.Line("ref float column = ref rows;");
        using (writer.Loop("tile", kernel.TileColumns))
        {
            using (Vectors(kernel.Vectors, kernel.Share))
                EmitTile(kernel);
            writer.Line($"column = ref Unsafe.Add(ref column, {form.Step * kernel.PixelStep});");
            writer.Line($"tiles = ref Unsafe.Add(ref tiles, {kernel.TileStep});");
        }

        writer.Line($"rows = ref Unsafe.Add(ref rows, {form.Step * kernel.RowStep});");
    }

    /// <summary>One vector of a tile: its rows, then its columns.</summary>
    private void EmitTile(WinogradInputKernel kernel)
    {
        WinogradForm form = kernel.Form;
        string at = VectorOffset(kernel.Vectors);
        writer.Line($"ref float source = ref {KernelText.At("column", at)};");
        writer.Line("ref float between = ref temporary;");
        using (writer.Block($"for (int row = 0; row < {form.Input}; row++)"))
        {
            Load(form, "source", kernel.PixelStep);
            TransformInput(form);
            StoreAll(form.Input, "between", Lanes);
            writer.Line($"source = ref Unsafe.Add(ref source, {kernel.RowStep});");
            writer.Line($"between = ref Unsafe.Add(ref between, {form.Input * Lanes});");
        }

        writer.Line();
        writer.Line("between = ref temporary;");
        writer.Line($"ref float destination = ref {KernelText.At("tiles", at)};");
        using SourceWriter.Scope columns = writer.Block($"for (int x = 0; x < {form.Input}; x++)");
        Load(form, "between", form.Input * Lanes);
        TransformInput(form);
        StoreAll(form.Input, "destination", form.Input * kernel.ProductStep);
        writer.Line($"between = ref Unsafe.Add(ref between, {Lanes});");
        writer.Line($"destination = ref Unsafe.Add(ref destination, {kernel.ProductStep});");
    }

    public void Emit(string name, WinogradOutputKernel kernel)
    {
        WinogradForm form = kernel.Form;
        EpilogueEmitter epilogue = new(writer, vector, kernel.Epilogue);
        bool residual = epilogue.AddsResidual, byRow = kernel.Share == WorkShare.Tiles;
        int rowStep = form.Output * kernel.Width * kernel.OutPixelStep, residualRowStep = form.Output * kernel.Width * kernel.Epilogue.ResidualPixelStep;
        int whole = kernel.Width / form.Output, rest = kernel.Width % form.Output;
        writer.Line();
        writer.Line(
            $"/// <summary>Winograd's output transform of up to {kernel.TileRows * form.Output} x {kernel.Width} pixels, {kernel.Channels} channels{Suffix(form)}" +
            $"{EpilogueEmitter.Describe(kernel.Epilogue)}.</summary>");
        writer.Lines("""
            /// <param name="tiles">Products, [product][tile][channel].</param>
            /// <param name="rows">Output rows that exist.</param>
            /// <param name="bias">Bias.</param>
            /// <param name="output">The first output row.</param>
            """);
        writer.Line("/// <param name=\"residual\">The first residual row.</param>", residual);
        writer.Line("/// <param name=\"temporary\">Room for one tile of one vector.</param>");
        writer.Line(KernelText.MethodAttribute);
        using SourceWriter.Scope method = writer.Block(
            $"private static void {name}(ref float tiles, int rows, ref float bias, ref float output, " +
            $"{(residual ? "ref float residual, " : string.Empty)}ref float temporary{KernelText.Share(kernel.Share).Parameter})");
        if (form == WinogradForm.F4x4)
            Constants(("near1", "0.75f"), ("far1", "1.5f"), ("near2", "0.5625f"), ("far2", "2.25f"), ("near3", "0.421875f"), ("far3", "3.375f"));
        epilogue.Constants();
        if (byRow)
        {
            writer.Line($"int firstRow = part.First({kernel.TileRows}), endTop = Math.Min(rows, part.End({kernel.TileRows}) * {form.Output});");
            writer.Line($"tiles = ref Unsafe.Add(ref tiles, firstRow * {(whole + (rest > 0 ? 1 : 0)) * kernel.TileStep});");
            writer.Line($"output = ref Unsafe.Add(ref output, firstRow * {rowStep});");
            writer.LineIf(residual, $"residual = ref Unsafe.Add(ref residual, firstRow * {residualRowStep});");
        }

        using SourceWriter.Scope rows = byRow
            ? writer.Block($"for (int top = firstRow * {form.Output}; top < endTop; top += {form.Output})")
            : writer.Block($"for (int top = 0; top < rows; top += {form.Output})");
        writer.Line($"int height = Math.Min({form.Output}, rows - top);");
        writer.Line("ref float column = ref output;");
        writer.Line("ref float added = ref residual;", residual);
        if (whole > 0)
        {
            using SourceWriter.Scope loop = writer.Loop("tile", whole, always: rest > 0);
            EmitTile(kernel, epilogue, form.Output);
        }

        if (rest > 0)
            EmitTile(kernel, epilogue, rest);
        writer.Line($"output = ref Unsafe.Add(ref output, {rowStep});");
        writer.LineIf(residual, $"residual = ref Unsafe.Add(ref residual, {residualRowStep});");
    }

    private void EmitTile(WinogradOutputKernel kernel, EpilogueEmitter epilogue, int columns)
    {
        WinogradForm form = kernel.Form;
        using (Vectors(kernel.Vectors, kernel.Share, always: columns < form.Output))
            EmitTile(kernel, epilogue, columns, VectorOffset(kernel.Vectors));
        writer.Line($"column = ref Unsafe.Add(ref column, {form.Output * kernel.OutPixelStep});");
        writer.LineIf(epilogue.AddsResidual, $"added = ref Unsafe.Add(ref added, {form.Output * kernel.Epilogue.ResidualPixelStep});");
        writer.Line($"tiles = ref Unsafe.Add(ref tiles, {kernel.TileStep});");
    }

    /// <summary>One vector of a tile: its columns, then its rows, with the epilogue.</summary>
    private void EmitTile(WinogradOutputKernel kernel, EpilogueEmitter epilogue, int columns, string at)
    {
        WinogradForm form = kernel.Form;
        int residualStep = kernel.Epilogue.ResidualPixelStep;
        OfChannel channel = new(KernelText.At("bias", at), 0);
        epilogue.Bias("start", channel);
        writer.Line($"ref float source = ref {KernelText.At("tiles", at)};");
        writer.Line("ref float between = ref temporary;");
        using (writer.Block($"for (int x = 0; x < {form.Input}; x++)"))
        {
            Load(form, "source", form.Input * kernel.ProductStep);
            TransformOutput(form, form.Output);
            StoreAll(form.Output, "between", form.Input * Lanes);
            writer.Line($"source = ref Unsafe.Add(ref source, {kernel.ProductStep});");
            writer.Line($"between = ref Unsafe.Add(ref between, {Lanes});");
        }

        writer.Line();
        writer.Line("between = ref temporary;");
        writer.Line($"ref float c = ref {KernelText.At("column", at)};");
        writer.LineIf(epilogue.AddsResidual, $"ref float r = ref {KernelText.At("added", at)};");
        using SourceWriter.Scope rows = writer.Block("for (int row = 0; row < height; row++)");
        Load(form, "between", Lanes);
        TransformOutput(form, columns);
        for (int x = 0; x < columns; x++)
        {
            Accumulator sum = new(
                Text($"sum{x}"), channel, vector.Add(Text($"t{x}"), "start"), new VectorPlace("c", x * kernel.OutPixelStep), new VectorPlace("r", x * residualStep));
            epilogue.Start(sum);
            epilogue.Finish(sum);
        }

        writer.Line($"between = ref Unsafe.Add(ref between, {form.Input * Lanes});");
        writer.Line($"c = ref Unsafe.Add(ref c, {kernel.Width * kernel.OutPixelStep});");
        writer.LineIf(epilogue.AddsResidual, $"r = ref Unsafe.Add(ref r, {kernel.Width * residualStep});");
    }

    /// <summary>A loop over vectors of channels, all or a thread's share.</summary>
    private SourceWriter.Scope Vectors(int count, WorkShare share, bool always = false) =>
        share == WorkShare.Panels ? writer.Block($"for (int v = part.First({count}); v < part.End({count}); v++)") : writer.Loop("v", count, always);

    /// <summary>From the first channel to that loop's vector.</summary>
    private string VectorOffset(int count) => count > 1 ? Text($"v * {Lanes}") : "0";

    private void Constants(params (string Name, string Value)[] constants)
    {
        foreach ((string name, string value) in constants)
            Local(name, vector.Create(value));
    }

    private void Load(WinogradForm form, string reference, int step)
    {
        for (int i = 0; i < form.Input; i++)
            writer.Line($"{vector.Type} d{i} = {vector.Load(reference, i * step)};");
    }

    private void StoreAll(int count, string reference, int step)
    {
        for (int i = 0; i < count; i++)
            writer.Line(vector.Store(Text($"t{i}"), reference, i * step));
    }

    /// <summary>
    /// One dimension of the input transform: a point's factor is the input as a polynomial's coefficients against those of the product of all other
    /// points' linear factors. Opposite points share the even and the odd part.
    /// </summary>
    private void TransformInput(WinogradForm form)
    {
        if (form == WinogradForm.F2x2)
        {
            Local("t0", vector.Subtract("d2", "d0"));
            Local("t1", vector.Add("d1", "d2"));
            Local("t2", vector.Subtract("d2", "d1"));
            Local("t3", vector.Subtract("d3", "d1"));
            return;
        }

        if (form == WinogradForm.F2x2Stride2)
        {
            Local("t0", vector.Subtract("d0", "d2"));
            Local("t1", "d2");
            Local("t2", vector.Subtract("d4", "d2"));
            Local("t3", "d1");
            Local("t4", "d3");
            return;
        }

        Local("evenNear", vector.Fma("outer", "d2", "d4"));
        Local("oddNear", vector.Fma("outer", "d1", "d3"));
        Local("evenFar", vector.Fma("inner", "d2", "d4"));
        Local("oddFar", vector.Fma("inner", "d1", "d3"));
        Local("t0", vector.Fma("product", "d0", vector.Fma("sum", "d2", "d4")));
        Local("t1", vector.Fma("near", "oddNear", "evenNear"));
        Local("t2", vector.Fma("minusNear", "oddNear", "evenNear"));
        Local("t3", vector.Fma("far", "oddFar", "evenFar"));
        Local("t4", vector.Fma("minusFar", "oddFar", "evenFar"));
        Local("t5", vector.Fma("product", "d1", vector.Fma("sum", "d3", "d5")));
    }

    /// <summary>One dimension of the output transform: the polynomial's products at the points, times their powers, for the first <paramref name="count"/> outputs.</summary>
    private void TransformOutput(WinogradForm form, int count)
    {
        if (form == WinogradForm.F2x2)
        {
            Local("t0", vector.Add(Group(vector.Add("d0", "d1")), "d2"));
            if (count > 1)
                Local("t1", vector.Add(Group(vector.Subtract("d1", "d2")), "d3"));
            return;
        }

        if (form == WinogradForm.F2x2Stride2)
        {
            Local("t0", vector.Add(Group(vector.Add("d0", "d1")), "d3"));
            if (count > 1)
                Local("t1", vector.Add(Group(vector.Add("d1", "d2")), "d4"));
            return;
        }

        Local("sumNear", vector.Add("d1", "d2"));
        Local("sumFar", vector.Add("d3", "d4"));
        if (count > 1)
        {
            Local("differenceNear", vector.Subtract("d1", "d2"));
            Local("differenceFar", vector.Subtract("d3", "d4"));
        }

        Local("t0", vector.Add(Group(vector.Add("d0", "sumNear")), "sumFar"));
        if (count > 1)
            Local("t1", vector.Fma("far1", "differenceFar", vector.Multiply("near1", "differenceNear")));
        if (count > 2)
            Local("t2", vector.Fma("far2", "sumFar", vector.Multiply("near2", "sumNear")));
        if (count > 3)
            Local("t3", vector.Fma("far3", "differenceFar", vector.Fma("near3", "differenceNear", "d5")));
    }

    private void Local(string name, string value) => writer.Line($"{vector.Type} {name} = {value};");

    private static string Suffix(WinogradForm form) => form.Stride == 1 ? string.Empty : Text($", stride {form.Stride}");

    /// <summary>An operand: infix operators need parentheses around them.</summary>
    private static string Group(string expression) => expression.Contains(" + ") || expression.Contains(" - ") ? $"({expression})" : expression;
}
