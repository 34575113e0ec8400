using StbImageSharp;
using StbImageWriteSharp;

namespace FaceDetection;

/// <summary>A picture and what is drawn into it: rows of red, green and blue.</summary>
internal sealed class Drawing(byte[] rgb, int width, int height)
{
    private static readonly byte[] s_boxColour = [80, 220, 80], s_pointColour = [255, 60, 60];

    /// <summary>Columns.</summary>
    public int Width => width;

    /// <summary>Rows.</summary>
    public int Height => height;

    /// <summary>The pixels.</summary>
    public ReadOnlySpan<byte> Pixels => rgb;

    /// <summary>Decodes PNG, JPEG or another of stb_image's formats.</summary>
    public static Drawing Read(string path)
    {
        try
        {
            ImageResult image = ImageResult.FromMemory(File.ReadAllBytes(path), StbImageSharp.ColorComponents.RedGreenBlue);
            return new Drawing(image.Data, image.Width, image.Height);
        }
        catch (InvalidOperationException exception)
        {
            throw new InvalidDataException($"{path} cannot be decoded: {exception.Message}", exception);
        }
    }

    /// <summary>Writes a PNG.</summary>
    public void Write(string path)
    {
        using FileStream file = File.Create(path);
        new ImageWriter().WritePng(rgb, width, height, StbImageWriteSharp.ColorComponents.RedGreenBlue, file);
    }

    /// <summary>A face's box and key points.</summary>
    public void Draw(Face face)
    {
        int thick = Math.Max(1, Math.Max(width, height) / 256), left = (int)face.Left, top = (int)face.Top, right = (int)face.Right, bottom = (int)face.Bottom;
        Fill(left, top, right, top + thick, s_boxColour);
        Fill(left, bottom - thick, right, bottom, s_boxColour);
        Fill(left, top, left + thick, bottom, s_boxColour);
        Fill(right - thick, top, right, bottom, s_boxColour);
        foreach (Point point in face.KeyPoints)
            Disc(point, thick + 1);
    }

    private void Disc(Point centre, int radius)
    {
        for (int y = -radius; y <= radius; y++)
        {
            int half = (int)MathF.Sqrt((radius * (radius + 1)) - (y * y)), x = (int)centre.X, row = (int)centre.Y + y;
            Fill(x - half, row, x + half + 1, row + 1, s_pointColour);
        }
    }

    /// <summary>What of a rectangle lies in the picture, in a colour.</summary>
    private void Fill(int left, int top, int right, int bottom, ReadOnlySpan<byte> colour)
    {
        for (int y = Math.Max(0, top); y < Math.Min(height, bottom); y++)
        {
            for (int x = Math.Max(0, left); x < Math.Min(width, right); x++)
                colour.CopyTo(rgb.AsSpan(((y * width) + x) * 3));
        }
    }
}
