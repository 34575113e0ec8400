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
    private const double Tolerance = 1e-4;

    /// <summary>Each weight is wrong by up to 2^-11 of itself.</summary>
    private const double HalfTolerance = 1e-2;

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
        Option<bool> explain = new("--explain") { Description = "Lists what was rewritten." };
        Option<bool> json = Options.Json();
        Command command = new("import", Description) { model, folder, name, space, shape, until, weights, noCheck, explain, json };
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
            DirectoryInfo target = parsed.GetValue(folder)!;
            OutputFile.CheckFolder("--output-folder", target);
            ImportedModel imported = Import(request, terminal);
            IReadOnlyList<OutputCheck> checks = [];
            if (!parsed.GetValue(noCheck))
            {
                using (terminal.Working($"Checking {request.Name}"))
                    checks = Check(request, imported);
            }

            bool isRight = checks.All(check => check.IsWithin);
            string source = Path.Combine(target.FullName, request.Name + ".cs"), checkpoint = Path.Combine(target.FullName, request.Name + ".safetensors");
            if (isRight)
            {
                target.Create();
                Write(checkpoint, request, imported);
                OutputFile.Write(source, imported.Text);
            }

            if (parsed.GetValue(json))
                terminal.Writer.WriteLine(Figures.Json(new { Class = source, Weights = checkpoint, Written = isRight, imported.Explained, Checks = checks }));
            else
                Print(imported, checks, isRight, parsed.GetValue(explain), target, request.Name, terminal);
            return isRight ? ExitCode.Success : ExitCode.Failed;
        });
        return command;
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

    /// <summary>The written class, compiled and loaded, against the model as the file has it: two random images and two with structure.</summary>
    private static List<OutputCheck> Check(ImportRequest request, ImportedModel imported)
    {
        (RunnableNetwork runnable, LoadedNetwork network) = ReadBack(request, imported);
        int count = (int)runnable.InputShape.ElementCount;
        double[] largest = new double[imported.Mapped.Outputs.Count], errors = new double[imported.Mapped.Outputs.Count];
        for (int image = 0; image < 4; image++)
        {
            float[] input = Image(image, count, runnable.InputShape), output = new float[runnable.OutputShape.ElementCount];
            double[] expected = imported.Reference(input);
            network.ForwardOne(imported.NetworkInput(input), output);
            for (int i = 0, start = 0; i < imported.Mapped.Outputs.Count; start += imported.Mapped.Outputs[i++])
            {
                for (int k = start; k < start + imported.Mapped.Outputs[i]; k++)
                {
                    largest[i] = Math.Max(largest[i], Math.Abs(expected[k]));
                    double error = Math.Abs(expected[k] - output[k]);
                    errors[i] = Math.Max(errors[i], double.IsNaN(error) ? double.PositiveInfinity : error);
                }
            }
        }

        return [.. imported.Source.Outputs.Select((name, i) => new OutputCheck(name, imported.Mapped.Outputs[i], largest[i], errors[i], largest[i] > 0 ? errors[i] / largest[i] : errors[i], Allowed(request)))];
    }

    private static double Allowed(ImportRequest request) => request.IsHalf ? HalfTolerance : Tolerance;

    private static void Write(string checkpoint, ImportRequest request, ImportedModel imported)
    {
        try
        {
            SafetensorsWriter.Write(checkpoint, imported.Weights, isHalf: request.IsHalf);
        }
        catch (ArgumentException exception) when (request.IsHalf)
        {
            throw new ToolException($"{Path.GetFileName(request.Path)} cannot be written with --weights f16: {exception.Message}");
        }
    }

    /// <summary>Both files, read as any of the user's: what is checked is what is written.</summary>
    private static (RunnableNetwork Network, LoadedNetwork Loaded) ReadBack(ImportRequest request, ImportedModel imported)
    {
        string folder = Directory.CreateTempSubdirectory("efficientconv-import").FullName;
        using Ending ending = new(() => Directory.Delete(folder, recursive: true));
        using StringWriter said = new();
        try
        {
            string source = Path.Combine(folder, request.Name + ".cs"), checkpoint = Path.Combine(folder, request.Name + ".safetensors");
            File.WriteAllText(source, imported.Text);
            Write(checkpoint, request, imported);
            RunnableNetwork network = NetworkBuild.Runnable(NetworkInputs.Read([source], null, new Terminal(TextWriter.Null, said)).Single(), CompilerOptions.Default);
            return (network, network.Load(checkpoint, new LoadOptions()));
        }
        catch (ToolException exception)
        {
            string mistake = said.ToString().Split('\n').FirstOrDefault(line => line.Contains(": error ", StringComparison.Ordinal)) ?? exception.Message;
            throw new ToolException($"The class that was made of {Path.GetFileName(request.Path)} has a mistake, which is a fault of the import (--no-check writes it all the same): {mistake.Replace(": error ", ": ", StringComparison.Ordinal)}", ExitCode.Failed);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>Images in the model's own layout: random ones, a ramp, and a bright square.</summary>
    private static float[] Image(int kind, int count, TensorShape shape) => kind switch
    {
        0 or 1 => Random(count, 17 + kind),
        2 => [.. Enumerable.Range(0, count).Select(i => (2f * i / count) - 1)],
        _ => [.. Enumerable.Range(0, count).Select(i => i / shape.Width % shape.Height > shape.Height / 2 ? 1f : 0f)],
    };

    private static float[] Random(int count, int seed)
    {
        Random random = new(seed);
        return [.. Enumerable.Range(0, count).Select(_ => (random.NextSingle() * 2) - 1)];
    }

    private static void Print(ImportedModel imported, IReadOnlyList<OutputCheck> checks, bool isRight, bool explains, DirectoryInfo folder, string name, Terminal terminal)
    {
        if (explains)
        {
            foreach (string line in imported.Explained)
                terminal.Line(line);
            terminal.Line();
        }

        if (checks.Count > 0)
        {
            terminal.Table(
                [Column.Text("output"), new Column("values"), new Column("largest"), new Column("error"), new Column("of the largest"), Column.Text("")],
                checks.Select(check => (IReadOnlyList<string>)[check.Output, Figures.Count(check.Values), Number(check.Largest), Number(check.Error), Number(check.Relative), check.IsWithin ? "agrees" : "DIFFERS"]));
        }

        terminal.Line(isRight
            ? $"{Path.Combine(folder.ToString(), name + ".cs")} and {name}.safetensors written"
            : FormattableString.Invariant($"error: an output differs by more than {checks[0].Allowed} of its largest value; nothing is written."));
    }

    private static string Number(double value) => value.ToString("G4", CultureInfo.InvariantCulture);

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

    /// <summary>An output of the network beside the model's.</summary>
    /// <param name="Output">Its name.</param>
    /// <param name="Values">Number of values.</param>
    /// <param name="Largest">The largest value of the model's.</param>
    /// <param name="Error">The largest difference.</param>
    /// <param name="Relative">The difference as a share of the largest value.</param>
    /// <param name="Allowed">What it may be.</param>
    private sealed record OutputCheck(string Output, int Values, double Largest, double Error, double Relative, double Allowed)
    {
        public bool IsWithin => Relative <= Allowed;
    }
}
