using System.CommandLine;
using EfficientConv.Dsl.Cli.Input;
using EfficientConv.Dsl.Cli.Output;
using EfficientConv.Dsl.Cli.Running;
using EfficientConv.Dsl.Compiler;

namespace EfficientConv.Dsl.Cli.Verbs;

/// <summary><c>validate</c>: does a checkpoint fit a network, and does the network give the numbers that it should?</summary>
internal static class ValidateVerb
{
    private const int ShownLines = 20;

    private const string Description =
        "A safetensors file against a network: names, shapes, types, non-finite values, what is missing or left over; with --input and --expected also the " +
        "numbers. Ends with 1 where something is wrong.";

    public static Command Create(Terminal terminal)
    {
        InputOptions inputs = new();
        Option<FileInfo> weights = new("--weights", "-w") { Description = "The checkpoint, .safetensors.", Required = true, HelpName = "file" };
        Option<bool> notStrict = new("--no-strict") { Description = "Tensors that the network has no use for are listed and are no mistake." };
        Option<string> prefix = new("--prefix") { Description = "Only tensors whose names begin so; it is taken off.", DefaultValueFactory = _ => string.Empty, HelpName = "text" };
        Option<string?> input = new("--input") { Description = "A tensor to run: FILE.safetensors, or FILE.safetensors:NAME.", HelpName = "tensor" };
        Option<string?> expected = new("--expected") { Description = "What should come out, in the same form.", HelpName = "tensor" };
        Option<double> tolerance = new("--tolerance") { Description = "Largest error allowed, as a share of the largest expected value.", DefaultValueFactory = _ => 1e-4, HelpName = "share" };
        Option<InstructionSet> isa = Options.InstructionSet();
        Option<bool> json = Options.Json();
        Command command = new("validate", Description) { weights, prefix, notStrict, input, expected, tolerance, isa, json };
        inputs.AddTo(command);
        command.SetAction(parsed =>
        {
            InstructionSet set = Options.Resolve(parsed.GetValue(isa));
            if (parsed.GetValue(input) is null != parsed.GetValue(expected) is null)
                throw new ToolException("--input and --expected go together.");
            double allowed = parsed.GetValue(tolerance);
            if (!(allowed >= 0 && double.IsFinite(allowed)))
                throw new ToolException(FormattableString.Invariant($"--tolerance must be a number of at least 0, found {allowed}."));
            IReadOnlyList<NetworkInput> networks = inputs.Read(parsed, terminal);
            if (networks.Count > 1)
                throw new ToolException($"There are {networks.Count} networks; choose one with --network: {string.Join(", ", networks.Select(n => n.ShortName))}.");
            LoadOptions options = new() { Prefix = parsed.GetValue(prefix)!, InstructionSet = set, Strict = !parsed.GetValue(notStrict), UnexpectedKeys = new List<string>() };
            Validation validation = Validate(networks[0], parsed.GetValue(weights)!.FullName, options, parsed.GetValue(input), parsed.GetValue(expected), allowed, terminal);
            if (parsed.GetValue(json))
                terminal.Writer.WriteLine(Figures.Json(validation));
            else
                Print(validation, terminal);
            return validation.Fits && validation.Numbers?.IsWithin != false ? ExitCode.Success : ExitCode.Failed;
        });
        return command;
    }

    private static Validation Validate(NetworkInput network, string weights, LoadOptions options, string? input, string? expected, double tolerance, Terminal terminal)
    {
        RunnableNetwork runnable;
        using (terminal.Working($"Compiling {network.ShortName}"))
            runnable = NetworkBuild.Runnable(network, CompilerOptions.Default);
        Validation validation = new(network.Name, weights, runnable.Parameters.Count, runnable.Parameters.Sum(p => p.ElementCount), [], null);
        try
        {
            LoadedNetwork loaded = runnable.Load(weights, options);
            return validation with { Ignored = [.. options.UnexpectedKeys!], Numbers = input is null ? null : Compare(runnable, loaded, input, expected!, tolerance) };
        }
        catch (WeightsException exception)
        {
            return validation with { Problems = exception.Problems, Hint = exception.Hint, Prefixes = exception.Prefixes };
        }
        catch (Exception exception) when (exception is SafetensorsException or IOException or UnauthorizedAccessException)
        {
            throw new ToolException(exception.Message.Contains(weights, StringComparison.Ordinal) ? exception.Message : $"{weights}: {exception.Message}");
        }
    }

    private static NumbersResult Compare(RunnableNetwork runnable, LoadedNetwork loaded, string input, string expected, double tolerance)
    {
        float[] given = ReadTensor(input, "--input", runnable.InputShape), wanted = ReadTensor(expected, "--expected", runnable.OutputShape);
        int images = (int)(given.Length / runnable.InputShape.ElementCount);
        if (wanted.Length != images * runnable.OutputShape.ElementCount)
            throw new ToolException($"--input holds {images} images, so --expected should have {images * runnable.OutputShape.ElementCount} values; it has {wanted.Length}.");
        float[] found = new float[wanted.Length];
        loaded.Forward(images, given, found, 1);
        return NumbersResult.Of(found, wanted, images, tolerance);
    }

    /// <summary>A tensor of whole images. Without a name the file must have one tensor.</summary>
    private static float[] ReadTensor(string argument, string option, TensorShape shape)
    {
        const string Extension = ".safetensors";
        int end = argument.IndexOf(Extension + ":", StringComparison.Ordinal);
        string path = end < 0 ? argument : argument[..(end + Extension.Length)];
        string? name = end < 0 ? null : argument[(end + Extension.Length + 1)..];
        if (!Path.Exists(path))
            throw new ToolException($"{option}: {path} does not exist.");
        try
        {
            using SafetensorsFile file = SafetensorsFile.Open(path);
            if (name is null && file.Tensors.Count != 1)
                throw new ToolException($"{option}: {path} has {file.Tensors.Count} tensors; name one behind a colon: {string.Join(", ", file.Tensors.Take(10).Select(t => t.Name))}.");
            name ??= file.Tensors[0].Name;
            if (!file.TryGetTensor(name, out SafetensorsTensor? tensor))
                throw new ToolException($"{option}: {path} has no tensor \"{name}\"; it has: {string.Join(", ", file.Tensors.Take(10).Select(t => t.Name))}.");
            if (tensor.ElementCount == 0 || tensor.ElementCount % shape.ElementCount != 0)
                throw new ToolException($"{option}: \"{name}\" has {tensor.ElementCount} values, which are no whole images of {shape}.");
            return file.ReadSingle(name);
        }
        catch (SafetensorsException exception)
        {
            throw new ToolException($"{option}: {exception.Message}");
        }
    }

    private static void List(IReadOnlyList<string> lines, Terminal terminal)
    {
        foreach (string line in lines.Take(ShownLines))
            terminal.Paragraph("  " + line);
        if (lines.Count > ShownLines)
            terminal.Line($"  ... and {lines.Count - ShownLines} more");
    }

    private static void Print(Validation validation, Terminal terminal)
    {
        terminal.Heading($"{validation.Network} and {Path.GetFileName(validation.Weights)}");
        if (validation.Fits)
            terminal.Line($"fits: {validation.Tensors} tensors, {Figures.Count(validation.Values)} values, all finite");
        if (validation.Ignored.Count > 0)
        {
            terminal.Line();
            terminal.Heading($"ignored: {validation.Ignored.Count}");
            List(validation.Ignored, terminal);
        }

        if (validation.Hint is { } hint)
            terminal.Paragraph(hint);

        // Not broken at words, so that they can be copied.
        List([.. validation.Prefixes.Select(prefix => $"Prefix = \"{prefix}\"")], terminal);
        foreach (IGrouping<WeightsProblemKind, WeightsProblem> kind in validation.Problems.GroupBy(p => p.Kind))
        {
            terminal.Line();
            terminal.Heading($"{kind.Key.ToString().ToLowerInvariant()}: {kind.Count()}");
            List([.. kind.Select(problem => $"{problem.Tensor}: expected {problem.Expected}, found {problem.Found}")], terminal);
        }

        if (validation.Numbers is not { } numbers)
            return;
        terminal.Line();
        terminal.Facts([
            ("images", Figures.Count(numbers.Images)),
            ("largest error", FormattableString.Invariant($"{numbers.LargestError:G4} at value {numbers.LargestErrorAt} (expected {numbers.ExpectedThere:G7}, found {numbers.FoundThere:G7})")),
            ("of the largest value", FormattableString.Invariant($"{numbers.LargestErrorShare:G3}; allowed {numbers.Tolerance:G3}: {(numbers.IsWithin ? "within" : "NOT within")}")),
            ("mean error", FormattableString.Invariant($"{numbers.MeanError:G4}")),
            ("largest distance", FormattableString.Invariant($"{numbers.LargestUlp} ulp; {Figures.Count(numbers.SameBits)} of {Figures.Count(numbers.Values)} values have the same bits")),
            ("not a number", numbers.NonFiniteMismatches == 0 ? "none that is not expected" : $"{numbers.NonFiniteMismatches} values where finiteness differs"),
        ]);
    }
}

/// <summary>What <c>validate</c> found; also its JSON.</summary>
internal sealed record Validation(string Network, string Weights, int Tensors, long Values, IReadOnlyList<WeightsProblem> Problems, NumbersResult? Numbers)
{
    public bool Fits => Problems.Count == 0;

    /// <summary>What to try.</summary>
    public string? Hint { get; init; }

    /// <summary>Values of <c>--prefix</c> with which the network's names are in the file.</summary>
    public IReadOnlyList<string> Prefixes { get; init; } = [];

    /// <summary>Tensors without a use, where those are allowed.</summary>
    public IReadOnlyList<string> Ignored { get; init; } = [];
}

/// <summary>Outputs against what they should be.</summary>
internal sealed record NumbersResult(
    int Images, long Values, double LargestError, long LargestErrorAt, double ExpectedThere, double FoundThere, double LargestErrorShare, double MeanError, long LargestUlp,
    long SameBits, long NonFiniteMismatches, double Tolerance)
{
    public bool IsWithin => NonFiniteMismatches == 0 && LargestErrorShare <= Tolerance;

    public static NumbersResult Of(ReadOnlySpan<float> found, ReadOnlySpan<float> expected, int images, double tolerance)
    {
        double largest = 0, sum = 0, magnitude = 0;
        long at = 0, ulp = 0, same = 0, mismatches = 0, finite = 0;
        for (int i = 0; i < expected.Length; i++)
        {
            if (BitConverter.SingleToInt32Bits(found[i]) == BitConverter.SingleToInt32Bits(expected[i]))
                same++;
            if (!float.IsFinite(expected[i]) || !float.IsFinite(found[i]))
            {
                // NaN with NaN, and infinities by their sign.
                if (!(float.IsNaN(expected[i]) && float.IsNaN(found[i])) && expected[i] != found[i])
                    mismatches++;
                continue;
            }

            finite++;
            double error = Math.Abs((double)found[i] - expected[i]);
            magnitude = Math.Max(magnitude, Math.Abs((double)expected[i]));
            sum += error;
            ulp = Math.Max(ulp, UlpDistance(found[i], expected[i]));
            if (error > largest)
                (largest, at) = (error, i);
        }

        double share = largest == 0 ? 0 : magnitude == 0 ? double.PositiveInfinity : largest / magnitude;
        return new NumbersResult(
            images, expected.Length, largest, at, expected[(int)at], found[(int)at], share, finite == 0 ? 0 : sum / finite, ulp, same, mismatches, tolerance);
    }

    /// <summary>How many floats lie from one to the other.</summary>
    internal static long UlpDistance(float a, float b) => Math.Abs(Ordered(a) - Ordered(b));

    private static long Ordered(float value)
    {
        int bits = BitConverter.SingleToInt32Bits(value);
        return bits >= 0 ? bits : int.MinValue - (long)bits;
    }
}
