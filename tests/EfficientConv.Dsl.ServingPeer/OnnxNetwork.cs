using System.Reflection;
using EfficientConv.Dsl.Measuring;
using EfficientConv.Dsl.Measuring.Onnx;
using EfficientConv.Dsl.Measuring.Peers;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using MobileNetSample;

namespace EfficientConv.Dsl.ServingPeer;

/// <summary>MobileNetV2 run by ONNX Runtime: one thread an image, as the server's workers are, all graph optimisations, no copy of a tensor.</summary>
internal sealed class OnnxNetwork(InferenceSession session) : IConvNet<OnnxNetwork>, IDisposable
{
    private readonly RunOptions _options = new();

    public static TensorShape InputShape => MobileNetV2.InputShape;

    public static TensorShape OutputShape => MobileNetV2.OutputShape;

    public static ReadOnlySpan<OutputTensor> Outputs => MobileNetV2.Outputs;

    public static TensorLayout Layout => MobileNetV2.Layout;

    public static NetworkCost Cost => MobileNetV2.Cost;

    public static ReadOnlySpan<TensorSpec> Parameters => MobileNetV2.Parameters;

    public InstructionSet InstructionSet => default;

    public long WorkspaceBytes => 0;

    public long PackedWeightBytes => 0;

    public static byte[] Weights() => SeededValues.ToSafetensors([.. MobileNetV2.Parameters], SeededValues.CreateWeights([.. MobileNetV2.Parameters]));

    public static OnnxNetwork Create()
    {
        OnnxRuntimeLibrary.Load();
        byte[] model = OnnxExporter.Export(nameof(MobileNetV2), DeclarationReflection.Graph(typeof(MobileNetV2)), SeededValues.CreateWeights([.. MobileNetV2.Parameters]));
        Microsoft.ML.OnnxRuntime.SessionOptions options = new() { GraphOptimizationLevel = GraphOptimizationLevel.ORT_ENABLE_ALL, IntraOpNumThreads = 1, InterOpNumThreads = 1 };
        return new OnnxNetwork(new InferenceSession(model, options));
    }

    public static OnnxNetwork Load(string path, LoadOptions? options = null) => throw new NotSupportedException();

    public static OnnxNetwork Load(Stream stream, LoadOptions? options = null) => throw new NotSupportedException();

    public static OnnxNetwork Load(ReadOnlySpan<byte> safetensors, LoadOptions? options = null) => throw new NotSupportedException();

    public static OnnxNetwork LoadResource(Assembly assembly, string name, LoadOptions? options = null) => throw new NotSupportedException();

    public static OnnxNetwork LoadPacked(string path, LoadOptions? options = null) => throw new NotSupportedException();

    public static OnnxNetwork CreateRandom(int seed, LoadOptions? options = null) => throw new NotSupportedException();

    public void Dispose()
    {
        _options.Dispose();
        session.Dispose();
    }

    public void SavePacked(string path) => throw new NotSupportedException();

    public void Forward(int batch, ReadOnlySpan<float> input, Span<float> output, int threads = 1) => Forward(input, output);

    public unsafe void Forward(ReadOnlySpan<float> input, Span<float> output)
    {
        fixed (float* inputStart = input, outputStart = output)
        {
            using OrtValue from = Tensor([1, InputShape.Channels, InputShape.Height, InputShape.Width], inputStart, input.Length);
            using OrtValue to = Tensor([1, OutputShape.Channels, OutputShape.Height, OutputShape.Width], outputStart, output.Length);
            session.Run(_options, [OnnxExporter.Input], [from], [OnnxExporter.Output], [to]);
        }

        static OrtValue Tensor(long[] shape, float* start, int length) =>
            OrtValue.CreateTensorValueWithData(OrtMemoryInfo.DefaultInstance, TensorElementType.Float, shape, (nint)start, length * sizeof(float));
    }
}
