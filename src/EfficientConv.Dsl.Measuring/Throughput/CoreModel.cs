using System.Diagnostics;
using System.Text;
using System.Text.Json;

namespace EfficientConv.Dsl.Measuring.Throughput;

/// <summary>A static model of a core: how long a loop takes whose data are all in the first-level cache and whose branches are foretold.</summary>
/// <param name="Name">Its name in tables.</param>
/// <param name="IsArm64">Which machine code it runs.</param>
internal abstract record CoreModel(string Name, bool IsArm64)
{
    /// <summary>The models, those of Arm64 or of x64.</summary>
    public static IReadOnlyList<CoreModel> For(bool isArm64) => [.. s_all.Where(model => model.IsArm64 == isArm64)];

    private static readonly CoreModel[] s_all =
    [
        new LlvmModel("zen3", IsArm64: false, "znver3"),
        new LlvmModel("zen3/3", IsArm64: false, "znver3") { Dispatch = 3 },
        new LlvmModel("alder", IsArm64: false, "alderlake"),
        new InOrderModel("a55"),
        new LlvmModel("n1", IsArm64: true, "neoverse-n1"),
        new LlvmModel("v2", IsArm64: true, "neoverse-v2"),
        new LlvmModel("m1", IsArm64: true, "apple-m1"),
    ];

    /// <summary>Independent multiply-adds in registers, of vectors and by a lane: what the model starts of them in a cycle is its peak.</summary>
    private static InnerLoop[] PeakLoops(bool isArm64, int lanes) => isArm64
        ? [Independent(24, i => Arm64Syntax.Parse($"fmla v{i}.4s, v30.4s, v31.4s")!), Independent(24, i => Arm64Syntax.Parse($"fmla v{i}.4s, v30.4s, v31.s[0]")!)]
        : [Independent(12, i => X64Syntax.Parse($"vfmadd231ps {Register(lanes)}{i}, {Register(lanes)}14, {Register(lanes)}15")!)];

    private static InnerLoop Independent(int count, Func<int, Instruction> instruction) => new([.. Enumerable.Range(0, count).Select(instruction)]);

    /// <summary>Cycles of an iteration of each loop, and floats that the core multiplies and adds in a cycle at most.</summary>
    /// <param name="loops">The loops.</param>
    /// <param name="lanes">Floats of a vector.</param>
    public abstract (double[] Cycles, double Peak) Run(IReadOnlyList<InnerLoop> loops, int lanes);

    private static string Register(int lanes) => lanes switch { 16 => "zmm", 8 => "ymm", _ => "xmm" };

    /// <summary>The tables of llvm-mca.</summary>
    private sealed record LlvmModel(string Name, bool IsArm64, string Processor) : CoreModel(Name, IsArm64)
    {
        private const int Iterations = 200;

        /// <summary>Operations that it starts in a cycle, where that is not all it can: the rest is another thread's.</summary>
        public int? Dispatch { get; init; }

        public override (double[] Cycles, double Peak) Run(IReadOnlyList<InnerLoop> loops, int lanes)
        {
            InnerLoop[] peaks = PeakLoops(IsArm64, lanes);
            StringBuilder text = new();
            if (!IsArm64)
                text.AppendLine(".intel_syntax noprefix");
            foreach (InnerLoop loop in peaks.Concat(loops))
            {
                text.AppendLine("# LLVM-MCA-BEGIN");
                foreach (Instruction instruction in loop.Instructions)
                    text.AppendLine(instruction.Text);
                text.AppendLine("# LLVM-MCA-END");
            }

            string source = Path.GetTempFileName();
            try
            {
                File.WriteAllText(source, text.ToString());
                List<string> arguments =
                [
                    $"-mtriple={(IsArm64 ? "aarch64" : "x86_64")}", $"-mcpu={Processor}", $"-iterations={Iterations}", "-json", "-instruction-info=0", "-resource-pressure=0",
                    "-skip-unsupported-instructions=parse-failure",
                ];
                if (Dispatch is { } dispatch)
                    arguments.Add($"-dispatch={dispatch}");
                using JsonDocument answer = JsonDocument.Parse(LlvmTools.Run(LlvmTools.Mca, [.. arguments, source]));
                double[] cycles = [.. answer.RootElement.GetProperty("CodeRegions").EnumerateArray().Select(r =>
                    r.GetProperty("SummaryView").GetProperty("TotalCycles").GetDouble() / Iterations)];
                return cycles.Length == loops.Count + peaks.Length
                    ? (cycles[peaks.Length..], peaks.Select((peak, i) => peak.Lanes / cycles[i]).Max())
                    : throw new InvalidOperationException($"llvm-mca -mcpu={Processor} answers for {cycles.Length - peaks.Length} loops; expected {loops.Count}.");
            }
            finally
            {
                File.Delete(source);
            }
        }
    }
}

/// <summary>LLVM's programs that the static throughput needs; Debian's package llvm-19 has both.</summary>
internal static class LlvmTools
{
    public const string Mca = "llvm-mca", Objdump = "llvm-objdump";

    /// <summary>Versions by which a program may be called, that which tables were made with first.</summary>
    private static readonly string[] s_suffixes = ["-19", string.Empty, "-20", "-21"];

    /// <summary>Where the program is; null where it is not installed.</summary>
    public static string? Find(string program) => s_suffixes
        .SelectMany(suffix => (Environment.GetEnvironmentVariable("PATH") ?? string.Empty).Split(Path.PathSeparator).Select(folder => Path.Combine(folder, program + suffix)))
        .FirstOrDefault(File.Exists);

    /// <summary>What the program prints.</summary>
    /// <exception cref="InvalidOperationException">It is not installed, or failed.</exception>
    public static string Run(string program, IEnumerable<string> arguments)
    {
        string path = Find(program)
            ?? throw new InvalidOperationException($"{program} was not found on the PATH (as {string.Join(", ", s_suffixes.Select(s => program + s))}); apt-get install llvm-19 brings it.");
        using Process process = Process.Start(new ProcessStartInfo(path, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? output : throw new InvalidOperationException($"{path} failed: {error.Result.Trim()}");
    }
}
