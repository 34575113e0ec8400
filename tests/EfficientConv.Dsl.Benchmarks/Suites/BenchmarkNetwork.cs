using EfficientConv.Dsl.Benchmarks.Measuring;
using EfficientConv.Dsl.Measuring;

namespace EfficientConv.Dsl.Benchmarks.Suites;

/// <summary>A generated network class without its type parameter.</summary>
internal abstract class BenchmarkNetwork
{
    /// <summary>The class.</summary>
    public abstract Type Type { get; }

    /// <summary>Shape of the input.</summary>
    public abstract TensorShape InputShape { get; }

    /// <summary>Shape of the output.</summary>
    public abstract TensorShape OutputShape { get; }

    /// <summary>Layout of the spans that <c>Forward</c> takes.</summary>
    public abstract TensorLayout Layout { get; }

    /// <summary>What one image costs.</summary>
    public abstract NetworkCost Cost { get; }

    /// <summary>The tensors of its checkpoint.</summary>
    public abstract IReadOnlyList<TensorSpec> Parameters { get; }

    /// <summary>Loads it, ready to be timed on the given memory.</summary>
    public abstract LoadedNetwork Load(byte[] safetensors, InstructionSet instructionSet, int threads, PageBuffer input, PageBuffer output);

    /// <summary>Wraps <typeparamref name="T"/>.</summary>
    public static BenchmarkNetwork Of<T>()
        where T : class, IConvNet<T> => new Typed<T>();

    private sealed class Typed<T> : BenchmarkNetwork
        where T : class, IConvNet<T>
    {
        public override Type Type => typeof(T);

        public override TensorShape InputShape => T.InputShape;

        public override TensorShape OutputShape => T.OutputShape;

        public override TensorLayout Layout => T.Layout;

        public override NetworkCost Cost => T.Cost;

        public override IReadOnlyList<TensorSpec> Parameters => T.Parameters.ToArray();

        public override LoadedNetwork Load(byte[] safetensors, InstructionSet instructionSet, int threads, PageBuffer input, PageBuffer output)
        {
            T network = T.Load(safetensors, new LoadOptions { InstructionSet = instructionSet });
            return new LoadedTyped<T>(network, threads, input, output);
        }
    }

    private sealed class LoadedTyped<T>(T network, int threads, PageBuffer input, PageBuffer output) : LoadedNetwork
        where T : class, IConvNet<T>
    {
        public override InstructionSet InstructionSet => network.InstructionSet;

        public override long WorkspaceBytes => network.WorkspaceBytes;

        public override void Run(int repetitions)
        {
            ReadOnlySpan<float> from = input.Span;
            Span<float> to = output.Span;
            if (threads == 1)
            {
                for (int i = 0; i < repetitions; i++)
                    network.Forward(from, to);
            }
            else
            {
                for (int i = 0; i < repetitions; i++)
                    network.Forward(1, from, to, threads);
            }
        }
    }
}

/// <summary>A network with weights, bound to its memory.</summary>
internal abstract class LoadedNetwork : ISubject
{
    /// <summary>The kernels that it runs.</summary>
    public abstract InstructionSet InstructionSet { get; }

    /// <summary>Scratch memory of one caller.</summary>
    public abstract long WorkspaceBytes { get; }

    /// <inheritdoc/>
    public abstract void Run(int repetitions);
}
