namespace FaceDetection;

/// <summary>
/// The places that BlazeFace looks at and what it says of each (Bazarevsky et al. 2019, "BlazeFace: Sub-millisecond Neural Face Detection on Mobile GPUs"): its maps of 16 x 16
/// and 8 x 8 cells have two and six anchors a cell, all at the cell's centre and of the same size. For each it gives a score, and a box and six points relative to the centre.
/// </summary>
internal static class Anchors
{
    /// <summary>Sides of the network's maps and how many anchors each cell has, in the order of its outputs.</summary>
    private static readonly (int Cells, int Count)[] s_maps = [(16, 2), (8, 6)];

    /// <summary>Scores lie far from 0 where the network is sure; beyond this the exponential has nothing to add.</summary>
    private const float LargestLogit = 100;

    /// <summary>Centre of each anchor as a share of the image's side.</summary>
    public static readonly Point[] Centres = [.. s_maps.SelectMany(map => Enumerable.Range(0, map.Cells * map.Cells * map.Count).Select(i => Centre(i / map.Count, map.Cells)))];

    /// <summary>Numbers that the network gives of a box: its centre, its size, and two for each point.</summary>
    public static readonly int Numbers = 4 + (2 * Face.KeyPointNames.Length);

    private static Point Centre(int cell, int cells) => new(((cell % cells) + 0.5f) / cells, ((cell / cells) + 0.5f) / cells);

    /// <summary>The faces that an image may have, many of them several times: a share of its sides.</summary>
    /// <param name="logits">A score for each anchor in front of its sigmoid.</param>
    /// <param name="boxes">The <see cref="Numbers"/> of each anchor.</param>
    /// <param name="side">Columns of the network's image, in which the boxes are measured.</param>
    /// <param name="threshold">The least score.</param>
    public static List<Face> Decode(ReadOnlySpan<float> logits, ReadOnlySpan<float> boxes, int side, float threshold)
    {
        List<Face> faces = [];
        for (int i = 0; i < Centres.Length; i++)
        {
            float score = 1 / (1 + MathF.Exp(-Math.Clamp(logits[i], -LargestLogit, LargestLogit)));
            if (score < threshold)
                continue;
            ReadOnlySpan<float> box = boxes.Slice(i * Numbers, Numbers);
            Point centre = Place(box, Centres[i]);
            float width = box[2] / side, height = box[3] / side;
            Point[] points = new Point[Face.KeyPointNames.Length];
            for (int k = 0; k < points.Length; k++)
                points[k] = Place(box[(4 + (2 * k))..], Centres[i]);
            faces.Add(new Face(score, centre.X - (width / 2), centre.Y - (height / 2), centre.X + (width / 2), centre.Y + (height / 2), points));
        }

        return faces;

        Point Place(ReadOnlySpan<float> numbers, Point anchor) => new((numbers[0] / side) + anchor.X, (numbers[1] / side) + anchor.Y);
    }
}
