using System.Reflection;

namespace EfficientConv.Dsl.Tests.Harness;

/// <summary>A generated network after delegates, so that tests need not know its type.</summary>
public abstract class NetworkFactory
{
    public abstract TensorShape InputShape { get; }

    public abstract TensorShape OutputShape { get; }

    public abstract NetworkCost Cost { get; }

    public abstract IReadOnlyList<TensorSpec> Parameters { get; }

    public abstract NetworkHandle Load(byte[] safetensors, LoadOptions options);

    public abstract NetworkHandle CreateRandom(int seed, LoadOptions options);

    /// <summary>A factory for <paramref name="type"/>, which implements IConvNet of itself.</summary>
    public static NetworkFactory For(Type type) =>
        (NetworkFactory)Activator.CreateInstance(typeof(Factory<>).MakeGenericType(type), nonPublic: true)!;

    private sealed class Factory<T> : NetworkFactory
        where T : class, IConvNet<T>
    {
        public override TensorShape InputShape => T.InputShape;

        public override TensorShape OutputShape => T.OutputShape;

        public override NetworkCost Cost => T.Cost;

        public override IReadOnlyList<TensorSpec> Parameters => T.Parameters.ToArray();

        public override NetworkHandle Load(byte[] safetensors, LoadOptions options) => Handle(T.Load(safetensors, options));

        public override NetworkHandle CreateRandom(int seed, LoadOptions options) => Handle(T.CreateRandom(seed, options));

        private static NetworkHandle Handle(T network) => new(
            (batch, input, output, threads) => network.Forward(batch, input, output, threads), network.Forward, network.InstructionSet, network.WorkspaceBytes, network.PackedWeightBytes);
    }
}

/// <summary>A loaded network.</summary>
public sealed record NetworkHandle(ForwardFunction Forward, ForwardOneFunction ForwardOne, InstructionSet InstructionSet, long WorkspaceBytes, long PackedWeightBytes)
{
    /// <summary>Runs <paramref name="batch"/> images.</summary>
    public float[] Run(ReadOnlySpan<float> input, int batch, TensorShape outputShape, int threads = 1)
    {
        float[] output = new float[batch * outputShape.ElementCount];
        Forward(batch, input, output, threads);
        return output;
    }
}

/// <summary>A network's <c>Forward</c> for batches.</summary>
public delegate void ForwardFunction(int batch, ReadOnlySpan<float> input, Span<float> output, int threads);

/// <summary>A network's <c>Forward</c> for one image.</summary>
public delegate void ForwardOneFunction(ReadOnlySpan<float> input, Span<float> output);
