using EfficientConv.Dsl.Compiler.Declarations;
using EfficientConv.Dsl.Compiler.Findings;
using EfficientConv.Dsl.Compiler.Graph;

namespace EfficientConv.Dsl.Compiler.Rules;

/// <summary>Forms that are there to be cheaper than a standard convolution and are not: factorized, separable, bottleneck.</summary>
internal static class CostRules
{
    public static Finding? Check(LayerContext context, Layer layer, AttributeDeclaration attribute)
    {
        if (layer.Operator is not ConvolutionOperator { IsLinear: false } first)
            return null;
        switch (attribute.Kind, layer.Origin.Role)
        {
            case ("FactorizedConv2d", "vertical"):
                return Block(first.Kernel.Height, first.OutChannels > context.InputOf(layer).Channels ? ["outChannels", "kernelSize"] : ["kernelSize"]);
            case ("DepthwiseSeparable", "depthwise"):
                return Block(Math.Max(first.Kernel.Height, first.Kernel.Width), first.Kernel == Extent.Square(1) ? ["kernelSize"] : ["outChannels"]);
            case ("Bottleneck", "reduce"):
                return Block(attribute.Int("kernelSize", 3), ["midChannels"]);
            case (_, "") when context.NextAfterNormAndActivation(layer) is { Operator: ConvolutionOperator { IsLinear: false, Groups: 1 } second, Origin.Role: "" } next
                && StandardKernel(first, second, context.InputOf(layer)) is { } kernel:
                return Compare(context, layer, [layer, next], kernel, null, attribute);
            default:
                return null;
        }

        Finding? Block(int kernel, string[] arguments) => Compare(
            context, layer, [.. context.Layers.Where(other => other.IsOfBlock(layer) && other.Operator is ConvolutionOperator)],
            Extent.Square(kernel), LayerPlace.Written(attribute, arguments), attribute);
    }

    /// <summary>The kernel of the convolution that two plain ones stand for: depthwise and 1x1, or k x 1 and 1 x k.</summary>
    private static Extent? StandardKernel(ConvolutionOperator first, ConvolutionOperator second, Shape input)
    {
        if (first.Groups == input.Channels && input.Channels > 1 && first.OutChannels == input.Channels && first.Kernel != Extent.Square(1) && second.Kernel == Extent.Square(1))
            return first.Kernel;
        return first.Groups == 1 && first.Kernel.Height * first.Kernel.Width > 1 && first.Kernel.Height == second.Kernel.Width && first.Kernel.Width == second.Kernel.Height && (first.Kernel.Width == 1 || first.Kernel.Height == 1)
            ? Extent.Square(Math.Max(first.Kernel.Height, first.Kernel.Width))
            : null;
    }

    private static Finding? Compare(LayerContext context, Layer layer, IReadOnlyList<Layer> layers, Extent kernel, string? argument, AttributeDeclaration attribute)
    {
        Shape input = context.InputOf(layer), output = layers[layers.Count - 1].Output;
        long actual = layers.Sum(part => part.Operator.MultiplyAdds(context.InputOf(part), part.Output));
        long standard = output.Count * input.Channels * kernel.Height * kernel.Width;
        if (actual <= standard)
            return null;
        string place = layer.Origin.Role.Length == 0
            ? $"{attribute.Kind} \"{layer.Name}\" and \"{layers[1].Name}\" take"
            : $"{attribute.Kind} \"{layer.Block}\" takes";
        return new Finding(
            RuleCatalog.CostlyForm.Id, layer.Origin.AttributeIndex, argument,
            FormattableString.Invariant($"{place} {actual:N0} multiply-adds, and the {kernel} convolution of {input.Channels} to {output.Channels} channels that they stand for {standard:N0} (the form pays only where it is cheaper)")) { Severity = RuleSeverity.Info };
    }
}
