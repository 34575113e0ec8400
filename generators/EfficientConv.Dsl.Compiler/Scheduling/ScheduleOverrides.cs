using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Model;
using EfficientConv.Dsl.Compiler.Targets;

namespace EfficientConv.Dsl.Compiler.Scheduling;

/// <summary>A measured schedule that takes the cost model's place for one kind of layer on one instruction set. No value changes a bit of the results.</summary>
/// <param name="Layer">Which layers: a <see cref="LayerKey"/>.</param>
/// <param name="Isa">Name of the <see cref="VectorTarget"/>.</param>
/// <param name="Form">Form of a fused block; null leaves it to the cost model.</param>
/// <param name="Rows">Output rows of a step; 0 leaves them to the cost model.</param>
/// <param name="Slab">Hidden channels of a slab; 0 leaves them to the cost model.</param>
/// <param name="Tile">Vectors of output channels in a register tile of the products; 0 leaves them to the cost model.</param>
public sealed record ScheduleOverride(string Layer, string Isa, string? Form, int Rows, int Slab, int Tile)
{
    /// <summary><see cref="Form"/> as the scheduler has it.</summary>
    internal BlockForm BlockForm => Form switch
    {
        "layers" => BlockForm.LayerByLayer,
        "rows" => BlockForm.Rows,
        "slabs" => BlockForm.Slabs,
        null => BlockForm.Auto,
        _ => throw new InvalidOperationException($"\"{Form}\" is no form."),
    };
}

/// <summary>Measured schedules of a project, as <c>efficientconv tune</c> writes them; empty where there are none.</summary>
/// <param name="Entries">One for each kind of layer and instruction set.</param>
public sealed record ScheduleOverrides(EquatableArray<ScheduleOverride> Entries)
{
    /// <summary>Name of the file.</summary>
    public const string FileName = "efficientconv.schedule.json";

    /// <summary>Version of the format that is understood.</summary>
    public const int Version = 1;

    /// <summary>None.</summary>
    public static readonly ScheduleOverrides Empty = new([]);

    private static readonly string[] Forms = ["layers", "rows", "slabs"];

    /// <summary>The one for <paramref name="layer"/> on <paramref name="target"/>, or null.</summary>
    public ScheduleOverride? Find(string layer, VectorTarget target) => Entries.FirstOrDefault(e => e.Layer == layer && e.Isa == target.Name);

    /// <summary>Reads a file. It is small and its form is fixed, so it is read by a reader of our own: a JSON library beside an analyzer may meet another version of itself in the compiler.</summary>
    /// <exception cref="JsonFormatException">The text is no such file; the message says where and why.</exception>
    public static ScheduleOverrides Parse(string text)
    {
        JsonReader reader = new(text);
        List<ScheduleOverride> entries = [];
        int version = 0;
        reader.Object(name =>
        {
            switch (name)
            {
                case "version":
                    version = reader.Integer();
                    if (version != Version)
                        throw reader.Error(FormattableString.Invariant($"version is {version}; expected {Version}"));
                    break;
                case "machine":
                    reader.Text();
                    break;
                case "schedules":
                    reader.Array(() => entries.Add(ReadEntry(reader)));
                    break;
                default:
                    throw reader.Error($"\"{name}\" is not known; expected version, machine or schedules");
            }
        });
        reader.End();
        if (version == 0)
            throw reader.Error(FormattableString.Invariant($"\"version\" is missing; expected {Version}"));
        return new ScheduleOverrides(entries.ToEquatableArray());
    }

    private static ScheduleOverride ReadEntry(JsonReader reader)
    {
        string layer = string.Empty, isa = string.Empty;
        string? form = null;
        int rows = 0, slab = 0, tile = 0;
        reader.Object(name =>
        {
            switch (name)
            {
                case "layer":
                    layer = reader.Text();
                    break;
                case "isa":
                    isa = reader.Text();
                    break;
                case "form":
                    form = reader.Text();
                    break;
                case "rows":
                    rows = reader.Integer();
                    break;
                case "slab":
                    slab = reader.Integer();
                    break;
                case "tile":
                    tile = reader.Integer();
                    break;
                case "gain":
                    reader.Text();
                    break;
                default:
                    throw reader.Error($"\"{name}\" is not known; expected layer, isa, form, rows, slab, tile or gain");
            }
        });
        if (layer.Length == 0 || VectorTarget.All.All(t => t.Name != isa))
            throw reader.Error($"a schedule needs \"layer\" and \"isa\" ({string.Join(", ", VectorTarget.All.Select(t => t.Name))})");
        if (form is not null && !Forms.Contains(form))
            throw reader.Error($"form is \"{form}\"; expected {string.Join(", ", Forms)}");
        return new ScheduleOverride(layer, isa, form, rows, slab, tile);
    }
}
