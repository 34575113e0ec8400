using EfficientConv.Dsl.Cli.Verbs;
using EfficientConv.Dsl.Compiler.Prediction;

namespace EfficientConv.Dsl.Cli.Output;

/// <summary>The charts of the report page. Each is drawn twice, for wide and for narrow screens, so that text keeps its size.</summary>
internal static class Charts
{
    private const double Left = 56, Right = 12, Character = 6.6;

    /// <summary>Live bytes over the layers: as steps, layer by layer, against what the generated code has in memory.</summary>
    public static string Timeline(NetworkReport report, double width)
    {
        const double Height = 260, Top = 28, Bottom = 34;
        Svg svg = new(width, Height, $"Live memory of {report.Name} over its layers, layer by layer and fused");
        IReadOnlyList<LayerReport> layers = report.Layers;
        double[] fused = FusedByLayer(report);
        double largest = Math.Max(layers.Max(l => l.LiveBytes), fused.Max()), step = NiceStep(largest / 1048576 / 4), top = Math.Ceiling(largest / 1048576 / step) * step;
        double X(double layer) => Left + (layer / layers.Count * (width - Left - Right));
        double Y(double bytes) => Top + ((1 - (bytes / 1048576 / top)) * (Height - Top - Bottom));

        for (double tick = 0; tick <= top + (step / 2); tick += step)
        {
            svg.Line(Left, Y(tick * 1048576), width - Right, Y(tick * 1048576), "g");
            svg.Text(Left - 6, Y(tick * 1048576) + 4, Figures.Number(tick, step < 0.1 ? 2 : step < 1 ? 1 : 0), "end");
        }

        svg.Path(Steps([.. layers.Select(l => (double)l.LiveBytes)]), "a1");
        svg.Path(Steps(fused), "a2");
        int peak = Enumerable.Range(0, layers.Count).MaxBy(i => layers[i].LiveBytes);
        for (int i = 0; i < layers.Count; i++)
            svg.Rectangle(X(i), Top, X(i + 1) - X(i), Height - Top - Bottom, "h", $"{layers[i].Name} {layers[i].Operator}: {Figures.Bytes(layers[i].LiveBytes)} layer by layer, {Figures.Bytes((long)fused[i])} fused");
        svg.Circle(X(peak + 0.5), Y(layers[peak].LiveBytes), 3.5, "p1");
        string label = $"{layers[peak].Name}: {Figures.Bytes(layers[peak].LiveBytes)}";
        bool before = X(peak + 0.5) + 8 + (label.Length * Character) > width - Right;
        svg.Text(X(peak + 0.5) + (before ? -8 : 8), Math.Max(Top - 8, Y(layers[peak].LiveBytes) - 6), label, before ? "end" : "start", "t s");
        svg.Text(8, 14, "MiB");
        svg.Text(Left, Height - 12, "first layer");
        svg.Text(width - Right, Height - 12, "last layer", "end");
        return svg.ToString();

        IEnumerable<(double, double)> Steps(double[] values)
        {
            for (int i = 0; i < values.Length; i++)
            {
                yield return (X(i), Y(values[i]));
                yield return (X(i + 1), Y(values[i]));
            }
        }
    }

    /// <summary>A bar for each step: multiply-adds, and predicted time beside it.</summary>
    public static string Bars(NetworkReport report, double width)
    {
        const double Row = 22, Top = 26;
        StepReport[] steps = [.. report.Steps!];
        double label = Math.Min(width * 0.34, 30 + (steps.Max(s => s.Name.Length) * Character)), value = 76, room = (width - label - 16 - (2 * value)) / 2;
        Svg svg = new(width, Top + (steps.Length * Row) + 6, $"Multiply-adds and predicted time of each step of {report.Name}");
        double macs = Math.Max(1, steps.Max(s => (double)s.MultiplyAdds)), time = steps.Max(s => s.PredictedSeconds), second = label + 8 + room + value;
        svg.Text(label + 8, 14, "MACs", "start", "t s");
        svg.Text(second, 14, "predicted us", "start", "t s");
        for (int i = 0; i < steps.Length; i++)
        {
            double y = Top + (i * Row);
            svg.Text(label, y + 14, Figures.Short(steps[i].Name, (int)(label / Character)), "end");
            svg.Rectangle(label + 8, y + 3, steps[i].MultiplyAdds / macs * room, Row - 8, "b1", steps[i].Description);
            svg.Text(label + 12 + (steps[i].MultiplyAdds / macs * room), y + 14, Figures.Macs(steps[i].MultiplyAdds));
            svg.Rectangle(second, y + 3, steps[i].PredictedSeconds / time * room, Row - 8, "b2", steps[i].Description);
            svg.Text(second + 4 + (steps[i].PredictedSeconds / time * room), y + 14, Figures.Microseconds(steps[i].PredictedSeconds));
        }

        return svg.ToString();
    }

    /// <summary>Each step by its intensity and predicted rate, under what the core and its memory allow.</summary>
    public static string Roofline(NetworkReport report, MachineModel machine, double width)
    {
        const double Height = 320, Top = 28, Bottom = 40;
        StepReport[] steps = [.. report.Steps!.Where(s => s.MultiplyAdds > 0)];
        Svg svg = new(width, Height, $"Roofline of {report.Name}: rate over arithmetic intensity");
        double low = Math.Floor(Math.Log10(Math.Min(0.1, steps.Length == 0 ? 0.1 : steps.Min(s => s.Intensity)))), high = Math.Ceiling(Math.Log10(Math.Max(100, steps.Length == 0 ? 0 : steps.Max(s => s.Intensity))));
        double peak = machine.MacsPerSecond / 1e9, topRate = Math.Ceiling(Math.Log10(peak * 1.2)), bottomRate = topRate - 3;
        double X(double intensity) => Left + ((Math.Log10(intensity) - low) / (high - low) * (width - Left - Right));
        double Y(double rate) => Top + ((topRate - Math.Max(Math.Log10(rate), bottomRate)) / (topRate - bottomRate) * (Height - Top - Bottom));
        for (double decade = low; decade <= high; decade++)
        {
            svg.Line(X(Math.Pow(10, decade)), Top, X(Math.Pow(10, decade)), Height - Bottom, "g");
            svg.Text(X(Math.Pow(10, decade)), Height - Bottom + 16, Figures.Number(Math.Pow(10, decade), (int)Math.Max(0, -decade)), "middle");
        }

        for (double decade = bottomRate; decade <= topRate; decade++)
        {
            svg.Line(Left, Y(Math.Pow(10, decade)), width - Right, Y(Math.Pow(10, decade)), "g");
            svg.Text(Left - 6, Y(Math.Pow(10, decade)) + 4, Figures.Number(Math.Pow(10, decade), (int)Math.Max(0, -decade)), "end");
        }

        double least = Math.Pow(10, low), most = Math.Pow(10, high), floor = Math.Pow(10, bottomRate);
        (string Name, double Bandwidth)[] roofs = [("L2", machine.SecondLevelBandwidth), ("last cache", machine.LastLevelBandwidth), ("memory", machine.MemoryBandwidth)];
        for (int i = 0; i < roofs.Length; i++)
        {
            double bandwidth = roofs[i].Bandwidth / 1e9, ridge = peak / bandwidth, from = Math.Max(least, floor / bandwidth);
            svg.Path([(X(from), Y(from * bandwidth)), (X(Math.Min(ridge, most)), Y(Math.Min(peak, most * bandwidth)))], "r");
            double at = Math.Max(from, least * Math.Pow(10, 0.08)) * (1 + (0.5 * i));
            svg.Text(X(at) + 4, Y(at * bandwidth) - 6 + (i * 3), roofs[i].Name, "start", "t s halo");
        }

        svg.Path([(X(peak / (machine.SecondLevelBandwidth / 1e9)), Y(peak)), (X(most), Y(peak))], "r");
        svg.Text(width - Right, Y(peak) - 6, $"{Figures.Number(peak, 0)} GMAC/s", "end", "t s halo");
        foreach (StepReport step in steps)
        {
            double rate = step.MultiplyAdds / step.PredictedSeconds / 1e9;
            svg.Circle(X(step.Intensity), Y(rate), 4.5, "p2", $"{step.Name}: {Figures.Number(step.Intensity, 2)} MAC/B, {Figures.Number(rate, 1)} GMAC/s");
        }

        foreach (StepReport step in steps.OrderByDescending(s => s.MultiplyAdds).Take(3))
        {
            double rate = step.MultiplyAdds / step.PredictedSeconds / 1e9;
            bool before = X(step.Intensity) + 9 + (step.Name.Length * Character) > width - Right;
            svg.Text(X(step.Intensity) + (before ? -9 : 9), Y(rate) + 15, step.Name, before ? "end" : "start", "t s halo");
        }

        svg.Text(8, 14, "GMAC/s");
        svg.Text(width - Right, Height - 6, "MACs for each byte", "end");
        return svg.ToString();
    }

    /// <summary>The bytes of the step that runs each layer; a layer between steps belongs to the one before it.</summary>
    private static double[] FusedByLayer(NetworkReport report)
    {
        double[] bytes = new double[report.Layers.Count];
        int current = 0;
        StepReport[] steps = [.. report.Steps!];
        for (int i = 0; i < bytes.Length; i++)
        {
            string name = report.Layers[i].Name;
            int found = Array.FindIndex(steps, s => s.Layers.Any(l => name == l || name.StartsWith(l + ".", StringComparison.Ordinal)));
            current = found >= 0 ? found : current;
            bytes[i] = steps[current].LiveBytes;
        }

        return bytes;
    }

    private static double NiceStep(double raw)
    {
        double magnitude = Math.Pow(10, Math.Floor(Math.Log10(Math.Max(raw, 1e-6)))), share = raw / magnitude;
        return magnitude * (share <= 1 ? 1 : share <= 2 ? 2 : share <= 5 ? 5 : 10);
    }
}
