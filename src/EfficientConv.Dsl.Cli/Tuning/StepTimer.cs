using System.Reflection;
using System.Runtime.Loader;
using EfficientConv.Dsl.Cli.Running;
using EfficientConv.Dsl.Compiler;
using EfficientConv.Dsl.Compiler.Model;
using EfficientConv.Dsl.Compiler.Scheduling;
using EfficientConv.Dsl.Measuring;

namespace EfficientConv.Dsl.Cli.Tuning;

/// <summary>Times steps alone, on memory laid out as in their network, in turns: a candidate is compared with what ran a moment before it.</summary>
internal sealed unsafe class StepTimer
{
    /// <summary>A sample shorter than this would show the clock.</summary>
    private const double SampleSeconds = 300e-6;

    private delegate void RunSteps(ref float input, ref float output, ref float weights, ref float workspace, Runtime.Part part);

    /// <summary>Median seconds of each candidate's steps.</summary>
    public static double[] Measure(IReadOnlyList<Candidate> candidates, InstructionSet set, int rounds)
    {
        string prefix = "Candidates" + Guid.NewGuid().ToString("N");
        byte[] image = NetworkBuild.Emit(candidates.Select((c, i) => NetworkCompiler.EmitKernels(Name(i), c.Plan with { Steps = c.Steps, Packing = [] })), name: prefix);
        Assembly assembly = AssemblyLoadContext.Default.LoadFromStream(new MemoryStream(image));
        Subject[] subjects = [.. candidates.Select((c, i) => new Subject(Load(assembly, Name(i), set), c.Plan))];
        try
        {
            foreach (Subject subject in subjects)
                subject.WarmUp();
            for (int round = 0; round < rounds; round++)
            {
                foreach (Subject subject in subjects)
                    subject.Sample();
            }

            return [.. subjects.Select(s => s.Median)];
        }
        finally
        {
            foreach (Subject subject in subjects)
                subject.Dispose();
        }

        static string Name(int index) => FormattableString.Invariant($"Candidate{index}");
    }

    private static RunSteps Load(Assembly assembly, string name, InstructionSet set)
    {
        string suffix = Verbs.Options.Target(set).Name;
        Type kernels = assembly.GetTypes().Single(t => t.Name == $"{name}_{suffix}" || t.Name == $"{name}_{suffix}`1");
        if (kernels.IsGenericTypeDefinition)
            kernels = kernels.MakeGenericType(set == InstructionSet.Scalar ? typeof(Runtime.Scalar4) : typeof(Runtime.Simd128));
        return kernels.GetMethod("Run")!.CreateDelegate<RunSteps>();
    }

    /// <summary>One candidate with memory of its own.</summary>
    private sealed class Subject : IDisposable
    {
        private readonly RunSteps _run;
        private readonly PageBuffer _input, _output, _weights, _workspace;
        private readonly LatencySamples _samples = new();
        private int _repetitions = 1;

        public Subject(RunSteps run, NetworkPlan plan)
        {
            _run = run;
            long spans = (plan.PeakBytes - plan.WorkspaceBytes) / sizeof(float);
            _input = new PageBuffer(spans, 0);
            _output = new PageBuffer(spans, 2048 + 64);
            _weights = new PageBuffer(plan.PackedBytes / sizeof(float), 0);
            _workspace = new PageBuffer(plan.WorkspaceBytes / sizeof(float), 1024);
            SeededValues.FillInput(_input.Span);
            SeededValues.FillInput(_workspace.Span);
            SeededValues.FillInput(_weights.Span);
            foreach (ref float weight in _weights.Span)
                weight *= 0.05f;
        }

        public double Median => _samples.Median / _repetitions;

        public void WarmUp()
        {
            // The first calls are compiled, then compiled again; what is timed afterwards is not.
            for (int i = 0; i < 60; i++)
                Run();
            Thread.Sleep(120);
            double start = ThreadClock.Seconds;
            for (int i = 0; i < 20; i++)
                Run();
            _repetitions = Math.Max(1, (int)Math.Ceiling(SampleSeconds / Math.Max(1e-7, (ThreadClock.Seconds - start) / 20)));
        }

        public void Sample()
        {
            Run();
            _samples.TakeProcessorTime(() =>
            {
                for (int i = 0; i < _repetitions; i++)
                    Run();
            });
        }

        public void Dispose()
        {
            _input.Dispose();
            _output.Dispose();
            _weights.Dispose();
            _workspace.Dispose();
        }

        private void Run() => _run(ref *_input.Pointer, ref *_output.Pointer, ref *_weights.Pointer, ref *_workspace.Pointer, default);
    }
}
