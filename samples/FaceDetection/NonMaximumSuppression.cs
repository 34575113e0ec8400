namespace FaceDetection;

/// <summary>
/// One face of the many that neighbouring anchors saw. BlazeFace blends: a face is the mean of all that overlap the best one, weighted by their scores, which is steadier from
/// picture to picture than the best one alone.
/// </summary>
internal static class NonMaximumSuppression
{
    /// <summary>The faces, the likeliest first.</summary>
    /// <param name="found">Faces, several for each.</param>
    /// <param name="overlap">From which intersection over union on two are the same.</param>
    public static List<Face> Blend(IEnumerable<Face> found, float overlap)
    {
        List<Face> left = [.. found.OrderByDescending(face => face.Score)], faces = [];
        while (left.Count > 0)
        {
            Face best = left[0];
            Face[] same = [.. left.Where(face => ReferenceEquals(face, best) || face.Overlap(best) > overlap)];
            left.RemoveAll(same.Contains);
            faces.Add(Mean(same));
        }

        return faces;
    }

    private static Face Mean(Face[] same)
    {
        float total = same.Sum(face => face.Score);
        return new Face(
            same[0].Score, Of(face => face.Left), Of(face => face.Top), Of(face => face.Right), Of(face => face.Bottom),
            [.. same[0].KeyPoints.Select((_, k) => new Point(Of(face => face.KeyPoints[k].X), Of(face => face.KeyPoints[k].Y)))]);

        float Of(Func<Face, float> number) => same.Sum(face => face.Score * number(face)) / total;
    }
}
