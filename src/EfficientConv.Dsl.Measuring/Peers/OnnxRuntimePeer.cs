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
    public OnnxRuntimeSession Load(ReadOnlySpan<byte> model, TensorShape inputShape, PageBuffer input, TensorShape outputShape, PageBuffer output)
    {
        nint session = _api.CreateSession(_environment, model, _options);
        return new(_api, session, OnnxExporter.Input, CreateTensor(Dimensions(inputShape), input, 0), [(OnnxExporter.Output, CreateTensor(Dimensions(outputShape), output, 0))]);
    }

    /// <summary>Loads a model's file; its outputs come one behind the other.</summary>
    public OnnxRuntimeSession Load(string path, string inputName, int[] inputDims, PageBuffer input, IEnumerable<(string Name, int[] Dims)> outputs, PageBuffer output)
    {
        nint session = _api.CreateSession(_environment, path, _options);
        List<(string, nint)> tensors = [];
        int start = 0;
        foreach ((string name, int[] dims) in outputs)
        {
            tensors.Add((name, CreateTensor(Array.ConvertAll(dims, size => (long)size), output, start)));
            start += dims.Aggregate(1, (count, size) => count * size);
        }

        return new(_api, session, inputName, CreateTensor(Array.ConvertAll(inputDims, size => (long)size), input, 0), tensors);
    }

    private static long[] Dimensions(TensorShape shape) => [1, shape.Channels, shape.Height, shape.Width];

    private unsafe nint CreateTensor(long[] dims, PageBuffer buffer, int start) =>
        _api.CreateTensor(_memoryInfo, buffer.Pointer + start, (int)dims.Aggregate(1L, (count, size) => count * size), dims);
}

/// <summary>A loaded model, bound to its memory.</summary>
internal sealed unsafe class OnnxRuntimeSession : ISubject, IDisposable
{
    private readonly OrtApi _api;
    private readonly nint _session;
    private readonly nint _input;
    private readonly byte* _inputName;
    private readonly int _count;
    private readonly byte** _outputNames;
    private readonly nint* _outputs;

    public OnnxRuntimeSession(OrtApi api, nint session, string inputName, nint input, IReadOnlyList<(string Name, nint Tensor)> outputs)
    {
        (_api, _session, _input, _count) = (api, session, input, outputs.Count);
        _inputName = (byte*)Marshal.StringToCoTaskMemUTF8(inputName);
        _outputNames = (byte**)NativeMemory.Alloc((nuint)_count, (nuint)sizeof(byte*));
        _outputs = (nint*)NativeMemory.Alloc((nuint)_count, (nuint)sizeof(nint));
        for (int i = 0; i < _count; i++)
        {
            _outputNames[i] = (byte*)Marshal.StringToCoTaskMemUTF8(outputs[i].Name);
            _outputs[i] = outputs[i].Tensor;
        }
    }

    public void Run(int repetitions)
    {
        for (int i = 0; i < repetitions; i++)
            _api.Run(_session, _inputName, _input, _outputNames, _outputs, _count);
    }

    public void Dispose()
    {
        for (int i = 0; i < _count; i++)
        {
            _api.ReleaseValue(_outputs[i]);
            Marshal.FreeCoTaskMem((nint)_outputNames[i]);
        }

        _api.ReleaseValue(_input);
        _api.ReleaseSession(_session);
        Marshal.FreeCoTaskMem((nint)_inputName);
        NativeMemory.Free(_outputNames);
        NativeMemory.Free(_outputs);
    }
}
