namespace FaceDetection;

/// <summary>A point; which unit it has, its owner says.</summary>
internal readonly record struct Point(float X, float Y);

/// <summary>A face, in pixels of the picture or as a share of the network's image.</summary>
/// <param name="Score">How likely it is one, from 0 to 1.</param>
/// <param name="Left">Left edge of its box.</param>
/// <param name="Top">Upper edge.</param>
/// <param name="Right">Right edge.</param>
/// <param name="Bottom">Lower edge.</param>
/// <param name="KeyPoints">A point for each of <see cref="KeyPointNames"/>.</param>
internal sealed record Face(float Score, float Left, float Top, float Right, float Bottom, IReadOnlyList<Point> KeyPoints)
{
    /// <summary>What the key points are, right and left being the person's own.</summary>
    public static readonly string[] KeyPointNames = ["right eye", "left eye", "nose", "mouth", "right ear", "left ear"];

    private float Area => (Right - Left) * (Bottom - Top);

    /// <summary>Intersection over union: the area that both boxes share as a part of the area that they cover together.</summary>
    public float Overlap(Face other)
    {
        float width = MathF.Min(Right, other.Right) - MathF.Max(Left, other.Left), height = MathF.Min(Bottom, other.Bottom) - MathF.Max(Top, other.Top);
        if (width <= 0 || height <= 0)
            return 0;
        float shared = width * height;
        return shared / (Area + other.Area - shared);
    }
}
