using EfficientConv.Dsl.Compiler.Folding;
using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Model;
using EfficientConv.Dsl.Compiler.Scheduling;
using static EfficientConv.Dsl.Compiler.Emission.SourceText;

namespace EfficientConv.Dsl.Compiler.Emission;

/// <summary>Prints the function that packs a network's weights for one plan.</summary>
internal static class PackEmitter
{
    /// <summary>Prints it.</summary>
    /// <param name="writer">Text.</param>
    /// <param name="plan">The plan.</param>
    /// <param name="convolutions">Where the folded convolutions are; null to fold them here.</param>
    public static void Emit(SourceWriter writer, NetworkPlan plan, FoldedConvolutions? convolutions)
    {
        writer.Line();
        writer.Line("/// <summary>Folds batch norm and stores every weight in the order in which the kernels read it.</summary>");
        using SourceWriter.Scope method = writer.Block("public static void Pack(WeightReader weights, Span<float> packed)");
        foreach (StagePacking packing in plan.Packing)
        {
            writer.Line($"// {packing.Convolution?.Key.Canonical ?? packing.Source.Name}");
            if (convolutions?.Call(packing) is { } call)
                SetConvolution(call);
            else if (convolutions is null && FoldedConvolutions.Expression(packing) is { } expression)
                SetConvolution(expression);
            for (int i = 0; i < packing.Instructions.Count; i++)
            {
                int equal = convolutions is null ? 1 : Steady(packing.Instructions, i);
                if (equal > 1)
                    EmitPanels(writer, (PackPanels)packing.Instructions[i], (PackPanels)packing.Instructions[i + 1], equal);
                else
                    Emit(writer, packing.Instructions[i]);
                i += equal - 1;
            }
        }

        void SetConvolution(string value) => writer.Line($"{writer.Local("FoldedConvolution", "convolution")} = {value};");
    }

    /// <summary>Floats of a block.</summary>
    private static int Length(PackInstruction instruction) => KernelText.Floats(new ArenaOffset(instruction.Bytes));

    /// <summary>How many panels from <paramref name="first"/> on differ by the same steps.</summary>
    private static int Steady(EquatableArray<PackInstruction> instructions, int first)
    {
        int count = 1;
        if (instructions[first] is not PackPanels || first + 1 >= instructions.Count || instructions[first + 1] is not PackPanels)
            return count;
        PackPanels a = (PackPanels)instructions[first], b = (PackPanels)instructions[first + 1];
        while (first + count < instructions.Count && instructions[first + count] is PackPanels next && next.Equals(a with
        {
            Offset = new ArenaOffset(a.Offset.Bytes + (count * (b.Offset.Bytes - a.Offset.Bytes))),
            OutStart = a.OutStart + (count * (b.OutStart - a.OutStart)),
            KStart = a.KStart + (count * (b.KStart - a.KStart)),
        }))
            count++;
        return count;
    }

    private static void EmitPanels(SourceWriter writer, PackPanels first, PackPanels second, int count)
    {
        Size i = Size.Of("i");
        int start = KernelText.Floats(first.Offset);
        Size offset = start + (i * (KernelText.Floats(second.Offset) - start));
        Size outStart = first.OutStart + (i * (second.OutStart - first.OutStart)), kStart = first.KStart + (i * (second.KStart - first.KStart));
        writer.Line($"for (int i = 0; i < {count}; i++)");
        writer.Line($"    {Panels(Text($"packed.Slice({offset}, {Length(first)})"), first, outStart, kStart)}");
    }

    private static string Panels(string destination, PackPanels pack, Size outStart, Size kStart) => Text(
        $"convolution.PackPanels({destination}, outStart: {outStart}, outEnd: {pack.OutEnd}, panelWidth: {pack.PanelWidth}, panelCount: {pack.PanelCount}, " +
        $"kStart: {kStart}, kCount: {pack.KCount});");

    private static void EmitScaleShift(SourceWriter writer, PackScaleShift pack)
    {
        int half = Length(pack) / 2;
        string scale = Slice(KernelText.Floats(pack.Offset), half), shift = Slice(KernelText.Floats(pack.Offset) + half, half);
        switch (pack.Operator)
        {
            case BatchNormOperator norm when pack.InPairs:
                writer.Line($"{writer.Local("float[]", "scale")} = new float[{half / 2}];");
                writer.Line($"{writer.Local("float[]", "shift")} = new float[{half / 2}];");
                writer.Line($"FoldedConvolution.BatchNormScaleShift(weights, {FoldedConvolutions.BatchNormArguments(norm)}, scale, shift);");
                writer.Line($"FoldedConvolution.PackPairs(scale, {scale});");
                writer.Line($"FoldedConvolution.PackPairs(shift, {shift});");
                break;
            case BatchNormOperator norm:
                writer.Line($"FoldedConvolution.BatchNormScaleShift(weights, {FoldedConvolutions.BatchNormArguments(norm)}, {scale}, {shift});");
                break;
            case LayerScaleOperator { Key.Key: var key }:
                string factors = $"weights.Tensor({PlainText.Quote(key)})";
                writer.Line(pack.InPairs ? $"FoldedConvolution.PackPairs({factors}, {scale});" : $"{factors}.CopyTo({scale});");
                break;
            default:
                throw new InvalidOperationException($"{pack.Operator} has no factors.");
        }
    }

    private static string Slice(int offset, int length) => Text($"packed.Slice({offset}, {length})");

    private static void Emit(SourceWriter writer, PackInstruction instruction)
    {
        string slice = Slice(KernelText.Floats(instruction.Offset), Length(instruction));
        switch (instruction)
        {
            case PackPanels p:
                writer.Line(Panels(slice, p, p.OutStart, p.KStart));
                break;
            case PackPixelPairs p:
                writer.Line($"convolution.PackPixelPairs({slice}, kStart: {p.KStart}, kCount: {p.KCount});");
                break;
            case PackBiasPairs:
                writer.Line($"convolution.PackBiasPairs({slice});");
                break;
            case PackWinogradPanels p:
                WinogradEmitter.EmitPacking(writer, p);
                break;
            case PackBias:
                writer.Line($"convolution.PackBias({slice});");
                break;
            case PackTensor t:
                writer.Line($"weights.Tensor({PlainText.Quote(t.Key.Key)}).CopyTo({slice});");
                break;
            case PackScaleShift p:
                EmitScaleShift(writer, p);
                break;
            case PackSlopes p:
                writer.Line($"{writer.Local("float[]", "slopes")} = weights.Tensor({PlainText.Quote(p.PReLU.Key.With("weight").Key)});");
                writer.Line(p.PReLU.Parameters == 1 ? $"{slice}.Fill(slopes[0]);" : p.InPairs ? $"FoldedConvolution.PackPairs(slopes, {slice});" : $"slopes.CopyTo({slice});");
                break;
            default:
                throw new InvalidOperationException($"{instruction} has no text.");
        }
    }
}
