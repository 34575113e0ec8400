using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using EfficientConv.Dsl.Analyzers;
using EfficientConv.Dsl.EditorBenchmarks;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.Diagnostics;
using Spectre.Console;

// Medians and best of many runs in a warm process, one thread.
const int Rounds = 31, Networks = 50;
List<EditorFigures> rows = [];

CSharpCompilation one = EditorProject.Create(1), many = EditorProject.Create(Networks);
Row("generated", "MobileNetV2, nothing cached (ms)", Measure(Rounds, () => one.Clone(), project => EditorProject.NewDriver().RunGenerators(project)), 150);

CSharpCompilation none = EditorProject.Create(0);
GeneratorDriver idle = EditorProject.NewDriver().RunGenerators(none);
List<double> still = Measure(10 * Rounds, () => none = EditorProject.Type(none), project => idle = idle.RunGenerators(project));
Row("driver", "key stroke, no network: the driver alone (ms)", still, null);

GeneratorDriver driver = EditorProject.NewDriver().RunGenerators(one);
Row("stroke-1", "key stroke elsewhere, 1 network (ms)", Measure(10 * Rounds, () => one = EditorProject.Type(one), project => driver = driver.RunGenerators(project)), null);
Row("comment", "comment in the network's file, 1 network (ms)", Measure(10 * Rounds, () => one = EditorProject.TypeIntoNetwork(one), project => driver = driver.RunGenerators(project)), null);

long before = Live();
GeneratorDriver large = EditorProject.NewDriver().RunGenerators(many);
long kept = Live() - before;
List<double> strokes = Measure(10 * Rounds, () => many = EditorProject.Type(many), project => large = large.RunGenerators(project));
Row("stroke", $"key stroke elsewhere, {Networks} networks (ms)", strokes, 10);
Row("stroke-part", "each network's part of it (ms)", [.. strokes.Select(time => (time - still[0]) / Networks)], 0.1);
Row("kept", "kept for each network (MB)", [kept / 1e6 / Networks], 2);
GC.KeepAlive(large);

Row("analyzers", "analyzers of a file with MobileNetV2 (ms)", Measure(Rounds, () => one = EditorProject.TypeIntoNetwork(one), Analyze), 20);
if (args is ["--json"])
{
    Console.WriteLine(JsonSerializer.Serialize(rows, JsonSerializerOptions.Web));
}
else
{
    Table table = new();
    table.AddColumns("what", "median", "best", "target");
    foreach (EditorFigures row in rows)
        table.AddRow(row.What, row.Median.ToString("F3", CultureInfo.InvariantCulture), row.Best.ToString("F3", CultureInfo.InvariantCulture), row.Target?.ToString(CultureInfo.InvariantCulture) ?? string.Empty);
    AnsiConsole.Write(table);
}

if (args is ["--sizes"])
{
    foreach (GeneratedSourceResult source in EditorProject.NewDriver().RunGenerators(EditorProject.Create(1)).GetRunResult().Results[0].GeneratedSources)
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{source.HintName}: {source.SourceText.Length} characters, {source.SourceText.Lines.Count} lines, {source.SyntaxTree.GetRoot().DescendantTokens().Count()} tokens"));
}


static void Analyze(CSharpCompilation project)
{
    SyntaxTree tree = project.SyntaxTrees.First();
    CompilationWithAnalyzers analyzers = project.WithAnalyzers([new NetworkAnalyzer()]);
    analyzers.GetAnalyzerSemanticDiagnosticsAsync(project.GetSemanticModel(tree), null, CancellationToken.None).GetAwaiter().GetResult();
}

static List<double> Measure(int rounds, Func<CSharpCompilation> prepare, Action<CSharpCompilation> run)
{
    List<double> times = [];
    for (int i = 0; i < 2 * rounds; i++)
    {
        CSharpCompilation project = prepare();
        long start = Stopwatch.GetTimestamp();
        run(project);
        double time = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        if (i >= rounds)
            times.Add(time);
    }

    times.Sort();
    return times;
}

static long Live()
{
    GC.Collect();
    GC.WaitForPendingFinalizers();
    GC.Collect();
    return GC.GetTotalMemory(forceFullCollection: true);
}

void Row(string id, string what, IReadOnlyList<double> values, double? target) => rows.Add(new EditorFigures(id, what, values[values.Count / 2], values[0], target));

/// <summary>A row of the table; the text says in which unit.</summary>
internal sealed record EditorFigures(string Id, string What, double Median, double Best, double? Target);
