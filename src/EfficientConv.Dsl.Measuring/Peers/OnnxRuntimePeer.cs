using EfficientConv.Dsl.Measuring.Onnx;
using Microsoft.ML.OnnxRuntime;

namespace EfficientConv.Dsl.Measuring.Peers;

/// <summary>
/// ONNX Runtime in this process: all graph optimisations, its own thread pool of the given size (which may spin, its default), one operator
/// at a time. Tensors lie over the benchmark's memory, so that a run copies nothing.
/// </summary>
internal sealed class OnnxRuntimePeer : IDisposable
{
    private readonly SessionOptions _options;

    /// <exception cref="PeerUnavailableException">It is not to be had; the message says what to do.</exception>
    public OnnxRuntimePeer(int threads)
    {
        OnnxRuntimeLibrary.Load();
        if (!OrtEnv.IsCreated)
        {
            EnvironmentCreationOptions environment = new() { logId = "benchmark", logLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR };
            OrtEnv.CreateInstanceWithOptions(ref environment);
        }

        _options = new SessionOptions { GraphOptimizationLevel = GraphOptimizationLevel.ORT_ENABLE_ALL, IntraOpNumThreads = threads, InterOpNumThreads = 1 };
        Name = $"ONNX Runtime {OrtEnv.Instance().GetVersionString()}";
    }

    /// <summary>Name and version.</summary>
    public string Name { get; }

    /// <summary>Loads a model that <see cref="OnnxExporter"/> wrote.</summary>
    public OnnxRuntimeSession Load(byte[] model, TensorShape inputShape, PageBuffer input, TensorShape outputShape, PageBuffer output) => new(
        new InferenceSession(model, _options), OnnxExporter.Input, Tensor(Dimensions(inputShape), input, 0), [(OnnxExporter.Output, Tensor(Dimensions(outputShape), output, 0))]);

    /// <summary>Loads a model's file; its outputs come one after the other.</summary>
    public OnnxRuntimeSession Load(string path, string inputName, int[] inputDims, PageBuffer input, IEnumerable<(string Name, int[] Dims)> outputs, PageBuffer output)
    {
        InferenceSession session = new(path, _options);
        List<(string, OrtValue)> tensors = [];
        int start = 0;
        foreach ((string name, int[] dims) in outputs)
        {
            tensors.Add((name, Tensor(Array.ConvertAll(dims, size => (long)size), output, start)));
            start += dims.Aggregate(1, (count, size) => count * size);
        }

        return new(session, inputName, Tensor(Array.ConvertAll(inputDims, size => (long)size), input, 0), tensors);
    }

    public void Dispose() => _options.Dispose();

    private static long[] Dimensions(TensorShape shape) => [1, shape.Channels, shape.Height, shape.Width];

    private static unsafe OrtValue Tensor(long[] dims, PageBuffer buffer, int start) => OrtValue.CreateTensorValueWithData(
        OrtMemoryInfo.DefaultInstance, Microsoft.ML.OnnxRuntime.Tensors.TensorElementType.Float, dims, (nint)(buffer.Pointer + start), dims.Aggregate(1L, (count, size) => count * size) * sizeof(float));
}

/// <summary>A loaded model, bound to its memory.</summary>
internal sealed class OnnxRuntimeSession : ISubject, IDisposable
{
    private readonly InferenceSession _session;
    private readonly RunOptions _options = new();
    private readonly string[] _inputNames, _outputNames;
    private readonly OrtValue[] _inputs, _outputs;

    public OnnxRuntimeSession(InferenceSession session, string inputName, OrtValue input, IReadOnlyList<(string Name, OrtValue Tensor)> outputs)
    {
        (_session, _inputNames, _inputs) = (session, [inputName], [input]);
        (_outputNames, _outputs) = ([.. outputs.Select(output => output.Name)], [.. outputs.Select(output => output.Tensor)]);
    }

    public void Run(int repetitions)
    {
        for (int i = 0; i < repetitions; i++)
            _session.Run(_options, _inputNames, _inputs, _outputNames, _outputs);
    }

    public void Dispose()
    {
        foreach (OrtValue value in (IEnumerable<OrtValue>)[.. _inputs, .. _outputs])
            value.Dispose();
        _options.Dispose();
        _session.Dispose();
    }
}
