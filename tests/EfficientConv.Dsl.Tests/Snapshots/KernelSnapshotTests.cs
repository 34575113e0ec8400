using EfficientConv.Dsl.Compiler;
using EfficientConv.Dsl.Compiler.Folding;
using EfficientConv.Dsl.Compiler.Scheduling;
using EfficientConv.Dsl.Compiler.Targets;
using EfficientConv.Dsl.Generators.Tests.Harness;
using EfficientConv.Dsl.Tests.Harness;

namespace EfficientConv.Dsl.Tests.Snapshots;

/// <summary>
/// What a person sees who opens the generated file: one small network for each kind of kernel. EFFICIENTCONV_ACCEPT=1 accepts what has changed.
/// </summary>
public sealed class KernelSnapshotTests
{
    private const string SmallCaches = "[Schedule(4096, 16384)] ";

    /// <summary>Name, instruction set, attributes.</summary>
    public static TheoryData<string, string, string> Cases { get; } = new()
    {
        // Matrix products with a channel in every lane.
        { "pointwise", "Avx2", "[InputShape(3, 2, 2)] [PointwiseConv2d(8), ReLU]" },
        { "channels_last", "Avx512", "[InputShape(16, 6, 6, Layout = TensorLayout.NHWC)] [PointwiseConv2d(24), ReLU]" },
        { "linear", "Avx2", "[InputShape(512, 1, 1)] [Linear(40)]" },
        { "prelu", "Avx2", "[InputShape(16, 6, 8, Layout = TensorLayout.NHWC)] [PointwiseConv2d(16)] [Add(\"input\")] [PReLU(16)]" },
        { "prefetch_residual", "Avx2", SmallCaches + "[InputShape(32, 24, 25, Layout = TensorLayout.NHWC)] [PointwiseConv2d(16), ReLU] [PointwiseConv2d(32)] [Add(\"input\")] [ReLU]" },

        // Windows with a channel in every lane.
        { "depthwise", "Avx2", "[InputShape(8, 3, 4)] [DepthwiseConv2d(3, padding: 1), BatchNorm, HardSwish]" },
        { "narrow_groups", "Vector128", "[InputShape(16, 6, 6, Layout = TensorLayout.NHWC)] [DepthwiseConv2d(3), BatchNorm] [Conv2d(8, groups: 4)]" },
        { "dense", "Vector128", "[InputShape(2, 4, 4)] [Conv2d(4, kernelSize: 2)]" },
        { "grouped", "Vector128", "[InputShape(4, 3, 3)] [Conv2d(4, kernelSize: 2, groups: 2)]" },
        { "prefetch_weights", "Vector128", "[Schedule(4096, 32768)] [InputShape(64, 6, 6, Layout = TensorLayout.NHWC)] [Conv2d(64, padding: 1, Algorithm = ConvAlgorithm.Direct), ReLU]" },
        { "image", "Avx2", "[InputShape(3, 16, 16), ImageInput] [Conv2d(8, stride: 2, padding: 1), ReLU]" },
        { "pool", "Avx2", "[InputShape(4, 5, 5)] [MaxPool2d(3, stride: 2, padding: 1)]" },
        { "average_pool", "Avx512", "[InputShape(16, 6, 6, Layout = TensorLayout.NHWC)] [AvgPool2d(2)]" },

        // A pixel in every lane.
        { "planar_pointwise", "Avx2", "[InputShape(8, 8, 8)] [PointwiseConv2d(12)]" },
        { "planar_prelu_scaled", "Vector128", "[InputShape(8, 4, 4)] [PointwiseConv2d(8), PReLU(8), BatchNorm]" },
        { "planar_depthwise", "Avx2", "[InputShape(5, 34, 36)] [DepthwiseConv2d(3, padding: 1, stride: 2), ReLU6]" },
        { "planar_separable", "Vector128", "[InputShape(6, 32, 32)] [DepthwiseConv2d(3, padding: 1), ReLU] [PointwiseConv2d(12), ReLU]" },
        { "planar_convolution", "Avx2", "[InputShape(3, 20, 48)] [Conv2d(3, padding: 1), ReLU]" },
        { "prefetch_planes", "Avx2", SmallCaches + "[InputShape(32, 16, 16)] [PointwiseConv2d(32)] [Add(\"input\")]" },
        { "flat_depthwise", "Avx512", "[InputShape(2, 4, 4)] [DepthwiseConv2d(3, padding: 1), ReLU]" },
        { "strided_depthwise", "Avx512", "[InputShape(5, 34, 36)] [DepthwiseConv2d(3, padding: 1, stride: 2), ReLU6]" },

        // Winograd's transforms in their three forms.
        { "winograd_4x4", "Avx512", "[InputShape(8, 8, 8)] [Conv2d(8, padding: 1, Algorithm = ConvAlgorithm.Winograd), ReLU]" },
        { "winograd_2x2", "Avx2", "[InputShape(4, 6, 6)] [Conv2d(8, padding: 1, Algorithm = ConvAlgorithm.Winograd)] [Add(\"input\", padChannels: true)] [ReLU]" },
        { "winograd_stride2", "Vector128", "[InputShape(8, 8, 8)] [Conv2d(8, stride: 2, padding: 1, Algorithm = ConvAlgorithm.Winograd), ReLU]" },

        // Fused blocks.
        { "inverted_residual_slabs", "Avx2", "[InputShape(8, 4, 4)] [InvertedResidual(expansion: 2)]" },
        { "inverted_residual_rows", "Avx2", "[Schedule(Form = BlockForm.Rows)] [InputShape(8, 40, 40)] [InvertedResidual(expansion: 2)]" },
        { "pixel_pairs", "Avx512", "[Schedule(Form = BlockForm.Rows)] [InputShape(8, 8, 8)] [InvertedResidual(expansion: 2)]" },
        { "stem", "Avx2", "[Schedule(Form = BlockForm.Rows)] [InputShape(3, 16, 16)] [Conv2d(8, stride: 2, padding: 1), ReLU] [DepthwiseConv2d(3, padding: 1), ReLU] [PointwiseConv2d(8)]" },
        { "blocks", "Avx2", "[Schedule(FusedBlocks = 3)] [InputShape(3, 16, 16)] [Conv2d(8, stride: 2, padding: 1), ReLU] [DepthwiseConv2d(3, padding: 1), ReLU] [PointwiseConv2d(8)] [DepthwiseSeparable(8)] [InvertedResidual(8, expansion: 2)]" },
        { "efficient_conv_block", "Vector128", "[Schedule(Form = BlockForm.Rows)] [InputShape(4, 4, 4)] [EfficientConvBlock(expansion: 2)]" },
        { "efficient_conv_block_slabs", "Vector128", "[InputShape(4, 4, 4)] [EfficientConvBlock(expansion: 2)]" },
        { "prefetch_squeeze", "Avx512", "[Schedule(4096, 32768)] [InputShape(16, 4, 4)] [EfficientConvBlock(expansion: 16)]" },
        { "scale_shift", "Avx2", "[InputShape(8, 3, 4)] [DepthwiseConv2d(3, padding: 1), HardSwish, BatchNorm, PointwiseConv2d(8), ReLU, BatchNorm]" },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void Kernels(string name, string target, string attributes) =>
        Snapshot.Match(DeclarationText.Generate(attributes, target), name);

    [Fact]
    public void Members() =>
        Snapshot.Match(DeclarationText.Generate("[InputShape(24, 56, 56)] [InvertedResidual(expansion: 4)]", target: null, "MobileBlock"));

    /// <summary>A kernel, and whatever changes a kernel's text, that no snapshot shows could change unseen.</summary>
    [Fact]
    public void EveryKindOfKernel_HasASnapshot()
    {
        Kernel[] kernels = [.. Cases.SelectMany(row => Plan((string)row[1], (string)row[2]).Kernels)];
        Assert.Equal(
            typeof(Kernel).Assembly.GetTypes().Where(type => type.IsSubclassOf(typeof(Kernel)) && !type.IsAbstract).Select(type => type.Name).Order(),
            kernels.Select(kernel => kernel.GetType().Name).Distinct().Order());
        AssertAll(kernels.SelectMany(kernel => kernel.Prefetches).Select(prefetch => prefetch.What));
        AssertAll(kernels.OfType<SumKernel>().Select(kernel => kernel.Epilogue.Start));
        AssertAll(kernels.OfType<SumKernel>().Select(kernel => kernel.Epilogue.Store));
        AssertAll(kernels.OfType<PointwiseKernel>().Select(kernel => kernel.Lanes));
        Assert.Equal([LaneAxis.Channels, LaneAxis.Pixels], kernels.OfType<ConvolutionKernel>().Select(kernel => kernel.Lanes).Distinct().Order());
        AssertAll(kernels.OfType<PointwiseKernel>().Select(kernel => kernel.Form).Append(WorkShare.None));
        Assert.Equal(
            new[] { WinogradForm.F2x2, WinogradForm.F2x2Stride2, WinogradForm.F4x4 }.Select(form => form.Name),
            kernels.OfType<WinogradInputKernel>().Select(kernel => kernel.Form.Name).Distinct().Order());
        Assert.Equal(VectorTarget.All.Select(target => target.Name).Order(), Cases.Select(row => (string)row[1]).Distinct().Order());
        Assert.Contains(kernels.OfType<SumKernel>(), kernel => kernel.Epilogue.Activation.Row.IsLearned);
        Assert.Contains(kernels.OfType<SumKernel>(), kernel => kernel.Epilogue.ScaleOffset > 0);
    }

    /// <summary>A tile's locals are kept apart by loops and names, as a person would, not by braces of nobody's.</summary>
    [Fact]
    public void Kernels_HaveNoBracesWithoutStatement() => Assert.All(Cases, row =>
    {
        string text = DeclarationText.Generate((string)row[2], (string)row[1]), kernels = text[text.IndexOf("[MethodImpl", StringComparison.Ordinal)..];
        Assert.DoesNotMatch(@"[;}]\n+ +\{\n", kernels);
        Assert.DoesNotMatch(@"[+-] 0\b[^.]|Math\.Max\(0, 0\)", kernels);
    });

    private static void AssertAll<T>(IEnumerable<T> values)
        where T : struct, Enum => Assert.Equal(Enum.GetValues<T>().Order(), values.Distinct().Order());

    private static NetworkPlan Plan(string target, string attributes) =>
        NetworkAnalysis.Of(DeclarationText.Graph(attributes), Compiler.Scheduling.ScheduleAttribute.Apply(DeclarationText.Parse(attributes), ScheduleSettings.Default))
            .PlanFor(VectorTarget.All.Single(candidate => candidate.Name == target));
}
