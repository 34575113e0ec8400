using EfficientConv.Dsl.Compiler.Declarations;
using EfficientConv.Dsl.Compiler.Findings;

namespace EfficientConv.Dsl.Compiler.Graph;

/// <summary>The arguments of a spatial layer that decide its padding, for messages and fixes.</summary>
internal static class PaddingArguments
{
    private static readonly string[] s_refinements = ["Height", "Width", "Top", "Bottom", "Left", "Right"];

    /// <summary>Arguments that set the padding of one axis, the side at fault first.</summary>
    public static string[] Sides(string axis, string before, string after, bool isBefore) => isBefore
        ? ["Padding" + before, "Padding" + after, "Padding" + axis]
        : ["Padding" + after, "Padding" + before, "Padding" + axis];

    /// <summary>
    /// Turns one padding into another through the arguments that decide it now: the sides where they are written, else the axis, else all at once.
    /// </summary>
    public static (string Argument, string Value)[] Edits(AttributeDeclaration attribute, Padding current, Padding wanted)
    {
        List<(string, string)> edits = [];
        Axis("Height", ("Top", current.Top, wanted.Top), ("Bottom", current.Bottom, wanted.Bottom));
        Axis("Width", ("Left", current.Left, wanted.Left), ("Right", current.Right, wanted.Right));
        bool isEqual = wanted == Graph.Padding.Symmetric(wanted.Top, wanted.Top);
        return isEqual && edits.Count > 0 && !s_refinements.Any(side => attribute.IsExplicit("Padding" + side)) ? [("padding", FixProposal.Text(wanted.Top))] : [.. edits];

        void Axis(string axis, params (string Name, int Current, int Wanted)[] sides)
        {
            if (sides.All(side => side.Current == side.Wanted))
                return;
            if (sides[0].Wanted == sides[1].Wanted && !sides.Any(side => attribute.IsExplicit("Padding" + side.Name)))
                edits.Add(("Padding" + axis, FixProposal.Text(sides[0].Wanted)));
            else
                edits.AddRange(sides.Where(side => side.Current != side.Wanted).Select(side => ("Padding" + side.Name, FixProposal.Text(side.Wanted))));
        }
    }
}
