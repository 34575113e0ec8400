using System.Text;

namespace FashionClassifier;

/// <summary>Draws images side by side with characters from light to dark, so that any terminal or log shows them.</summary>
internal static class Pictures
{
    private const string Shades = " .:-=+*#%@";
    private const int Margin = 1;                             // the outermost columns are nearly always empty; three images fit 80 columns
    private const int Columns = FashionData.Width - 2 * Margin;

    public static string Draw(FashionData data, IReadOnlyList<(int Image, int Prediction)> shown)
    {
        StringBuilder text = new();
        // A character is about twice as high as wide: one line is the mean of two rows.
        for (int y = 0; y < FashionData.Height; y += 2)
        {
            foreach ((int image, _) in shown)
            {
                ReadOnlySpan<byte> pixels = data.Image(image);
                for (int x = Margin; x < FashionData.Width - Margin; x++)
                {
                    int mean = (pixels[y * FashionData.Width + x] + pixels[(y + 1) * FashionData.Width + x]) / 2;
                    text.Append(Shades[mean * Shades.Length / 256]);
                }
                text.Append(' ');
            }
            EndLine(text);
        }
        foreach ((int image, int prediction) in shown)
            text.Append(Cell($"#{image}: {FashionData.ClassNames[prediction]}"));
        EndLine(text);
        foreach ((int image, int prediction) in shown)
        {
            int label = data.Label(image);
            text.Append(Cell(label == prediction ? "  right" : $"  wrong, it is {FashionData.ClassNames[label]}"));
        }
        EndLine(text);
        return text.ToString();
    }

    private static string Cell(string caption) => caption.PadRight(Columns + 1);

    private static void EndLine(StringBuilder text)
    {
        while (text.Length > 0 && text[^1] == ' ')
            text.Length--;
        text.Append('\n');
    }
}
