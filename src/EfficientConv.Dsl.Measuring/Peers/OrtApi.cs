using System.Runtime.InteropServices;

namespace EfficientConv.Dsl.Measuring.Peers;

/// <summary>
/// The functions of ONNX Runtime's C API that are needed. The API is one table of function pointers whose order never changes
/// (the header onnxruntime_c_api.h); the constants here are places in it.
/// </summary>
internal sealed unsafe class OrtApi
{
    /// <summary>Everything used here exists since version 1; the number only says which table the library should hand out.</summary>
    private const uint Version = 17;

    private readonly void** _functions;

    public OrtApi(string libraryPath)
    {
        nint library = NativeLibrary.Load(libraryPath);
        var getBase = (delegate* unmanaged<ApiBase*>)NativeLibrary.GetExport(library, "OrtGetApiBase");
        ApiBase* apiBase = getBase();
        RuntimeVersion = Marshal.PtrToStringUTF8((nint)apiBase->GetVersionString()) ?? "unknown";
        _functions = apiBase->GetApi(Version);
        if (_functions is null)
            throw new PeerUnavailableException($"{libraryPath} (ONNX Runtime {RuntimeVersion}) has no API of version {Version}.");
    }

    /// <summary>The library's version.</summary>
    public string RuntimeVersion { get; }

    public nint CreateEnvironment()
    {
        const int Error = 3;
        nint result;
        fixed (byte* name = "benchmark"u8)
            Check(((delegate* unmanaged<int, byte*, nint*, nint>)_functions[3])(Error, name, &result));
        return result;
    }

    public nint CreateSessionOptions()
    {
        nint result;
        Check(((delegate* unmanaged<nint*, nint>)_functions[10])(&result));
        return result;
    }

    public void SetGraphOptimizationLevel(nint options, int level) => Check(((delegate* unmanaged<nint, int, nint>)_functions[23])(options, level));

    public void SetIntraOpThreads(nint options, int threads) => Check(((delegate* unmanaged<nint, int, nint>)_functions[24])(options, threads));

    public void SetInterOpThreads(nint options, int threads) => Check(((delegate* unmanaged<nint, int, nint>)_functions[25])(options, threads));

    public nint CreateSession(nint environment, ReadOnlySpan<byte> model, nint options)
    {
        nint result;
        fixed (byte* bytes = model)
            Check(((delegate* unmanaged<nint, byte*, nuint, nint, nint*, nint>)_functions[8])(environment, bytes, (nuint)model.Length, options, &result));
        return result;
    }

    /// <summary>A session of a file, beside which its external data lie.</summary>
    public nint CreateSession(nint environment, string path, nint options)
    {
        nint result, text = OperatingSystem.IsWindows() ? Marshal.StringToHGlobalUni(path) : Marshal.StringToCoTaskMemUTF8(path);
        try
        {
            Check(((delegate* unmanaged<nint, nint, nint, nint*, nint>)_functions[7])(environment, text, options, &result));
            return result;
        }
        finally
        {
            if (OperatingSystem.IsWindows())
                Marshal.FreeHGlobal(text);
            else
                Marshal.FreeCoTaskMem(text);
        }
    }

    public nint CreateCpuMemoryInfo()
    {
        const int ArenaAllocator = 1, DefaultMemory = 0;
        nint result;
        Check(((delegate* unmanaged<int, int, nint*, nint>)_functions[69])(ArenaAllocator, DefaultMemory, &result));
        return result;
    }

    /// <summary>A float tensor over memory that stays the caller's.</summary>
    public nint CreateTensor(nint memoryInfo, float* data, int length, ReadOnlySpan<long> shape)
    {
        const int Float = 1;
        nint result;
        fixed (long* dimensions = shape)
        {
            Check(((delegate* unmanaged<nint, void*, nuint, long*, nuint, int, nint*, nint>)_functions[49])(
                memoryInfo, data, (nuint)length * sizeof(float), dimensions, (nuint)shape.Length, Float, &result));
        }

        return result;
    }

    /// <summary>Runs a session with one input tensor.</summary>
    public void Run(nint session, byte* inputName, nint input, byte** outputNames, nint* outputs, int count) =>
        Check(((delegate* unmanaged<nint, nint, byte**, nint*, nuint, byte**, nuint, nint*, nint>)_functions[9])(
            session, 0, &inputName, &input, 1, outputNames, (nuint)count, outputs));

    public void ReleaseSession(nint session) => ((delegate* unmanaged<nint, void>)_functions[95])(session);

    public void ReleaseValue(nint value) => ((delegate* unmanaged<nint, void>)_functions[96])(value);

    public void ReleaseSessionOptions(nint options) => ((delegate* unmanaged<nint, void>)_functions[100])(options);

    private void Check(nint status)
    {
        if (status != 0)
            Throw(status);
    }

    private void Throw(nint status)
    {
        string? message = Marshal.PtrToStringUTF8((nint)((delegate* unmanaged<nint, byte*>)_functions[2])(status));
        ((delegate* unmanaged<nint, void>)_functions[93])(status);
        throw new InvalidOperationException($"ONNX Runtime: {message}");
    }

    [StructLayout(LayoutKind.Sequential)]
    private readonly struct ApiBase
    {
        public readonly delegate* unmanaged<uint, void**> GetApi;
        public readonly delegate* unmanaged<byte*> GetVersionString;
    }
}
