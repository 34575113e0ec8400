using System.Runtime.InteropServices;
using EfficientConv.Dsl.Measuring;
using EfficientConv.Dsl.Measuring.Onnx;

namespace EfficientConv.Dsl.Measuring.Peers;

/// <summary>
/// ONNX Runtime in this process: all graph optimisations, its own thread pool of the given size (which may spin, its default), one operator
/// at a time. Tensors lie over the benchmark's memory, so that a run copies nothing.
/// </summary>
internal sealed class OnnxRuntimePeer
{
    private const int AllOptimizations = 99;

    private readonly OrtApi _api;
    private readonly nint _environment;
    private readonly nint _options;
    private readonly nint _memoryInfo;

    public OnnxRuntimePeer(int threads)
    {
        _api = new OrtApi(OnnxRuntimeLibrary.Locate());
        _environment = _api.CreateEnvironment();
        _options = _api.CreateSessionOptions();
        _api.SetGraphOptimizationLevel(_options, AllOptimizations);
        _api.SetIntraOpThreads(_options, threads);
        _api.SetInterOpThreads(_options, 1);
        _memoryInfo = _api.CreateCpuMemoryInfo();
    }

    /// <summary>Name and version.</summary>
    public string Name => $"ONNX Runtime {_api.RuntimeVersion}";

    /// <summary>Loads a model that <see cref="OnnxExporter"/> wrote.</summary>
    public OnnxRuntimeSession Load(ReadOnlySpan<byte> model, TensorShape inputShape, PageBuffer input, TensorShape outputShape, PageBuffer output) =>
        new(_api, _api.CreateSession(_environment, model, _options), CreateTensor(inputShape, input), CreateTensor(outputShape, output));

    private unsafe nint CreateTensor(TensorShape shape, PageBuffer buffer) =>
        _api.CreateTensor(_memoryInfo, buffer.Pointer, buffer.Length, [1, shape.Channels, shape.Height, shape.Width]);
}

/// <summary>A loaded model, bound to its memory.</summary>
internal sealed unsafe class OnnxRuntimeSession(OrtApi api, nint session, nint input, nint output) : ISubject, IDisposable
{
    private readonly byte* _inputName = (byte*)Marshal.StringToCoTaskMemUTF8(OnnxExporter.Input);
    private readonly byte* _outputName = (byte*)Marshal.StringToCoTaskMemUTF8(OnnxExporter.Output);

    public void Run(int repetitions)
    {
        for (int i = 0; i < repetitions; i++)
            api.Run(session, _inputName, input, _outputName, output);
    }

    public void Dispose()
    {
        api.ReleaseValue(output);
        api.ReleaseValue(input);
        api.ReleaseSession(session);
        Marshal.FreeCoTaskMem((nint)_inputName);
        Marshal.FreeCoTaskMem((nint)_outputName);
    }
}
