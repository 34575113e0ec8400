using System.Net;
using System.Text;
using EfficientConv.Dsl.Cli.Verbs;
using EfficientConv.Dsl.Compiler.Prediction;

namespace EfficientConv.Dsl.Cli.Output;

/// <summary>The report as one page that needs nothing else: no script, no font, no picture from outside.</summary>
internal static class HtmlReport
{
    private const double Wide = 1000, Narrow = 360;

    private const string Style = """
        :root{color-scheme:light dark;--bg:#fff;--fg:#1c2733;--dim:#5b6875;--line:#dde3e9;--one:#2563a8;--two:#c2570c;--card:#f6f8fa}
        @media(prefers-color-scheme:dark){:root{--bg:#12171d;--fg:#e3e9ef;--dim:#97a5b3;--line:#2c3641;--one:#6fb1f2;--two:#f2a15f;--card:#1a212a}}
        *{box-sizing:border-box}body{margin:0;background:var(--bg);color:var(--fg);font:16px/1.5 system-ui,sans-serif}
        main{max-width:1080px;margin:0 auto;padding:24px 20px 60px}h1{font-size:1.5rem;margin:0 0 4px;overflow-wrap:anywhere}h2{font-size:1.1rem;margin:36px 0 8px}
        p{margin:0 0 12px;max-width:75ch}.dim{color:var(--dim);font-size:.9rem;overflow-wrap:anywhere}section+section{border-top:1px solid var(--line);margin-top:48px;padding-top:32px}
        dl{display:grid;grid-template-columns:repeat(auto-fill,minmax(155px,1fr));gap:10px;margin:20px 0}dl div{background:var(--card);border-radius:8px;padding:10px 14px}
        dt{color:var(--dim);font-size:.85rem}dd{margin:0;font-size:1.05rem;font-variant-numeric:tabular-nums}dd small{display:block;color:var(--dim);font-size:.8rem}
        .scroll{overflow-x:auto}table{border-collapse:collapse;font-size:.88rem;font-variant-numeric:tabular-nums;width:100%}th,td{padding:4px 10px 4px 0;text-align:right;white-space:nowrap;border-bottom:1px solid var(--line)}
        th{color:var(--dim);font-weight:600}th.l,td.l{text-align:left}svg{display:block;width:100%;height:auto}.narrow{display:none}
        @media(max-width:640px){.wide{display:none}.narrow{display:block}main{padding:16px 14px 40px}}
        .key span{display:inline-block;margin-right:18px}.key i{display:inline-block;width:18px;height:3px;margin-right:6px;vertical-align:middle}
        .t{font:12px system-ui,sans-serif;fill:var(--dim)}.t.s{fill:var(--fg)}.halo{paint-order:stroke;stroke:var(--bg);stroke-width:4px}.g{stroke:var(--line);stroke-width:1}
        .a1,.a2,.r{fill:none;stroke-width:2}.a1{stroke:var(--one)}.a2{stroke:var(--two)}.r{stroke:var(--dim);stroke-width:1.5}.p1,.b1{fill:var(--one)}.p2,.b2{fill:var(--two)}.h{fill:transparent}
        """;

    public static string Page(IReadOnlyList<NetworkReport> reports, MachineModel machine)
    {
        StringBuilder page = new();
        string title = reports.Count == 1 ? reports[0].Name : $"{reports.Count} networks";
        page.Append("<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">");
        page.Append($"<title>{Text(title)}</title><style>{Style}</style></head><body><main>");
        foreach (NetworkReport report in reports)
            Section(page, report, machine);
        return page.Append("</main></body></html>\n").ToString();
    }

    private static void Section(StringBuilder page, NetworkReport report, MachineModel machine)
    {
        page.Append($"<section><h1>{Text(report.Name)}</h1><p class=\"dim\">{Text(report.Input)} to {Text(report.Output)}, {Text(report.Location)}</p><dl>");
        Fact("Parameters", Figures.Count(report.Parameters), Figures.Bytes(report.WeightBytes));
        Fact("Multiply-adds", Figures.Macs(report.MultiplyAdds) + " MACs", $"{Figures.Number(report.Intensity, 2)} for each byte");
        Fact("Activations", Figures.Count(report.ActivationSum), "outputs of convolutions and linear layers");
        Fact("Peak, layer by layer", Figures.Bytes(report.PeakBytesLayerwise), report.PeakBytesLayerwiseHeld is { } held ? $"{Figures.Bytes(held)} when the input is kept" : string.Empty);
        Fact("Peak, fused", Figures.Bytes(report.PeakBytesFused), $"input, output and workspace, as compiled for {report.InstructionSet}");
        Fact("Kept for training", Figures.Bytes(report.SavedBytes), "activations of one image");
        if (report.PredictedSeconds is { } seconds)
            Fact("Predicted time", $"{Figures.Microseconds(seconds)} us", $"one thread, {report.InstructionSet}, {Figures.Number(report.MultiplyAdds / seconds / 1e9, 1)} GMAC/s");
        page.Append("</dl>");
        if (report.Steps is { Count: > 0 } steps)
        {
            page.Append("<h2>Live memory over the layers</h2><p class=\"key dim\"><span><i style=\"background:var(--one)\"></i>layer by layer, as a framework runs it</span>");
            page.Append("<span><i style=\"background:var(--two)\"></i>fused, as the generated code runs it (input and output included)</span></p>");
            Chart(width => Charts.Timeline(report, width));
            page.Append("<h2>Steps</h2>");
            Chart(width => Charts.Bars(report, width));
            page.Append("<h2>Roofline</h2><p class=\"dim\">Each point is a step: how many multiply-adds it does for each byte of input, output and weights, and at which rate it is predicted to run. The lines are what this core's arithmetic and each level of its memory allow.</p>");
            Chart(width => Charts.Roofline(report, machine, width));
            Table("Schedule", ["layers", "form", "MACs", "MAC/B", "live", "us"], 2, steps.Select(s => (string[])[
                s.Name, s.Form, Figures.Macs(s.MultiplyAdds), s.MultiplyAdds == 0 ? "-" : Figures.Number(s.Intensity, 2), Figures.Bytes(s.LiveBytes), Figures.Microseconds(s.PredictedSeconds)]));
        }

        Table("Layers", ["layer", "operator", "input", "output", "parameters", "MACs", "live", "MAC/B"], 2, report.Layers.Select(l => (string[])[
            l.Name, l.Operator, l.Input, l.Output, l.Parameters == 0 ? "-" : Figures.Count(l.Parameters), Figures.Macs(l.MultiplyAdds), Figures.Bytes(l.LiveBytes),
            l.MultiplyAdds == 0 ? "-" : Figures.Number(l.Intensity, 2)]));
        page.Append("</section>");

        void Fact(string name, string value, string note) => page.Append($"<div><dt>{Text(name)}</dt><dd>{Text(value)}<small>{Text(note)}</small></dd></div>");

        void Chart(Func<double, string> draw) => page.Append($"<div class=\"wide\">{draw(Wide)}</div><div class=\"narrow\">{draw(Narrow)}</div>");

        void Table(string title, string[] columns, int texts, IEnumerable<string[]> rows)
        {
            page.Append($"<h2>{title}</h2><div class=\"scroll\"><table><thead><tr>{string.Concat(columns.Select((c, i) => $"<th{(i < texts ? " class=\"l\"" : string.Empty)}>{Text(c)}</th>"))}</tr></thead><tbody>");
            foreach (string[] row in rows)
                page.Append($"<tr>{string.Concat(row.Select((c, i) => $"<td{(i < texts ? " class=\"l\"" : string.Empty)}>{Text(c)}</td>"))}</tr>");
            page.Append("</tbody></table></div>");
        }
    }

    private static string Text(string text) => WebUtility.HtmlEncode(text);
}
