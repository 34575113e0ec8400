using System.Globalization;
using System.Net;
using System.Text;

namespace EfficientConv.Dsl.Cli.Output;

/// <summary>Writes a picture whose colours are the page's variables, so that light and dark are the page's choice.</summary>
internal sealed class Svg(double width, double height, string label)
{
    private readonly StringBuilder _text = new();

    public double Width => width;

    public void Line(double x1, double y1, double x2, double y2, string style) =>
        _text.Append(CultureInfo.InvariantCulture, $"<line x1=\"{x1:0.#}\" y1=\"{y1:0.#}\" x2=\"{x2:0.#}\" y2=\"{y2:0.#}\" class=\"{style}\"/>");

    public void Rectangle(double x, double y, double w, double h, string style, string? title = null) =>
        _text.Append(CultureInfo.InvariantCulture, $"<rect x=\"{x:0.#}\" y=\"{y:0.#}\" width=\"{Math.Max(w, 0.5):0.#}\" height=\"{h:0.#}\" class=\"{style}\">{Title(title)}</rect>");

    public void Circle(double x, double y, double r, string style, string? title = null) =>
        _text.Append(CultureInfo.InvariantCulture, $"<circle cx=\"{x:0.#}\" cy=\"{y:0.#}\" r=\"{r:0.#}\" class=\"{style}\">{Title(title)}</circle>");

    public void Path(IEnumerable<(double X, double Y)> points, string style, bool closed = false)
    {
        _text.Append("<path d=\"");
        char command = 'M';
        foreach ((double x, double y) in points)
        {
            _text.Append(CultureInfo.InvariantCulture, $"{command}{x:0.#} {y:0.#}");
            command = 'L';
        }

        _text.Append(closed ? "Z" : string.Empty).Append(CultureInfo.InvariantCulture, $"\" class=\"{style}\"/>");
    }

    /// <summary>Text; <paramref name="anchor"/> is start, middle or end.</summary>
    public void Text(double x, double y, string text, string anchor = "start", string style = "t") =>
        _text.Append(CultureInfo.InvariantCulture, $"<text x=\"{x:0.#}\" y=\"{y:0.#}\" text-anchor=\"{anchor}\" class=\"{style}\">{WebUtility.HtmlEncode(text)}</text>");

    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture, $"<svg viewBox=\"0 0 {width:0} {height:0}\" role=\"img\" aria-label=\"{WebUtility.HtmlEncode(label)}\" xmlns=\"http://www.w3.org/2000/svg\">{_text}</svg>");

    private static string Title(string? title) => title is null ? string.Empty : $"<title>{WebUtility.HtmlEncode(title)}</title>";
}
