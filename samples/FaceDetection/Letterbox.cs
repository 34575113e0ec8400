using EfficientConv.Dsl;

namespace FaceDetection;

/// <summary>A picture of any size in the middle of a square, as large as it fits, with black on two sides; and the way back from the square to the picture.</summary>
internal sealed class Letterbox
{
    private readonly int _width;
    private readonly int _height;
    private readonly ImageResize _resize;

    /// <summary>For pictures of one size.</summary>
    /// <param name="width">Columns of the picture.</param>
    /// <param name="height">Its rows.</param>
    /// <param name="side">Rows and columns of the square.</param>
    public Letterbox(int width, int height, int side)
    {
        (_width, _height, Side) = (width, height, side);
        int shorter = Math.Max(1, (int)((long)side * Math.Min(width, height) / Math.Max(width, height)));
        int longer = Math.Min(side, (int)((long)shorter * Math.Max(width, height) / Math.Min(width, height)));
        _resize = width <= height ? new ImageResize(width, height, shorter, shorter, longer) : new ImageResize(width, height, shorter, longer, shorter);
    }

    /// <summary>Rows and columns of the square.</summary>
    public int Side { get; }

    /// <summary>The square, red, green and blue.</summary>
    public byte[] Run(ReadOnlySpan<byte> rgb)
    {
        byte[] small = new byte[_resize.Width * _resize.Height * 3], square = new byte[Side * Side * 3];
        _resize.Run(rgb, PixelFormat.Rgb, _width * 3, small);
        int left = (Side - _resize.Width) / 2, top = (Side - _resize.Height) / 2;
        for (int y = 0; y < _resize.Height; y++)
            small.AsSpan(y * _resize.Width * 3, _resize.Width * 3).CopyTo(square.AsSpan((((top + y) * Side) + left) * 3));
        return square;
    }

    /// <summary>A face whose places are shares of the square's side, in pixels of the picture.</summary>
    public Face Restore(Face face)
    {
        Point[] points = [.. face.KeyPoints.Select(point => new Point(X(point.X), Y(point.Y)))];
        return face with { Left = X(face.Left), Top = Y(face.Top), Right = X(face.Right), Bottom = Y(face.Bottom), KeyPoints = points };

        float X(float share) => ((share * Side) - ((Side - _resize.Width) / 2)) * _width / _resize.Width;

        float Y(float share) => ((share * Side) - ((Side - _resize.Height) / 2)) * _height / _resize.Height;
    }
}
