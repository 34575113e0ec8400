using EfficientConv.Dsl.Compiler.Declarations;
using EfficientConv.Dsl.Compiler.Findings;
using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Graph.Blocks;
using EfficientConv.Dsl.Compiler.Model;

namespace EfficientConv.Dsl.Compiler.Rules;

/// <summary>
/// Padding, stride and dilation that work and are hardly meant. The rules are in the order of their precedence: a layer has at most one finding,
/// because a wrong padding breaks several of them.
/// </summary>
internal static class SpatialRules
{
    public static Finding? Check(LayerContext context, Layer layer, Shape input, AttributeDeclaration attribute)
    {
        if (layer.Origin.Role.Length > 0)
        {
            // Blocks of the published families are as published; of the plain ones the layer with the window is judged.
            if (attribute.Kind == "FactorizedConv2d")
                return layer.Origin.Role == "vertical" ? EvenFactors(layer, input, attribute) : null;
            if (BlockCatalog.Of(attribute.Kind) is not { IsPublished: false } block || layer.Origin.Role != block.Window)
                return null;
        }

        SpatialAxis[] axes = SpatialAxis.Of(layer.Operator, input, layer.Output);
        if (axes.Length == 0)
            return null;
        Judge judge = new(layer, input, attribute, axes);
        bool isAutomatic = attribute.Int("AutoPad", 0) != 0;
        return (isAutomatic
                ? null
                : judge.WrongAxis() ?? judge.UnpaddedHalf(context) ?? judge.LargePadding() ?? judge.UndilatedPadding() ?? judge.SizeChanges())
            ?? judge.SkippedPixels() ?? judge.UnreadPixels() ?? (isAutomatic ? judge.AsymmetricPadding() : null);
    }

    /// <summary>A factorized pair whose kernel has no middle tap shrinks both axes.</summary>
    private static Finding? EvenFactors(Layer layer, Shape input, AttributeDeclaration attribute)
    {
        ConvolutionOperator vertical = (ConvolutionOperator)layer.Operator;
        SpatialAxis axis = SpatialAxis.Of(vertical, input, layer.Output)[0];
        if (axis.Stride != 1 || axis.Total == axis.Keeping)
            return null;
        return new Finding(
            RuleCatalog.WrongAxis.Id, layer.Origin.AttributeIndex, LayerPlace.Written(attribute, "kernelSize"),
            FormattableString.Invariant($"{LayerPlace.Of(vertical, input, layer.Name, layer.Origin, attribute)} makes {axis.Output} rows of {axis.Input}, and its other half does so to the columns: padding {axis.Before} on both sides does not center an even kernel (kernelSize must be odd for a pair to keep the size)"),
            FixProposal.Alternatives("kernelSize", [axis.Kernel - 1, axis.Kernel + 1]).ToEquatableArray()) { Severity = RuleSeverity.Warning };
    }

    /// <summary>The rules for one layer.</summary>
    private sealed class Judge(Layer layer, Shape input, AttributeDeclaration attribute, SpatialAxis[] axes)
    {
        private bool IsConvolution => layer.Operator is ConvolutionOperator;

        public Finding? WrongAxis()
        {
            if (!IsConvolution || axes.Count(axis => axis.Kernel == 1) != 1)
                return null;
            SpatialAxis across = axes.Single(axis => axis.Kernel == 1), along = axes.Single(axis => axis.Kernel > 1);
            if (across.Stride != 1 || across.Total == 0)
                return null;
            return Report(
                RuleCatalog.WrongAxis, LayerPlace.Written(attribute, across.PaddingArguments),
                $"pads its {across.Pixels}, along which its {layer switch { { Operator: ConvolutionOperator c } => c.Kernel.ToString(), _ => string.Empty }} kernel has one tap: {Sizes(across)}",
                $"a one-dimensional kernel is padded along its length, here {along.Pixels} by {(along.Keeping + 1) / 2}",
                Padding(axis => axis == across ? Both(0) : along.Stride == 1 && along.Keeping % 2 == 0 ? Both(along.Keeping / 2) : null));
        }

        /// <summary>Of a k x 1 and a 1 x k convolution one keeps the size and the other has no padding.</summary>
        public Finding? UnpaddedHalf(LayerContext context)
        {
            if (Length(layer.Operator, axes) is not { Total: 0, Keeping: > 0 } along || along.Keeping % 2 != 0)
                return null;
            Layer? other = Layers().FirstOrDefault(IsPaddedHalf);
            if (other is null)
                return null;
            return Report(
                RuleCatalog.WrongAxis, LayerPlace.Written(attribute, "Kernel" + along.Name, "kernelSize"),
                $"has no padding along its {along.Pixels} and the other half of its pair, \"{other.Name}\", has: {Sizes(along)}",
                FormattableString.Invariant($"both halves of a factorized pair must keep the size, here by {along.Pixels} padded by {along.Keeping / 2}"),
                Padding(axis => axis == along ? Both(along.Keeping / 2) : null));

            IEnumerable<Layer> Layers()
            {
                if (context.NextAfterNormAndActivation(layer) is { } next)
                    yield return next;
                Layer before = context.SourceOf(layer);
                while (before.Operator is BatchNormOperator or ActivationOperator or PReLUOperator && context.SoleReader(before) is not null)
                    before = context.SourceOf(before);
                yield return before;
            }

            bool IsPaddedHalf(Layer candidate) =>
                candidate.Origin.Role.Length == 0 && candidate.Inputs.Count > 0
                && Length(candidate.Operator, SpatialAxis.Of(candidate.Operator, context.InputOf(candidate), candidate.Output)) is { Total: > 0 } its
                && its.Name != along.Name && its.Effective == along.Effective && its.Total == its.Keeping;
        }

        public Finding? LargePadding()
        {
            if (!IsConvolution || !axes.Any(IsLarge))
                return null;
            SpatialAxis worst = axes.First(IsLarge);
            (string, string)[] half = Fix(axis => axis.Keeping / 2, IsLarge), largest = Fix(axis => axis.Keeping, IsLarge);
            return Report(
                RuleCatalog.LargePadding, LayerPlace.Written(attribute, [.. axes.Where(IsLarge).SelectMany(axis => axis.PaddingArguments)]),
                FormattableString.Invariant($"has padding {Math.Max(worst.Before, worst.After)} with an effective kernel of {worst.Effective}, so that its outermost {worst.Pixels} see padding only"),
                "padding must be smaller than the effective kernel",
                half.SequenceEqual(largest) ? [half] : [half, largest]);

            static bool IsLarge(SpatialAxis axis) => Math.Max(axis.Before, axis.After) >= axis.Effective;

            (string, string)[] Fix(Func<SpatialAxis, int> limit, Func<SpatialAxis, bool> applies) =>
                Padding(axis => applies(axis) ? (Math.Min(axis.Before, limit(axis)), Math.Min(axis.After, limit(axis))) : null);
        }

        public Finding? UndilatedPadding()
        {
            if (!IsConvolution || !axes.Any(IsUndilated))
                return null;
            SpatialAxis first = axes.First(IsUndilated);
            return Report(
                RuleCatalog.UndilatedPadding, LayerPlace.Written(attribute, [.. axes.Where(IsUndilated).SelectMany(axis => axis.PaddingArguments)]),
                FormattableString.Invariant($"has padding {first.Before} with dilation {first.Dilation}, which is the padding of dilation 1: {Sizes(first)}"),
                FormattableString.Invariant($"padding must grow with the dilation, to {first.Before * first.Dilation}"),
                Padding(axis => IsUndilated(axis) ? Both(axis.Before * axis.Dilation) : null));

            static bool IsUndilated(SpatialAxis axis) =>
                axis.Dilation > 1 && axis.Kernel > 2 && axis.Before == axis.After && axis.Before == (axis.Kernel - 1) / 2 && axis.Total != axis.Keeping;
        }

        public Finding? SizeChanges()
        {
            if (!axes.Any(Changes))
                return null;
            SpatialAxis[] wrong = [.. axes.Where(Changes)];
            string? argument = LayerPlace.Written(attribute, [.. wrong.SelectMany(axis => axis.PaddingArguments), .. wrong.Select(axis => "Kernel" + axis.Name), "kernelSize"]);
            string what = string.Join(" and ", wrong.Select(axis => axis.Total > axis.Keeping
                ? FormattableString.Invariant($"gains {axis.Total - axis.Keeping} {axis.Pixels} to {axis.Input}")
                : FormattableString.Invariant($"loses {axis.Keeping - axis.Total} of {axis.Input} {axis.Pixels}")));
            bool canBeEven = wrong.All(axis => axis.Keeping % 2 == 0);
            (string, string)[] fix = canBeEven
                ? Padding(axis => Changes(axis) ? Both(axis.Keeping / 2) : null)
                : axes.All(axis => axis.Stride == 1) ? [("AutoPad", "AutoPad.Same")] : [];
            return Report(
                RuleCatalog.SizeChanges, argument, FormattableString.Invariant($"{what} at stride 1 with padding {wrong[0].Before}"),
                canBeEven
                    ? FormattableString.Invariant($"padding 0 or dilation * (kernel - 1) / 2 = {wrong[0].Keeping / 2} is meant by most")
                    : "no symmetric padding keeps the size with an even kernel; AutoPad.Same does",
                fix);

            // A dilated pooling cannot be padded by more than half of its kernel, so it cannot keep the size.
            bool Changes(SpatialAxis axis) => axis.Stride == 1 && axis.Total != 0 && axis.Total != axis.Keeping && (IsConvolution || axis.Dilation == 1);
        }

        public Finding? SkippedPixels()
        {
            if (!axes.Any(Skips))
                return null;
            SpatialAxis axis = axes.First(Skips);
            return Report(
                RuleCatalog.SkippedPixels, LayerPlace.Written(attribute, [.. axes.Where(Skips).Select(a => "Stride" + a.Name), "stride"]),
                FormattableString.Invariant($"has stride {axis.Stride} with an effective kernel of {axis.Effective}, so that {axis.Stride - axis.Effective} of every {axis.Stride} {axis.Pixels} are skipped"),
                "the stride is at most the effective kernel where every pixel shall count");
        }

        public Finding? UnreadPixels()
        {
            if (!axes.Any(axis => axis.Unread > 0))
                return null;
            SpatialAxis[] unread = [.. axes.Where(axis => axis.Unread > 0)];
            string what = string.Join(" and ", unread.Select(axis => FormattableString.Invariant($"the last {axis.Unread} of its {axis.Input} {axis.Pixels}")));
            List<(string, string)[]> fixes = [];
            if (attribute.Find("ceilMode") is not null)
                fixes.Add([("ceilMode", "true")]);
            if (attribute.Int("AutoPad", 0) == 0 && unread.All(axis => ReadingPadding(axis) is not null))
                fixes.Add(Padding(axis => axis.Unread > 0 && ReadingPadding(axis) is { } reading ? Both(reading) : null));
            return Report(
                RuleCatalog.UnreadPixels, LayerPlace.Written(attribute, [.. unread.SelectMany(axis => axis.PaddingArguments), .. unread.Select(axis => "Stride" + axis.Name), "stride", .. unread.Select(axis => "Kernel" + axis.Name), "kernelSize"]),
                $"never reads {what}",
                FormattableString.Invariant($"{(unread.Select(ReadingPadding).FirstOrDefault(p => p is not null) is { } padding ? FormattableString.Invariant($"padding {padding} or ") : string.Empty)}an input of {unread[0].Input - unread[0].Unread} {unread[0].Pixels} fits the windows"),
                [.. fixes]);

            // The smallest padding of both sides with which the last window reaches the last pixel.
            int? ReadingPadding(SpatialAxis axis)
            {
                int largest = IsConvolution ? axis.Effective - 1 : axis.Kernel / 2;
                for (int padding = Math.Max(axis.Before, axis.After) + 1; padding <= largest; padding++)
                {
                    int windows = ((axis.Input + (2 * padding) - axis.Effective) / axis.Stride) + 1;
                    if (((windows - 1) * axis.Stride) + axis.Effective >= padding + axis.Input)
                        return padding;
                }

                return null;
            }
        }

        public Finding? AsymmetricPadding()
        {
            if (!axes.Any(IsEven))
                return null;
            SpatialAxis axis = axes.First(IsEven);
            return Report(
                RuleCatalog.AsymmetricPadding, LayerPlace.Written(attribute, "AutoPad"),
                FormattableString.Invariant($"has an even kernel of {axis.Kernel} with 'same' padding, which adds {axis.Before} {axis.Pixels} in front and {axis.After} behind"),
                "only an odd kernel has a middle");

            static bool IsEven(SpatialAxis axis) => axis.Keeping % 2 == 1 && axis.Before != axis.After;
        }

        private static bool Skips(SpatialAxis axis) => axis.Stride > axis.Effective && (axis.Output > 1 || axis.Unread > 0);

        /// <summary>The axis along which a plain one-dimensional convolution with stride 1 lies.</summary>
        private static SpatialAxis? Length(Operator op, SpatialAxis[] axes) =>
            op is ConvolutionOperator && axes.Count(axis => axis.Kernel == 1) == 1 && axes.All(axis => axis.Stride == 1) ? axes.Single(axis => axis.Kernel > 1) : null;

        private static string Sizes(SpatialAxis axis) => FormattableString.Invariant($"{axis.Input} {axis.Pixels} become {axis.Output}");

        private static (int Before, int After)? Both(int padding) => (padding, padding);

        /// <summary>Edits that set the padding of the axes for which <paramref name="wanted"/> has a value.</summary>
        private (string, string)[] Padding(Func<SpatialAxis, (int Before, int After)?> wanted)
        {
            (int top, int bottom) = wanted(axes[0]) ?? (axes[0].Before, axes[0].After);
            (int left, int right) = wanted(axes[1]) ?? (axes[1].Before, axes[1].After);
            return PaddingArguments.Edits(attribute, new Padding(axes[0].Before, axes[0].After, axes[1].Before, axes[1].After), new Padding(top, bottom, left, right));
        }

        private Finding Report(Rule rule, string? argument, string fact, string reason, params (string, string)[][] fixes) => new(
            rule.Id, layer.Origin.AttributeIndex, argument, $"{LayerPlace.Of(layer.Operator, input, layer.Name, layer.Origin, attribute)} {fact} ({reason})",
            fixes.Where(fix => fix.Length > 0).Select((fix, rank) => FixProposal.Set(rank, fix)).ToEquatableArray()) { Severity = rule.Severity };
    }
}
