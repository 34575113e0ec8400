using System.Globalization;

namespace MobileNetSample;

/// <summary>The command line.</summary>
internal sealed record Arguments
{
    public const string Usage = """
        usage: MobileNetV2 [WEIGHTS] [PICTURE] [options]

          WEIGHTS            .safetensors of torchvision's mobilenet_v2, or .packed as --save-packed wrote it; random weights when left out
          PICTURE            .png, .ppm or .pgm of any size; colours and rings when left out
          --labels FILE      a class name a line, to be printed in place of numbers
          --layers           what each step takes
          --threads N        threads that work on one picture
          --once             one call and no measurement
          --save-packed FILE writes the weights as the kernels read them, for a quick start
        """;

    public string? Weights { get; private set; }

    public string? Picture { get; private set; }

    public string? Labels { get; private set; }

    public string? Save { get; private set; }

    public bool Layers { get; private set; }

    public bool Once { get; private set; }

    public int Threads { get; private set; } = 1;

    /// <summary>The arguments, or null where they are none.</summary>
    public static Arguments? Parse(string[] args)
    {
        Arguments parsed = new();
        for (int i = 0; i < args.Length; i++)
        {
            string extension = Path.GetExtension(args[i]).ToUpperInvariant(), next = i + 1 < args.Length ? args[i + 1] : string.Empty;
            switch (args[i])
            {
                case "--layers":
                    parsed.Layers = true;
                    break;
                case "--once":
                    parsed.Once = true;
                    break;
                case "--labels" when next.Length > 0:
                    parsed.Labels = args[++i];
                    break;
                case "--save-packed" when next.Length > 0:
                    parsed.Save = args[++i];
                    break;
                case "--threads" when int.TryParse(next, NumberStyles.None, CultureInfo.InvariantCulture, out int threads) && threads > 0:
                    parsed.Threads = threads;
                    i++;
                    break;
                case not null when extension is ".PNG" or ".PPM" or ".PGM" && parsed.Picture is null:
                    parsed.Picture = args[i];
                    break;
                case not null when extension is ".SAFETENSORS" or ".PACKED" or ".JSON" && parsed.Weights is null:
                    parsed.Weights = args[i];
                    break;
                default:
                    return null;
            }
        }

        return parsed;
    }
}
