using EfficientConv.Dsl.Compiler.Folding;
using EfficientConv.Dsl.Compiler.Fusion;
using EfficientConv.Dsl.Compiler.Scheduling;
using EfficientConv.Dsl.Compiler.Targets;
using EfficientConv.Dsl.Tests.Harness;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace EfficientConv.Dsl.Tests.Passes;

/// <summary>Multiply-adds that kernels do beside those that their layers need, for lanes without a channel and pixels that are computed twice.</summary>
public sealed class PaddingWasteTests
{
    private const double Limit = 0.06;

    // 196 pixels are 12 vectors of 16 and a quarter, and the thirteenth goes over 12 pixels again: 12 / 196. Over pixels as rows of the product there would be
    // no waste, but all outputs to transpose, which takes longer.
    private static readonly Dictionary<(string Block, string Target), double> s_exceptions = new() { [("Pointwise96To576At14", "Avx512")] = 12.0 / 196 };

    private static readonly Lazy<IReadOnlyDictionary<string, string>> s_blocks = new(() => Directory
        .EnumerateFiles(Path.Combine(AppContext.BaseDirectory, "benchmark-networks"), "*.cs")
        .SelectMany(file => CSharpSyntaxTree.ParseText(File.ReadAllText(file)).GetRoot().DescendantNodes().OfType<ClassDeclarationSyntax>())
        .ToDictionary(c => c.Identifier.ValueText, c => string.Join(' ', c.AttributeLists)));

    public static TheoryData<string, string> Blocks
    {
        get
        {
            TheoryData<string, string> data = [];
            foreach (string block in s_blocks.Value.Keys)
            {
                data.Add(block, VectorTarget.Avx512.Name);
                data.Add(block, VectorTarget.Avx2.Name);
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Blocks))]
    public void BenchmarkBlocks_WasteAtMostSixPercent(string block, string targetName)
    {
        VectorTarget target = VectorTarget.All.Single(t => t.Name == targetName);
        double limit = s_exceptions.GetValueOrDefault((block, targetName), Limit);
        Assert.All(Products(s_blocks.Value[block], target), product => Assert.True(product.Waste <= limit + 1e-9, $"{product.Waste:P1} of {product}"));
    }

    [Fact]
    public void BenchmarkBlocks_AreAllReadAndHaveProducts()
    {
        Assert.InRange(s_blocks.Value.Count, 40, int.MaxValue);
        string[] without = [.. s_blocks.Value.Where(b => !Products(b.Value, VectorTarget.Avx512).Any()).Select(b => b.Key).Order(StringComparer.Ordinal)];
        Assert.All(without, name => Assert.Matches("^(Depthwise|Squeeze|Shuffle)", name));
    }

    /// <summary>Other channel counts leave lanes of the last vector empty, or half of it where pixels share vectors; pixels are never done twice for that.</summary>
    [Fact]
    public void Fixtures_WasteNoMoreThanTheLanesOfTheLastVector() => Assert.All(Fixture.All, fixture => Assert.All(new[] { VectorTarget.Avx512, VectorTarget.Avx2 }, target =>
        Assert.All(Products(fixture.Declaration, target).Where(p => !p.IsPlanar), product =>
            Assert.True(product.Done == product.Pixels * product.Unit * ((product.Channels + product.Unit - 1) / product.Unit), $"{fixture} {target.Name}: {product}"))));

    /// <summary>Lanes x pixels x channels of a product, a group's where there are groups.</summary>
    private sealed record Product(Kernel Kernel, long Pixels, long Channels, long Done, int Unit, bool IsPlanar)
    {
        public double Waste => (Done / (double)(Pixels * Channels)) - 1;
    }

    private static IEnumerable<Product> Products(string text, VectorTarget target)
    {
        StageGraph stages = OperatorFolding.Fold(DeclarationText.Graph(text));
        NetworkPlan plan = Scheduler.Plan(stages, StageFusion.Fuse(stages), target, ScheduleSettings.Default);
        return plan.Kernels.Where(kernel => kernel is not PointwiseKernel { Pixels: 1, Share: WorkShare.Panels }).SelectMany(Products);

        IEnumerable<Product> Products(Kernel kernel) => kernel switch
        {
            PointwiseKernel k => [Of(k, k.Pixels, k.OutChannels)],
            ConvolutionKernel k => [Of(k, k.Window.OutWidth, k.OutPerGroup)],
            _ => [],
        };

        Product Of(ProductKernel kernel, long pixels, long channels)
        {
            // A pair of pixels has half a vector each.
            long done = target.Lanes * kernel.Panels.Sum(p => (long)p.Vectors * p.Count * p.Tiles.Sum(t => t.Rows * t.Count));
            int unit = kernel.Lanes switch { LaneAxis.Pixels => 1, LaneAxis.PixelPairs => 8, _ => target.Lanes };
            return new(kernel, pixels, channels, done, unit, kernel.Lanes == LaneAxis.Pixels);
        }
    }
}
