using System.Reflection;
using EfficientConv.Dsl.Cli.Input;

namespace EfficientConv.Dsl.Cli.Running;

/// <summary>A generated network class without its type parameter.</summary>
internal abstract class RunnableNetwork
{
    public abstract TensorShape InputShape { get; }

    public abstract TensorShape OutputShape { get; }

    public abstract TensorLayout Layout { get; }

    public abstract NetworkCost Cost { get; }

    public abstract IReadOnlyList<TensorSpec> Parameters { get; }

    public abstract LoadedNetwork CreateRandom(int seed, InstructionSet instructionSet);

    public abstract LoadedNetwork Load(string path, LoadOptions options);

    public abstract LoadedNetwork Load(byte[] safetensors, LoadOptions options);

    /// <summary>The only network of an assembly that <see cref="NetworkBuild"/> made.</summary>
    public static RunnableNetwork In(Assembly assembly) => Of(assembly.GetTypes().Single(AssemblyNetworks.IsNetwork));

    /// <summary>Wraps <paramref name="type"/>, which implements IConvNet of itself.</summary>
    /// <exception cref="ToolException">It lies in a generic type that no argument suits.</exception>
    public static RunnableNetwork Of(Type type) =>
        (RunnableNetwork)Activator.CreateInstance(typeof(Typed<>).MakeGenericType(type.ContainsGenericParameters ? Closed(type) : type), nonPublic: true)!;

    /// <summary>A class inside a generic type with arguments for that one: the network is the same for all.</summary>
    private static Type Closed(Type type)
    {
        foreach (Type argument in new[] { typeof(object), typeof(int) })
        {
            try
            {
                return type.MakeGenericType([.. type.GetGenericArguments().Select(_ => argument)]);
            }
            catch (ArgumentException)
            {
                // A constraint wants another one.
            }
        }

        throw new ToolException(
            $"{type.Name} lies in {type.DeclaringType!.Name.Split('`')[0]}, whose constraints allow neither object nor int: give its sources or project instead of the built assembly.");
    }

    private sealed class Typed<T> : RunnableNetwork
        where T : class, IConvNet<T>
    {
        public override TensorShape InputShape => T.InputShape;

        public override TensorShape OutputShape => T.OutputShape;

        public override TensorLayout Layout => T.Layout;

        public override NetworkCost Cost => T.Cost;

        public override IReadOnlyList<TensorSpec> Parameters => T.Parameters.ToArray();

        public override LoadedNetwork CreateRandom(int seed, InstructionSet instructionSet) =>
            Loaded(T.CreateRandom(seed, new LoadOptions { InstructionSet = instructionSet }));

        public override LoadedNetwork Load(string path, LoadOptions options) => Loaded(T.Load(path, options));

        public override LoadedNetwork Load(byte[] safetensors, LoadOptions options) => Loaded(T.Load(safetensors, options));

        private static LoadedNetwork Loaded(T network) => new(
            network.Forward, network.Forward, network.InstructionSet, network.WorkspaceBytes, network.PackedWeightBytes, StepTicks(network.InstructionSet));

        /// <summary>The field that a build with timed steps has.</summary>
        private static long[]? StepTicks(InstructionSet instructionSet)
        {
            string suffix = instructionSet switch
            {
                InstructionSet.Avx512 => "_Avx512",
                InstructionSet.Avx2 => "_Avx2",
                _ => "_Vector128`1",
            };
            Type? kernels = typeof(T).Assembly.GetTypes().FirstOrDefault(t => t.Name.EndsWith(suffix, StringComparison.Ordinal));
            if (kernels is { IsGenericTypeDefinition: true })
                kernels = kernels.MakeGenericType(instructionSet == InstructionSet.Scalar ? typeof(Runtime.Scalar4) : typeof(Runtime.Simd128));
            return kernels?.GetField("StepTicks", BindingFlags.Public | BindingFlags.Static)?.GetValue(null) as long[];
        }
    }
}

/// <summary>A network's <c>Forward</c> for batches.</summary>
internal delegate void ForwardBatch(int batch, ReadOnlySpan<float> input, Span<float> output, int threads);

/// <summary>A network's <c>Forward</c> for one image.</summary>
internal delegate void ForwardOne(ReadOnlySpan<float> input, Span<float> output);

/// <summary>A network with weights.</summary>
/// <param name="Forward">Runs a batch.</param>
/// <param name="ForwardOne">Runs one image.</param>
/// <param name="InstructionSet">The kernels that run.</param>
/// <param name="WorkspaceBytes">Scratch memory of one caller.</param>
/// <param name="PackedWeightBytes">Weights in the order in which kernels read them.</param>
/// <param name="StepTicks">Times of the last run's steps, in a build that takes them.</param>
internal sealed record LoadedNetwork(
    ForwardBatch Forward, ForwardOne ForwardOne, InstructionSet InstructionSet, long WorkspaceBytes, long PackedWeightBytes, long[]? StepTicks)
{
    /// <summary>Runs images on threads.</summary>
    public void Run(int batch, ReadOnlySpan<float> input, Span<float> output, int threads)
    {
        if (batch == 1 && threads == 1)
            ForwardOne(input, output);
        else
            Forward(batch, input, output, threads);
    }
}
