using System.CommandLine;
using EfficientConv.Dsl.Cli.Input;
using EfficientConv.Dsl.Cli.Output;
using EfficientConv.Dsl.Cli.Running;
using EfficientConv.Dsl.Compiler.Prediction;
using EfficientConv.Dsl.Compiler.Scheduling;
using EfficientConv.Dsl.Compiler.Targets;
using EfficientConv.Dsl.Measuring;
using EfficientConv.Dsl.Measuring.Peers;

namespace EfficientConv.Dsl.Cli.Verbs;

/// <summary>Arguments and options that several verbs share.</summary>
internal static class Options
{
    public static Argument<string[]> Inputs(bool required = true) => new("inputs")
    {
        Description = "C# files or folders with networks, a .csproj, or a built .dll.",
        Arity = required ? ArgumentArity.OneOrMore : ArgumentArity.ZeroOrMore,
    };

    public static Option<string?> Network() => new("--network", "-n") { Description = "Only the network with this name (full, short, or a pattern with *)." };

    public static Option<bool> Json() => new("--json") { Description = "Prints JSON instead of tables." };

    public static Option<FileInfo?> Schedule() => new("--schedule") { Description = "Measured schedules, as tune writes them.", HelpName = "file" };

    /// <summary>Reads a file of measured schedules, which <paramref name="option"/> names; null where none is given.</summary>
    public static ScheduleOverrides? ReadSchedule(FileInfo? file, string option = "--schedule")
    {
        if (file is null)
            return null;
        if (!file.Exists)
            throw new ToolException(Directory.Exists(file.FullName) ? $"{option}: {file} is a folder; expected a file of schedules." : $"{option}: {file} does not exist.");
        try
        {
            return ScheduleOverrides.Parse(File.ReadAllText(file.FullName));
        }
        catch (FormatException exception)
        {
            throw new ToolException($"{option}: {file} is no file of schedules: {exception.Message}.");
        }
    }

    /// <summary>As many threads as were asked for, and no more than there are cores.</summary>
    public static int Threads(int asked, Terminal terminal)
    {
        if (asked > Environment.ProcessorCount)
            terminal.Error($"note: --threads is {asked}; this process has {Environment.ProcessorCount} core(s), so {Environment.ProcessorCount} thread(s) run.");
        return Math.Min(asked, Environment.ProcessorCount);
    }

    public static Option<InstructionSet> InstructionSet() => new("--isa")
    {
        Description = "The instruction set: auto, avx512, avx2, vector128 or scalar.",
        DefaultValueFactory = _ => EfficientConv.Dsl.InstructionSet.Auto,
        HelpName = "isa",
    };

    public static Option<string> Peer(string description)
    {
        Option<string> peer = new("--peer") { Description = description, DefaultValueFactory = _ => "none" };
        peer.AcceptOnlyFromAmong("none", "ort");
        return peer;
    }

    /// <summary>ONNX Runtime in this process.</summary>
    /// <exception cref="ToolException">It is not to be had.</exception>
    public static OnnxRuntimePeer StartPeer(int threads)
    {
        try
        {
            return new OnnxRuntimePeer(threads);
        }
        catch (Exception exception) when (exception is PeerUnavailableException or DllNotFoundException or BadImageFormatException or EntryPointNotFoundException)
        {
            throw new ToolException(exception.Message);
        }
    }

    public static Option<int?> Core() => new("--core") { Description = "Binds the thread to this core.", HelpName = "n" };

    public static void CheckCore(int? core)
    {
        if (core is { } bound && !CoreAffinity.Allowed.Contains(bound))
            throw new ToolException($"--core is {bound}; the cores of this process are {string.Join(", ", CoreAffinity.Allowed)}.");
    }

    public static Option<int> Number(string name, string description, int fallback, int minimum = 1, int maximum = int.MaxValue)
    {
        Option<int> option = new(name) { Description = description, DefaultValueFactory = _ => fallback, HelpName = "n" };
        option.Validators.Add(result =>
        {
            if (result.Tokens.Count == 1 && int.TryParse(result.Tokens[0].Value, out int value) && (value < minimum || value > maximum))
                result.AddError($"{name} is {value}; it must be {(maximum == int.MaxValue ? $"at least {minimum}" : $"from {minimum} to {maximum}")}.");
        });
        return option;
    }

    /// <summary>The instruction set that runs; one that the machine lacks is an error.</summary>
    public static InstructionSet Resolve(InstructionSet asked)
    {
        try
        {
            InstructionSet set = asked == EfficientConv.Dsl.InstructionSet.Auto ? InstructionSets.Current : asked;
            return InstructionSets.IsSupported(set) ? set : throw new ToolException($"--isa asks for {set}, which this machine lacks; the best here is {InstructionSets.Best}.");
        }
        catch (Exception exception) when (exception is ArgumentException or PlatformNotSupportedException)
        {
            throw new ToolException(exception.Message);
        }
    }

    /// <summary>What the compiler calls it.</summary>
    public static VectorTarget Target(InstructionSet set) => set switch
    {
        EfficientConv.Dsl.InstructionSet.Avx512 => VectorTarget.Avx512,
        EfficientConv.Dsl.InstructionSet.Avx2 => VectorTarget.Avx2,
        _ => VectorTarget.Vector128,
    };
}

/// <summary>Where the predictions' machine comes from.</summary>
internal sealed class MachineOptions
{
    public Option<double?> Peak { get; } = new("--peak") { Description = "The core's multiply-adds a second in billions, instead of measuring.", HelpName = "GMAC/s" };

    public Option<double[]> Bandwidth { get; } = new("--bandwidth")
    {
        Description = "Copy bandwidth of second-level cache, last cache and memory, instead of measuring.", HelpName = "GB/s", Arity = new ArgumentArity(3, 3), AllowMultipleArgumentsPerToken = true,
    };

    public Option<bool> Calibrate { get; } = new("--calibrate") { Description = $"Measures the machine again and keeps the result for later calls." };

    public void AddTo(Command command)
    {
        command.Add(Peak);
        command.Add(Bandwidth);
        command.Add(Calibrate);
    }

    /// <summary>Rates in billions a second that a core may have.</summary>
    private static void Check(string option, double[] rates)
    {
        const double Most = Calibration.MostPerSecond / 1e9, Least = Calibration.LeastPerSecond / 1e9;
        if (rates.Any(rate => !(rate >= Least && rate <= Most)))
        {
            throw new ToolException(FormattableString.Invariant(
                $"{option} is {string.Join(' ', rates)}; expected {(rates.Length == 1 ? "a number" : "numbers")} from {Least} to {Most}."));
        }
    }

    public MachineModel Read(ParseResult parsed, InstructionSet set, Terminal terminal)
    {
        double? peak = parsed.GetValue(Peak);
        double[] bandwidth = parsed.GetValue(Bandwidth) ?? [];
        Check(Peak.Name, peak is { } rate ? [rate] : []);
        Check(Bandwidth.Name, bandwidth);
        if (peak is { } given && bandwidth is [double second, double last, double memory])
            return new MachineModel(given * 1e9, 2L << 20, 32L << 20, second * 1e9, last * 1e9, memory * 1e9);
        MachineModel machine = Calibration.Of(set, parsed.GetValue(Calibrate), terminal);
        if (peak is { } ours)
            machine = machine with { MacsPerSecond = ours * 1e9 };
        return bandwidth is [double b2, double b3, double bm] ? machine with { SecondLevelBandwidth = b2 * 1e9, LastLevelBandwidth = b3 * 1e9, MemoryBandwidth = bm * 1e9 } : machine;
    }
}
