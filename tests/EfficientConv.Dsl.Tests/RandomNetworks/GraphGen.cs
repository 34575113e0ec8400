using System.Collections.Immutable;
using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Tests.Harness;
using FsCheck;
using FsCheck.Fluent;

namespace EfficientConv.Dsl.Tests.RandomNetworks;

/// <summary>Networks whose tensors have names and branch, are added and joined.</summary>
internal static class GraphGen
{
    /// <summary>Elements of an input that leave room for ten layers.</summary>
    private const int LargestInput = 5000;

    /// <summary>Five to ten attributes, a third of them between branches.</summary>
    public static Gen<string> Networks =>
        from input in NetworkGen.Input.Where(i => i.Shape.Count <= LargestInput)
        from length in Gen.Choose(5, 10)
        from network in Extend(new Draft(input.Text, input.Shape, [("input", input.Shape)]), length)
        select network.Text;

    /// <summary>Kinds that keep the map, so that what was before can be added or joined.</summary>
    private static Gen<string> Keeping(Shape s) =>
        from channels in Gen.Frequency((2, Gen.Constant(s.Channels)), (1, AttributeGen.Channels), (1, Gen.Elements(16, 32)))
        from activation in Gen.Elements("ReLU", "SiLU", "HardSwish")
        from kind in Gen.Elements(
            $"Conv2d({channels}, padding: 1)", $"PointwiseConv2d({channels}, bias: false), BatchNorm", $"PointwiseConv2d({channels}), LayerScale",
            "DepthwiseConv2d(padding: 1)", $"InvertedResidual({channels}, expansion: 2)", $"DepthwiseSeparable({channels}, activation: Activation.{activation})",
            $"Conv2d({channels}, padding: 1), {activation}", "MaxPool2d(3, 1, 1)", activation, "BatchNorm", "SqueezeExcitation(2)")
        select kind;

    private static Gen<Draft> Extend(Draft draft, int remaining)
    {
        if (remaining == 0)
            return Gen.Constant(draft);
        return from next in Step(draft)
               from rest in Extend(next, remaining - 1)
               select rest;
    }

    private static Gen<Draft> Step(Draft draft)
    {
        Shape s = draft.Current;
        ImmutableArray<string> addable = [.. draft.Names.Where(n => n.Shape == s).Select(n => n.Name)];
        ImmutableArray<string> joinable = [.. draft.Names.Where(n => n.Shape.Height == s.Height && n.Shape.Width == s.Width).Select(n => n.Name)];
        List<(int, Gen<string>)> steps =
        [
            (5, Keeping(s)),
            (1, Gen.Constant(FormattableString.Invariant($"Output(\"o{draft.Names.Length}\")"))),
            (1, NetworkGen.AnyKind.SelectMany(kind => AttributeGen.Kinds[kind](s))),
            (1, Gen.Elements(draft.Names.Select(n => n.Name).ToArray()).Select(name => $"From(\"{name}\")")),
        ];
        if (addable.Length > 0)
        {
            steps.Add((2, Gen.Elements(addable.AsEnumerable()).Select(name => $"Add(\"{name}\")")));
            steps.Add((1, Gen.Elements(addable.AsEnumerable()).Select(name => $"Multiply(\"{name}\")")));
            steps.Add((1, Gen.Elements(addable.AsEnumerable()).Select(name => $"Concat(\"{name}\"), ChannelShuffle(2)")));
            if (s.Channels % 2 == 0)
                steps.Add((1, Gen.Elements(addable.AsEnumerable()).Select(name => $"Concat(\"{name}\"), ChannelShuffle(2), SliceChannels({s.Channels}, {s.Channels})")));
        }

        if (s.Height * s.Width > 1)
            steps.Add((1, Gen.Elements(draft.Names.Where(n => n.Shape.Channels == s.Channels).Select(n => n.Name).DefaultIfEmpty("input").ToArray()).Select(name => $"GlobalAvgPool, Sigmoid, Multiply(\"{name}\")")));
        if (joinable.Length > 0)
        {
            Gen<string> name = Gen.Elements(joinable.AsEnumerable());
            steps.Add((2, name.Select(n => $"Concat(\"{n}\")")));
            steps.Add((2, name.Select(n => $"Add(\"{n}\", padChannels: true)")));
            steps.Add((1, from a in name from b in name select $"Concat(\"{a}\", \"{b}\")"));
        }

        // What is no longer valid, or too large, is drawn again.
        return Gen.Frequency(steps.ToArray()).Select(draft.With).Where(next => NetworkGen.IsValid(next.Text));
    }

    /// <summary>The attributes so far, what they make, and the names that can be read.</summary>
    private sealed record Draft(string Text, Shape Current, ImmutableArray<(string Name, Shape Shape)> Names)
    {
        public Draft With(string attributes)
        {
            string name = FormattableString.Invariant($"t{Names.Length}"), property = $"Name = \"{name}\"";
            string named = attributes.EndsWith(')') ? $"{attributes[..^1]}{(attributes.EndsWith("()", StringComparison.Ordinal) ? string.Empty : ", ")}{property})" : $"{attributes}({property})";
            string text = $"{Text} [{named}]";
            if (!NetworkGen.IsValid(text))
                return this with { Text = text };
            Shape shape = DeclarationText.Graph(text).Output;
            return new Draft(text, shape, Names.Add((name, shape)));
        }
    }
}
