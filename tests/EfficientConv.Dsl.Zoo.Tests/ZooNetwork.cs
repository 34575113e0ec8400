using EfficientConv.Dsl.Zoo;

namespace EfficientConv.Dsl.Tests;

/// <summary>One class of the zoo, seen through its static members.</summary>
public sealed record ZooNetwork(string Name, TensorShape Input, TensorShape Output, NetworkCost Cost, Func<byte[], LoadOptions, Action<float[], float[]>> Load, Func<string, Action<float[], float[]>> LoadFile,
    Func<InstructionSet, (long WorkspaceBytes, long PackedWeightBytes, Action<float[], float[]> Forward)> CreateRandom)
{
    /// <summary>All of them, by class name.</summary>
    public static IReadOnlyDictionary<string, ZooNetwork> All { get; } = new[]
    {
        Of<MobileNetV1>(), Of<MobileNetV2>(), Of<MobileNetV2Width035>(), Of<MobileNetV2Width050>(), Of<MobileNetV2Width075>(), Of<MobileNetV2Width140>(),
        Of<MobileNetV3Large>(), Of<MobileNetV3Small>(), Of<MobileNetV4ConvSmall>(), Of<EfficientNetB0>(), Of<EfficientNetLite0>(), Of<MnasNet10>(),
        Of<ResNet18>(), Of<ResNet50>(), Of<MobileOneS1>(), Of<RepVGGA0>(), Of<ShuffleNetV2X05>(), Of<ShuffleNetV2X10>(), Of<SqueezeNet11>(), Of<GhostNet>(), Of<ERFNet>(),
    }.ToDictionary(n => n.Name);

    /// <summary>Runs one image.</summary>
    public float[] Run(Action<float[], float[]> network, float[] image)
    {
        float[] output = new float[Output.ElementCount];
        network(image, output);
        return output;
    }

    private static ZooNetwork Of<T>()
        where T : class, IConvNet<T>
    {
        return new ZooNetwork(typeof(T).Name, T.InputShape, T.OutputShape, T.Cost, (bytes, options) => Forward(T.Load(bytes, options)), path => Forward(T.Load(path)), Random);

        static Action<float[], float[]> Forward(T network) => (input, output) => network.Forward(input, output);

        static (long WorkspaceBytes, long PackedWeightBytes, Action<float[], float[]> Forward) Random(InstructionSet set)
        {
            T network = T.CreateRandom(1, new LoadOptions { InstructionSet = set });
            return (network.WorkspaceBytes, network.PackedWeightBytes, Forward(network));
        }
    }
}
