using System.Reflection;

namespace EfficientConv.Dsl;

/// <summary>
/// A network whose code was generated from the attributes on its class. Instances are immutable; any number of threads may
/// call <c>Forward</c> on one at once.
/// </summary>
/// <typeparam name="TSelf">The network's class.</typeparam>
public interface IConvNet<TSelf>
    where TSelf : class, IConvNet<TSelf>
{
    /// <summary>The shape of one input image.</summary>
    static abstract TensorShape InputShape { get; }

    /// <summary>The shape of one image's output; of several outputs, which lie one after the other, a vector of all their elements.</summary>
    static abstract TensorShape OutputShape { get; }

    /// <summary>The outputs in the order in which they lie in the output span; at least one.</summary>
    static abstract ReadOnlySpan<OutputTensor> Outputs { get; }

    /// <summary>The order of the values in the input and output spans.</summary>
    static abstract TensorLayout Layout { get; }

    /// <summary>Parameters, multiply-adds and memory for one image.</summary>
    static abstract NetworkCost Cost { get; }

    /// <summary>The tensors that a checkpoint must hold.</summary>
    static abstract ReadOnlySpan<TensorSpec> Parameters { get; }

    /// <summary>Loads weights from a .safetensors file, or from several through their index (<c>model.safetensors.index.json</c>).</summary>
    /// <param name="path">The file or the index.</param>
    /// <param name="options">Prefix, strictness and instruction set.</param>
    /// <exception cref="SafetensorsException">The file breaks a rule of the format.</exception>
    /// <exception cref="WeightsException">Tensors are missing, left over, misshaped or hold illegal values; all are listed.</exception>
    static abstract TSelf Load(string path, LoadOptions? options = null);

    /// <summary>Loads weights from a stream in the safetensors format, read to its end.</summary>
    /// <param name="stream">The stream; it stays open.</param>
    /// <param name="options">Prefix, strictness and instruction set.</param>
    /// <exception cref="SafetensorsException">The data break a rule of the format.</exception>
    /// <exception cref="WeightsException">Tensors are missing, left over, misshaped or hold illegal values; all are listed.</exception>
    static abstract TSelf Load(Stream stream, LoadOptions? options = null);

    /// <summary>Loads weights from bytes in the safetensors format.</summary>
    /// <param name="safetensors">The bytes of a whole file.</param>
    /// <param name="options">Prefix, strictness and instruction set.</param>
    /// <exception cref="SafetensorsException">The data break a rule of the format.</exception>
    /// <exception cref="WeightsException">Tensors are missing, left over, misshaped or hold illegal values; all are listed.</exception>
    static abstract TSelf Load(ReadOnlySpan<byte> safetensors, LoadOptions? options = null);

    /// <summary>Loads weights from a resource that is embedded in an assembly.</summary>
    /// <param name="assembly">The assembly.</param>
    /// <param name="name">The resource's full name.</param>
    /// <param name="options">Prefix, strictness and instruction set.</param>
    /// <exception cref="FileNotFoundException">There is no such resource.</exception>
    /// <exception cref="SafetensorsException">The data break a rule of the format.</exception>
    /// <exception cref="WeightsException">Tensors are missing, left over, misshaped or hold illegal values; all are listed.</exception>
    static abstract TSelf LoadResource(Assembly assembly, string name, LoadOptions? options = null);

    /// <summary>
    /// Maps a file that <see cref="SavePacked"/> wrote: nothing is folded, packed or copied, and processes share the memory. Without an instruction set in the options, the one
    /// for which the file was made runs, also where the processor has a wider one; the results are the same bits.
    /// </summary>
    /// <param name="path">The file; it must not change while the network is in use.</param>
    /// <param name="options">The instruction set; the rest is not used.</param>
    /// <exception cref="PackedWeightsException">The file is damaged, or for another network, another build of it or another processor; load the checkpoint then.</exception>
    static abstract TSelf LoadPacked(string path, LoadOptions? options = null);

    /// <summary>Makes a network with random weights, the same for a seed on every machine; for benchmarks and tests.</summary>
    /// <param name="seed">The seed.</param>
    /// <param name="options">The instruction set; the rest is not used.</param>
    static abstract TSelf CreateRandom(int seed, LoadOptions? options = null);

    /// <summary>The instruction set that this instance runs.</summary>
    InstructionSet InstructionSet { get; }

    /// <summary>Bytes of scratch memory per concurrent caller.</summary>
    long WorkspaceBytes { get; }

    /// <summary>Bytes of the weights in the order in which the kernels read them.</summary>
    long PackedWeightBytes { get; }

    /// <summary>Writes the weights as the kernels read them, with the class, the instruction set, the order and a checksum, for <see cref="LoadPacked"/>.</summary>
    /// <param name="path">The file; an existing one is replaced, unless it is in use where the system forbids that.</param>
    void SavePacked(string path);

    /// <summary>Runs one image. Allocates nothing after the first call per concurrent caller.</summary>
    /// <param name="input"><see cref="InputShape"/> elements in <see cref="Layout"/>.</param>
    /// <param name="output"><see cref="OutputShape"/> elements in <see cref="Layout"/>; must not overlap the input.</param>
    /// <exception cref="ArgumentException">A length is wrong or the spans overlap; nothing was written.</exception>
    void Forward(ReadOnlySpan<float> input, Span<float> output);

    /// <summary>Runs images one after the other in memory. The results' bits do not depend on batch or threads.</summary>
    /// <param name="batch">Images, at least 1.</param>
    /// <param name="input">batch * <see cref="InputShape"/> elements.</param>
    /// <param name="output">batch * <see cref="OutputShape"/> elements; must not overlap the input.</param>
    /// <param name="threads">Threads to use, at least 1; the images are shared out among them. No more run than the process has cores.</param>
    /// <exception cref="ArgumentException">A length or count is wrong or the spans overlap; nothing was written.</exception>
    void Forward(int batch, ReadOnlySpan<float> input, Span<float> output, int threads = 1);
}
