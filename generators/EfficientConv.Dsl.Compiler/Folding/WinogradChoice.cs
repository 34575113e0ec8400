using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Model;
using EfficientConv.Dsl.Compiler.Targets;

namespace EfficientConv.Dsl.Compiler.Folding;

/// <summary>
/// Decides which dense 3x3 convolutions are computed by Winograd's algorithm, and in which form: F(4x4, 3x3) has 36 multiplications for 16 outputs instead of 144 and
/// four times the weights, F(2x2, 3x3) 16 for 4 and 1.8 times. Its sums are others than the direct ones, so that the choice depends on nothing but the network.
/// </summary>
/// <param name="networkWeights">Weights of all convolutions of the network.</param>
internal sealed class WinogradChoice(long networkWeights)
{
    /// <summary>
    /// Fewest channels on both sides for which it is taken unasked: the transforms cost the same for every channel, the products save in
    /// proportion to the channels of the other side.
    /// </summary>
    private const int FewestChannels = 16;

    /// <summary>Fewest output pixels for which it is taken unasked: small layers have little to gain.</summary>
    private const int FewestPixels = 160;

    /// <summary>Most input channels for which F(4x4, 3x3) is taken unasked: the error grows with the sum, and up to here stays below 4e-6 of the largest output.</summary>
    private const int MostChannelsOfF4 = 256;

    /// <summary>The form is the same on all targets.</summary>
    private static readonly VectorTarget s_target = VectorTarget.Reference;

    /// <summary>The form in which <paramref name="stage"/> is computed, or null for the sum as written.</summary>
    public WinogradForm? FormOf(ConvolutionStage stage)
    {
        ConvolutionOperator c = stage.Convolution;
        if (!c.IsDense3x3 || c.Algorithm == ConvolutionAlgorithm.Direct)
            return null;
        WinogradForm fastest = c.Stride.Height == 2 ? WinogradForm.F2x2Stride2
            : Cycles(stage, WinogradForm.F4x4) <= Cycles(stage, WinogradForm.F2x2) ? WinogradForm.F4x4
            : WinogradForm.F2x2;
        if (c.Algorithm == ConvolutionAlgorithm.Winograd)
            return fastest;
        if (fastest == WinogradForm.F4x4 && stage.Input.Channels > MostChannelsOfF4)
            fastest = WinogradForm.F2x2;
        bool worthwhile = Math.Min(stage.Input.Channels, stage.Output.Channels) >= FewestChannels && stage.Output.Pixels >= FewestPixels &&
            Cycles(stage, fastest) <= s_target.Rates.MostOfDirect * CyclesOfDirect(stage);
        return worthwhile ? fastest : null;
    }

    /// <summary>Estimated cycles.</summary>
    private double Cycles(ConvolutionStage stage, WinogradForm form)
    {
        int tiles = form.Tiles(stage.Output.Height) * form.Tiles(stage.Output.Width);
        TransformCycles cycles = form.Cycles(s_target.Rates);
        double transforms = (stage.Input.Channels * cycles.Input) + (stage.Output.Channels * cycles.Output);
        return ProductCycles(stage, form.Products, form.WeightSets, tiles) + (tiles * transforms / s_target.Lanes);
    }

    private double CyclesOfDirect(ConvolutionStage stage) => ProductCycles(stage, 9, 9, stage.Output.Pixels);

    /// <summary>Weights come from the second-level cache, from the last-level one where a layer has more than that holds, from memory where the network has more than any cache.</summary>
    private double ProductCycles(ConvolutionStage stage, int products, int weightSets, int pixels)
    {
        CoreRates rates = s_target.Rates;
        CacheSizes caches = s_target.Caches;
        double pairs = (double)stage.Input.Channels * stage.Output.Channels, bytes = pairs * weightSets * ElementType.Float32.Size;
        double rate = ElementType.Float32.Bytes(networkWeights) > caches.LastLevelBytes ? rates.MemoryRate : bytes > caches.SecondLevelBytes ? rates.FarRate : rates.BusyWeightRate;
        return Math.Max(pairs * products * pixels / s_target.MultiplyAddsPerCycle, bytes / rate);
    }
}
