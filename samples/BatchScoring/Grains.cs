using System.Buffers.Binary;
using System.Runtime.InteropServices;
using FashionClassifier;
using Orleans.Concurrency;

namespace BatchScoring;

/// <summary>A part of a job: its key is the job's name and the shard's number, so that there is one result for it, however often it is asked for.</summary>
public interface IShardGrain : IGrainWithStringKey
{
    /// <summary>The logits of the shard's images as 32-bit floats; scored now unless they are there already.</summary>
    Task<byte[]> GetOrScoreAsync(ShardRequest request);
}

/// <summary>Scores images on whichever machine has time.</summary>
public interface IScorerGrain : IGrainWithIntegerKey
{
    Task<byte[]> ScoreAsync(ShardRequest request);
}

/// <summary>Which images: the path of a file that every machine can read, and which of its images.</summary>
[GenerateSerializer, Immutable]
public sealed record ShardRequest([property: Id(0)] string Path, [property: Id(1)] int First, [property: Id(2)] int Count);

/// <summary>What is stored of a shard.</summary>
[GenerateSerializer]
public sealed class ShardState
{
    [Id(0)]
    public byte[] Logits { get; set; } = [];
}

/// <summary>Holds a shard's result. When its machine is lost before the result is stored, the next one who asks has it scored again, with the same bits.</summary>
internal sealed class ShardGrain([PersistentState("shard")] IPersistentState<ShardState> state) : Grain, IShardGrain
{
    public async Task<byte[]> GetOrScoreAsync(ShardRequest request)
    {
        if (!state.RecordExists)
        {
            state.State.Logits = await GrainFactory.GetGrain<IScorerGrain>(0).ScoreAsync(request);
            await state.WriteStateAsync();
        }

        return state.State.Logits;
    }
}

/// <summary>A stateless worker: as many of them on each machine as it has cores, and calls go to the machine that they come from while it has a free one.</summary>
[StatelessWorker]
internal sealed class ScorerGrain : Grain, IScorerGrain
{
    // Loaded once in a process: a network is immutable and serves all threads.
    private static readonly Lazy<FashionNet> s_network = new(() => FashionNet.LoadResource(typeof(ScorerGrain).Assembly, "fashion.safetensors"));

    public Task<byte[]> ScoreAsync(ShardRequest request) => Task.FromResult(Scoring.Run(s_network.Value, request));
}

/// <summary>What is done with a shard, here or there.</summary>
internal static class Scoring
{
    private const int HeaderBytes = 16;
    private const int ImageBytes = 28 * 28;

    public static int Classes => (int)FashionNet.OutputShape.ElementCount;

    public static FashionNet Load() => FashionNet.LoadResource(typeof(Scoring).Assembly, "fashion.safetensors");

    /// <summary>Images of the file, again from its beginning when there are more to score than it has.</summary>
    public static byte[] Run(FashionNet network, ShardRequest request)
    {
        byte[] file = File.ReadAllBytes(request.Path);
        int images = BinaryPrimitives.ReadInt32BigEndian(file.AsSpan(4));
        float[] input = new float[ImageBytes], logits = new float[request.Count * Classes];
        for (int i = 0; i < request.Count; i++)
        {
            ReadOnlySpan<byte> pixels = file.AsSpan(HeaderBytes + ((request.First + i) % images * ImageBytes), ImageBytes);
            for (int p = 0; p < input.Length; p++)
                input[p] = ((pixels[p] / 255f) - 0.2860f) / 0.3530f;
            network.Forward(input, logits.AsSpan(i * Classes, Classes));
        }

        return MemoryMarshal.AsBytes<float>(logits).ToArray();
    }
}
