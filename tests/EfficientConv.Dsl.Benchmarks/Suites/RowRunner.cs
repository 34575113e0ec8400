using System.Runtime.CompilerServices;
using EfficientConv.Dsl.Benchmarks.Measuring;
using EfficientConv.Dsl.Measuring;
using EfficientConv.Dsl.Measuring.Onnx;
using EfficientConv.Dsl.Measuring.Peers;
using Microsoft.ML.OnnxRuntime;
using EfficientConv.Dsl.Benchmarks.Reports;

namespace EfficientConv.Dsl.Benchmarks.Suites;

/// <summary>Measures rows.</summary>
internal sealed class RowRunner(BenchmarkOptions options, OnnxRuntimePeer? peer)
{
    /// <summary>Offsets into a page that keep inputs and outputs from falling on the same cache sets.</summary>
    private const int InputOffset = 0, OutputOffset = 2048 + 64;
    private const double Tolerance = 1e-4;

    /// <summary>Below this a row moves data, and its rate of multiply-adds says nothing.</summary>
    private const long FewestMacsToRate = 100_000;

    /// <summary>Measures one row; a failure is told in the result.</summary>
    public RowResult Run(BenchmarkRow row)
    {
        RowResult result = new()
        {
            Name = row.Name,
            Table = row.Table.ToString().ToLowerInvariant(),
            Macs = row.Chain is null ? row.Network.Cost.MultiplyAdds : (row.Chain.Cost.MultiplyAdds - row.Network.Cost.MultiplyAdds) / (BenchmarkRow.ChainLength - 1),
            Threads = options.Threads,
        };
        try
        {
            using Contest one = Load(row.Network);
            using Contest? chain = row.Chain is null ? null : Load(row.Chain);
            result.Error = one.Difference > Tolerance || chain?.Difference > Tolerance
                ? FormattableString.Invariant($"outputs differ: {Math.Max(one.Difference, chain?.Difference ?? 0):G3} of the largest value (at most {Tolerance:G1})")
                : null;
            result.Difference = Math.Max(one.Difference, chain?.Difference ?? 0);
            if (result.Error is null)
                Measure(row, one, chain, result);
        }
        catch (Exception exception) when (exception is OnnxRuntimeException or InvalidOperationException or NotSupportedException or ArgumentException or PlatformNotSupportedException)
        {
            result.Error = exception.Message;
        }

        return result;
    }

    /// <summary>Loads both sides, runs them once and compares what they give.</summary>
    private Contest Load(BenchmarkNetwork network)
    {
        PageBuffer input = new(network.InputShape.ElementCount, InputOffset);
        PageBuffer output = new(network.OutputShape.ElementCount, OutputOffset);
        SeededValues.FillInput(input.Span);
        Dictionary<string, float[]> weights = SeededValues.CreateWeights(network.Parameters);
        LoadedNetwork ours = network.Load(SeededValues.ToSafetensors(network.Parameters, weights), options.InstructionSet, options.Threads, input, output);
        ours.Run(1);
        if (options.Peer == PeerKind.Self)
        {
            PageBuffer alone = new(network.OutputShape.ElementCount, OutputOffset);
            LoadedNetwork oneThread = network.Load(SeededValues.ToSafetensors(network.Parameters, weights), options.InstructionSet, 1, input, alone);
            oneThread.Run(1);
            return new Contest(ours, oneThread, [input, output, alone], LargestDifference(output.Span, alone.Span));
        }

        if (peer is null)
            return new Contest(ours, null, [input, output], 0);

        // The peer is given NCHW; a network of the other layout is only checked against it.
        bool isPlanar = network.Layout == TensorLayout.NCHW;
        PageBuffer peerInput = isPlanar ? input : ToPlanar(input.Span, network.InputShape, InputOffset);
        PageBuffer expected = new(network.OutputShape.ElementCount, OutputOffset);
        OnnxRuntimeSession session = peer.Load(Model(network, weights), network.InputShape, peerInput, network.OutputShape, expected);
        session.Run(1);
        using PageBuffer? planarOutput = isPlanar ? null : ToPlanar(output.Span, network.OutputShape, OutputOffset);
        double difference = LargestDifference((planarOutput ?? output).Span, expected.Span);
        if (!isPlanar)
        {
            session.Dispose();
            peerInput.Dispose();
        }

        return new Contest(ours, isPlanar ? session : null, [input, output, expected], difference);
    }

    private byte[] Model(BenchmarkNetwork network, Dictionary<string, float[]> weights)
    {
        string? file = options.Models is null ? null : Path.Combine(options.Models.FullName, network.Type.Name + ".onnx");
        if (!RuntimeFeature.IsDynamicCodeSupported)
            return File.ReadAllBytes(file ?? throw new InvalidOperationException("A NativeAOT build reads its ONNX files from the folder given by --models."));
        byte[] model = OnnxExporter.Export(network.Type.Name, DeclarationReflection.Graph(network.Type), weights);
        if (file is not null)
            File.WriteAllBytes(file, model);
        return model;
    }

    private void Measure(BenchmarkRow row, Contest one, Contest? chain, RowResult result)
    {
        // Of a chain, the five first: the difference of the two is the cost of four more blocks.
        Contest[] contests = chain is null ? [one] : [chain, one];
        LoadedNetwork network = contests[0].Ours;
        Samples[] ours = [.. contests.Select(contest => new Samples(contest.Ours))];
        Samples[] theirs = [.. contests.Select(contest => contest.Peer).OfType<ISubject>().Select(subject => new Samples(subject))];
        PeakSamples peaks = new(network.InstructionSet, options.Threads);
        Rounds rounds = new(ours, theirs, peaks);
        rounds.Take(options.Rounds, options.Threads, options.Core);

        double[] oursByRound = PerBlock(ours);
        double median = Statistics.Median(oursByRound);
        result.OursMs = Milliseconds(median);
        double fastest = Fastest(ours);
        result.OursMinMs = Milliseconds(fastest);
        if (theirs.Length > 0)
        {
            double peerMedian = Statistics.Median(PerBlock(theirs));
            result.PeerMs = Milliseconds(peerMedian);
            double peerFastest = Fastest(theirs);
            result.PeerMinMs = Milliseconds(peerFastest);
            result.Ratio = Math.Round(peerMedian / median, 4);
            result.MinRatio = Math.Round(peerFastest / fastest, 4);
        }

        result.Disturbed = rounds.Disturbed;
        result.Rounds = options.Rounds;
        result.Isa = network.InstructionSet.ToString().ToLowerInvariant();
        result.WorkspaceBytes = network.WorkspaceBytes;
        result.AllocatedBytes = AllocatedBytes(network);
        result.PeakGflops = Math.Round(Statistics.Median(peaks.FlopsPerSecond) / 1e9, 2);
        result.PeakSteadiness = Math.Round(Statistics.Median(peaks.FlopsPerSecond) / peaks.FlopsPerSecond.Max(), 4);
        if (result.Macs >= FewestMacsToRate)
        {
            result.Gflops = Math.Round(2e-9 * result.Macs / median, 2);
            result.PercentOfPeak = Math.Round(Statistics.Median(oursByRound.Zip(peaks.FlopsPerSecond, (seconds, peak) => 200.0 * result.Macs / seconds / peak)), 2);
            result.MinPercentOfPeak = Math.Round(200.0 * result.Macs / fastest / peaks.FlopsPerSecond.Max(), 2);
        }

        row.Target.Judge(network.InstructionSet, Machine.HasAvx512, result);
    }

    /// <summary>Seconds of one block, round by round: a slow stretch of the machine spoils a few rounds' differences and not their median.</summary>
    private static double[] PerBlock(Samples[] samples) => samples is [Samples five, Samples one]
        ? [.. five.Seconds.Zip(one.Seconds, Difference)]
        : [.. samples[0].Seconds];

    private static double Fastest(Samples[] samples) => samples is [Samples five, Samples one]
        ? Difference(five.Seconds.Min(), one.Seconds.Min())
        : samples[0].Seconds.Min();

    private static double Milliseconds(double seconds) => Math.Round(seconds * 1e3, 6);

    private static double Difference(double five, double one) => (five - one) / (BenchmarkRow.ChainLength - 1);

    /// <summary>Bytes allocated by a call, averaged over many.</summary>
    private static double AllocatedBytes(LoadedNetwork network)
    {
        const int Calls = 100;
        long before = GC.GetTotalAllocatedBytes(precise: true);
        long overhead = GC.GetTotalAllocatedBytes(precise: true) - before;
        before = GC.GetTotalAllocatedBytes(precise: true);
        network.Run(Calls);
        return Math.Max(0, GC.GetTotalAllocatedBytes(precise: true) - before - overhead) / (double)Calls;
    }

    private static PageBuffer ToPlanar(ReadOnlySpan<float> pixels, TensorShape shape, int offset)
    {
        PageBuffer planar = new(shape.ElementCount, offset);
        int plane = shape.Height * shape.Width;
        for (int p = 0; p < plane; p++)
        {
            for (int c = 0; c < shape.Channels; c++)
                planar.Span[(c * plane) + p] = pixels[(p * shape.Channels) + c];
        }

        return planar;
    }

    /// <summary>The largest difference as a share of the largest expected value; infinity when a value is not a number.</summary>
    private static double LargestDifference(ReadOnlySpan<float> found, ReadOnlySpan<float> expected)
    {
        double largest = 0, difference = 0;
        for (int i = 0; i < expected.Length; i++)
        {
            largest = Math.Max(largest, Math.Abs((double)expected[i]));
            double here = Math.Abs((double)found[i] - expected[i]);
            difference = double.IsNaN(here) ? double.PositiveInfinity : Math.Max(difference, here);
        }

        return difference == 0 ? 0 : difference / largest;
    }

    /// <summary>Both sides of one network.</summary>
    private sealed record Contest(LoadedNetwork Ours, ISubject? Peer, PageBuffer[] Buffers, double Difference) : IDisposable
    {
        public void Dispose()
        {
            (Peer as IDisposable)?.Dispose();
            foreach (PageBuffer buffer in Buffers)
                buffer.Dispose();
        }
    }
}
