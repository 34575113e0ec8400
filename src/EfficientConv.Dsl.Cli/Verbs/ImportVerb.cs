using System.CommandLine;
using System.Globalization;
using EfficientConv.Dsl.Cli.Input;
using EfficientConv.Dsl.Cli.Output;
using EfficientConv.Dsl.Cli.Running;
using EfficientConv.Dsl.Compiler;
using EfficientConv.Dsl.Import;
using EfficientConv.Dsl.Measuring;
using Microsoft.CodeAnalysis.CSharp;

namespace EfficientConv.Dsl.Cli.Verbs;

/// <summary><c>import</c>: a trained model as a class and its checkpoint, checked against the model itself.</summary>
internal static class ImportVerb
{
    private const int ShownProblems = 20;

    private const string Description =
        "A trained model, ONNX or TensorFlow Lite, as C# and a safetensors file, and a check that both compute what the model does. Ends with 1 where a part of the model cannot be said, or the check fails; then nothing is written.";

    public static Command Create(Terminal terminal)
    {
        Argument<FileInfo> model = new("model") { Description = "The model: ONNX, or TensorFlow Lite.", HelpName = "file" };
        Option<DirectoryInfo> folder = new("--output-folder", "-o") { Description = "Where NAME.cs and NAME.safetensors go.", DefaultValueFactory = _ => new DirectoryInfo("."), HelpName = "folder" };
        Option<string?> name = new("--name") { Description = "Name of the class; the file's where it is not given.", HelpName = "name" };
        Option<string> space = new("--namespace") { Description = "Namespace of the class.", DefaultValueFactory = _ => string.Empty, HelpName = "name" };
        Option<string?> shape = new("--input-shape") { Description = "Channels, height and width where the file leaves them open: 3x224x224.", HelpName = "CxHxW" };
        Option<string[]> until = new("--until") { Description = "A tensor of the model that is an output in place of the file's; may be given several times.", DefaultValueFactory = _ => [], HelpName = "tensor" };
        Option<string> weights = new("--weights") { Description = "f16: the checkpoint in half precision, half as large; the check then allows for the rounding.", DefaultValueFactory = _ => "f32" };
        weights.AcceptOnlyFromAmong("f32", "f16");
        Option<bool> noCheck = new("--no-check") { Description = "Does not run the model and the network." };
        Option<string> peer = Options.Peer("ort: compares with ONNX Runtime too, and the times of both on one thread.");
        Option<int?> core = Options.Core();
        Option<bool> explain = new("--explain") { Description = "Lists what was rewritten." };
        Option<bool> json = Options.Json();
        Command command = new("import", Description) { model, folder, name, space, shape, until, weights, noCheck, peer, core, explain, json };
        command.SetAction(parsed =>
        {
            FileInfo file = parsed.GetValue(model)!;
            if (!File.Exists(file.FullName))
                throw new ToolException(Directory.Exists(file.FullName) ? $"{file} is a folder; expected a model." : $"{file} does not exist.");
            ImportRequest request = new()
            {
                Path = file.FullName, Name = parsed.GetValue(name) ?? ClassName(file), Namespace = parsed.GetValue(space)!, InputShape = Shape(parsed.GetValue(shape)), Until = parsed.GetValue(until)!,
                IsHalf = parsed.GetValue(weights) == "f16",
            };
            CheckIdentifier("--name", request.Name);
            foreach (string part in request.Namespace.Length == 0 ? [] : request.Namespace.Split('.'))
                CheckIdentifier("--namespace", part);
            bool isChecked = !parsed.GetValue(noCheck), hasPeer = parsed.GetValue(peer) == "ort";
            if (hasPeer)
                CheckPeer(request, isChecked);
            Options.CheckCore(parsed.GetValue(core));
            DirectoryInfo target = parsed.GetValue(folder)!;
            OutputFile.CheckFolder("--output-folder", target);
            ImportedModel imported = Import(request, terminal);
            IReadOnlyList<OutputCheck> checks = [];
            PeerCheck? compared = null;
            if (isChecked)
            {
                using (terminal.Working($"Checking {request.Name}"))
                {
                    ImportCheck check = new(request, imported);
                    checks = check.Compare();
                    compared = hasPeer ? check.ComparePeer(parsed.GetValue(core)) : null;
                    checks = [.. checks.Select((one, i) => one with { PeerRelative = compared?.Relative[i] })];
                }
            }

            bool isRight = checks.All(check => check.IsWithin);
            string source = Path.Combine(target.FullName, request.Name + ".cs"), checkpoint = Path.Combine(target.FullName, request.Name + ".safetensors");
            if (isRight)
            {
                using IDisposable working = terminal.Working($"Writing {request.Name}");
                target.Create();
                ImportCheck.WriteWeights(checkpoint, request, imported);
                OutputFile.Write(source, imported.Text);
            }

            if (parsed.GetValue(json))
                terminal.Writer.WriteLine(Figures.Json(new { Class = source, Weights = checkpoint, Written = isRight, imported.Explained, Checks = checks, Peer = compared }));
            else
                Print(imported, checks, compared, isRight, parsed.GetValue(explain), target, request.Name, terminal);
            return isRight ? ExitCode.Success : ExitCode.Failed;
        });
        return command;
    }

    private static void CheckPeer(ImportRequest request, bool isChecked)
    {
        if (!isChecked)
            throw new ToolException("--peer ort is a part of the check; leave --no-check out.");
        if (request.Until.Count > 0)
            throw new ToolException("--peer ort compares the file's own outputs; leave --until out.");
        if (ModelImport.IsTfLite(request.Path))
            throw new ToolException($"--peer ort runs ONNX files; {Path.GetFileName(request.Path)} is TensorFlow Lite.");
    }

    private static ImportedModel Import(ImportRequest request, Terminal terminal)
    {
        try
        {
            using (terminal.Working($"Reading {Path.GetFileName(request.Path)}"))
                return ModelImport.Import(request);
        }
        catch (ImportException exception) when (exception.Problems.Count > 0)
        {
            foreach (ImportProblem problem in exception.Problems.Take(ShownProblems))
                terminal.Error($"{problem.Node}{(problem.Shapes.Length > 0 ? $" ({problem.Shapes})" : string.Empty)}: {problem.Why}; {problem.Advice}.");
            if (exception.Problems.Count > ShownProblems)
                terminal.Error($"... and {exception.Problems.Count - ShownProblems} more");
            throw new ToolException($"{exception.Message} Nothing is written.", ExitCode.Failed);
        }
        catch (ImportException exception)
        {
            throw new ToolException(exception.Message);
        }
    }

    private static void Print(
        ImportedModel imported, IReadOnlyList<OutputCheck> checks, PeerCheck? peer, bool isRight, bool explains, DirectoryInfo folder, string name, Terminal terminal)
    {
        if (explains)
        {
            foreach (string line in imported.Explained)
                terminal.Line(line);
            terminal.Line();
        }

        if (checks.Count > 0)
        {
            bool hasLogits = checks.Any(check => check.LogitRelative is not null), hasRounding = checks.Any(check => check.Rounding is not null);
            terminal.Table(
                [
                    Column.Text("output"), new Column("values"), new Column("largest"), new Column("error"), new Column("relative"),
                    .. hasLogits ? [new Column("logits")] : Array.Empty<Column>(), .. hasRounding ? [new Column("rounding")] : Array.Empty<Column>(), .. peer is not null ? [new Column("to ORT")] : Array.Empty<Column>(), Column.Text(""),
                ],
                checks.Select(check => (IReadOnlyList<string>)[
                    check.Output, Figures.Count(check.Values), Number(check.Largest), Number(check.Error), Number(check.Relative),
                    .. hasLogits ? [check.LogitRelative is { } logits ? Number(logits) : "-"] : Array.Empty<string>(),
                    .. check.Rounding is { } rounding ? [Number(rounding)] : Array.Empty<string>(),
                    .. check.PeerRelative is { } other ? [Number(other)] : Array.Empty<string>(),
                    check.IsRounding ? "agrees but for rounding" : check.IsWithin ? "agrees" : "DIFFERS"]));
        }

        if (peer is not null)
        {
            terminal.Facts([
                (name, $"{Figures.Microseconds(peer.Ours.P50)} us (median), least {Figures.Microseconds(peer.Ours.Minimum)} us"),
                (peer.Name, $"{Figures.Microseconds(peer.Theirs.P50)} us, least {Figures.Microseconds(peer.Theirs.Minimum)} us"),
                ("ratio", $"{Figures.Number(peer.Ratio, 2)} of the medians, {Figures.Number(peer.RatioOfMinima, 2)} of the least, one thread"),
            ]);
            terminal.Line();
        }

        terminal.Line(isRight
            ? $"{Path.Combine(folder.ToString(), name + ".cs")} and {name}.safetensors written"
            : FormattableString.Invariant($"error: an output differs by more than {checks[0].Allowed} of its largest value; nothing is written."));
    }

    private static string Number(double value) => value.ToString("G3", CultureInfo.InvariantCulture);

    private static int[]? Shape(string? text)
    {
        if (text is null)
            return null;
        string[] parts = text.Split('x', 'X');
        int[] sizes = [.. parts.Select(part => int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out int size) && size is > 0 and <= 1 << 20 ? size : 0)];
        return sizes.Length == 3 && sizes.All(size => size > 0) ? sizes : throw new ToolException($"--input-shape is \"{text}\"; expected channels, height and width: 3x224x224.");
    }

    private static void CheckIdentifier(string option, string name)
    {
        if (!SyntaxFacts.IsValidIdentifier(name))
            throw new ToolException($"{option}: \"{name}\" is no name of C#.");
    }

    /// <summary>The file's name as a class is called: mobilenet_v2-7.onnx is MobilenetV27.</summary>
    private static string ClassName(FileInfo file)
    {
        string name = string.Concat(Path.GetFileNameWithoutExtension(file.Name).Split([.. Path.GetFileNameWithoutExtension(file.Name).Where(c => !char.IsAsciiLetterOrDigit(c)).Distinct()], StringSplitOptions.RemoveEmptyEntries)
            .Select(part => char.ToUpperInvariant(part[0]) + part[1..]));
        return name.Length == 0 ? "Model" : char.IsAsciiDigit(name[0]) ? "Model" + name : name;
    }
}
