using System.CommandLine;
using System.Text;
using EfficientConv.Dsl.Cli.Input;
using EfficientConv.Dsl.Cli.Output;
using EfficientConv.Dsl.Cli.Running;
using EfficientConv.Dsl.Compiler.Prediction;
using EfficientConv.Dsl.Compiler.Scheduling;

namespace EfficientConv.Dsl.Cli.Verbs;

/// <summary><c>report</c>: what a network costs, layer by layer and in total, and how it is scheduled.</summary>
internal static class ReportVerb
{
    public static Command Create(Terminal terminal)
    {
        InputOptions inputs = new();
        Option<bool> json = Options.Json();
        Option<FileInfo?> html = new("--html") { Description = "Writes one self-contained page with charts.", HelpName = "file" };
        Option<bool> all = new("--all-layers") { Description = "Shows batch norm and activations as rows of their own." };
        Option<InstructionSet> isa = Options.InstructionSet();
        Option<FileInfo?> schedule = Options.Schedule();
        MachineOptions machine = new();
        Command command = new("report", "Shapes, parameters, MACs, memory, schedule and predicted time of networks.") { json, html, all, isa, schedule };
        inputs.AddTo(command);
        machine.AddTo(command);
        command.SetAction(parsed =>
        {
            InstructionSet set = Options.Resolve(parsed.GetValue(isa));
            OutputFile? page = Page(parsed.GetValue(html));
            ScheduleOverrides? schedules = Options.ReadSchedule(parsed.GetValue(schedule));
            IReadOnlyList<NetworkInput> networks = inputs.Read(parsed, terminal);
            MachineModel model = machine.Read(parsed, set, terminal);
            NetworkReport[] reports = [.. networks.Select(n => NetworkReport.Of(n, set, model, schedules))];
            string text = page is null ? string.Empty : HtmlReport.Page(reports, model);
            page?.Write(text);
            if (parsed.GetValue(json))
                terminal.Writer.WriteLine(Figures.Json(new { Machine = model, Html = parsed.GetValue(html)?.FullName, Networks = reports }));
            else if (parsed.GetValue(html) is { FullName: var path })
                terminal.Line($"Wrote {path}: {(reports.Length == 1 ? reports[0].Name : $"{reports.Length} networks")}, {Figures.Bytes(Encoding.UTF8.GetByteCount(text))}.");
            else
                Print(reports, parsed.GetValue(all), terminal);
            return ExitCode.Success;
        });
        return command;
    }

    /// <summary>The page to write; a file that is none stays as it is.</summary>
    private static OutputFile? Page(FileInfo? file)
    {
        const string Option = "--html";
        if (file is null)
            return null;
        OutputFile page = OutputFile.Check(Option, file);
        if (page.Exists && File.ReadLines(file.FullName).FirstOrDefault(line => !string.IsNullOrWhiteSpace(line)) is { } first
            && !first.TrimStart().StartsWith("<!doctype html", StringComparison.OrdinalIgnoreCase) && !first.TrimStart().StartsWith("<html", StringComparison.OrdinalIgnoreCase))
            throw new ToolException($"{Option}: {file} is there already and is no HTML page; name another file, or remove it.");
        return page;
    }

    private static void Print(NetworkReport[] reports, bool all, Terminal terminal)
    {
        foreach (NetworkReport report in reports)
        {
            terminal.Heading($"{report.Name}   {report.Input} -> {report.Output}");
            terminal.Line(report.Location);
            terminal.Line();
            terminal.Facts(Totals(report));
            terminal.Line();
            terminal.Heading(all ? "Layers" : "Layers (batch norm and activation counted with the layer before them)");
            terminal.Table(
                [Column.Text("layer"), Column.Text("operator"), Column.Text("output"), new("parameters"), new("MACs"), new("live MiB"), new("MAC/B")],
                (all ? report.Layers : Merged(report.Layers)).Select(l => (IReadOnlyList<string>)[
                    Figures.Short(l.Name, 15), Figures.Short(l.Operator, 12), l.Output, l.Parameters == 0 ? "-" : Figures.Count(l.Parameters), Figures.Macs(l.MultiplyAdds),
                    Figures.Mebibytes(l.LiveBytes), l.MultiplyAdds == 0 ? "-" : Figures.Number(l.Intensity, 2)]));
            if (report.Steps is not { } steps)
                continue;
            terminal.Heading($"Schedule for {report.InstructionSet} (predicted on this machine)");
            terminal.Table(
                [Column.Text("layers"), Column.Text("form", wraps: true), new("MACs"), new("MAC/B"), new("live MiB"), new("us")],
                steps.Select(s => (IReadOnlyList<string>)[
                    Figures.Short(s.Name, 13), Figures.Short(s.Form, 36), Figures.Macs(s.MultiplyAdds), s.MultiplyAdds == 0 ? "-" : Figures.Number(s.Intensity, 2),
                    Figures.Mebibytes(s.LiveBytes), Figures.Microseconds(s.PredictedSeconds)]));
        }
    }

    private static IEnumerable<(string Name, string Value)> Totals(NetworkReport r)
    {
        yield return ("parameters", $"{Figures.Count(r.Parameters)} ({Figures.Bytes(r.WeightBytes)})");
        yield return ("multiply-adds", $"{Figures.Count(r.MultiplyAdds)} MACs");
        yield return ("activations", $"{Figures.Count(r.ActivationSum)} of convolutions and linear layers");
        yield return ("outputs", $"{Figures.Count(r.OutputSum)} of all modules" + (r.TorchinfoPassBytes is { } pass ? $"; torchinfo pass size {Figures.Number(pass / 1e6, 2)} MB" : string.Empty));
        yield return ("peak, layerwise", $"{Figures.Bytes(r.PeakBytesLayerwise)}" + (r.PeakBytesLayerwiseHeld is { } held ? $"; {Figures.Bytes(held)} when the caller keeps the input" : string.Empty));
        yield return ("peak, fused", $"{Figures.Bytes(r.PeakBytesFused)} as compiled for {r.InstructionSet}: input, output and workspace of {Figures.Bytes(r.WorkspaceBytes)}");
        foreach (RunMemory other in r.Memory.Where(m => Figures.Word(m.InstructionSet) != r.InstructionSet))
            yield return (string.Empty, $"{Figures.Bytes(other.PeakBytes)} as compiled for {Figures.Word(other.InstructionSet)}, workspace {Figures.Bytes(other.WorkspaceBytes)}");
        if (r.PeakBytesFusedInputFreed is { } freed)
            yield return (string.Empty, $"{Figures.Bytes(freed)} of it alive at once when the input is freed");
        if (r.PeakBytesFusedRows is { } rows)
            yield return (string.Empty, $"{Figures.Bytes(rows)} at least, with each block fused row by row and its map kept");
        yield return ("training", $"{Figures.Bytes(r.SavedBytes)} of activations kept for each image");
        yield return ("intensity", $"{Figures.Number(r.Intensity, 2)} MACs for each byte of input, output and weights");
        if (r.PredictedSeconds is { } seconds)
            yield return ("predicted time", $"{Figures.Microseconds(seconds)} us, {Figures.Number(r.MultiplyAdds / seconds / 1e9, 1)} GMAC/s, one thread, {r.InstructionSet}");
    }

    /// <summary>Batch norm and activations with the layer before them.</summary>
    private static IEnumerable<LayerReport> Merged(IReadOnlyList<LayerReport> layers)
    {
        LayerReport? current = null;
        foreach (LayerReport layer in layers)
        {
            if (current is not null && layer.IsPointwiseFunction)
            {
                current = current with { Parameters = current.Parameters + layer.Parameters, LiveBytes = Math.Max(current.LiveBytes, layer.LiveBytes) };
                continue;
            }

            if (current is not null)
                yield return current;
            current = layer;
        }

        if (current is not null)
            yield return current;
    }
}
