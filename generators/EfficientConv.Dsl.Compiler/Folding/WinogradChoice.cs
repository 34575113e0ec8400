using EfficientConv.Dsl.Compiler.Graph;

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

    /// <summary>Of the direct sum's time what it may take at most to be taken unasked.</summary>
    private const double MostOfDirect = 0.9;

    /// <summary>Multiply-adds in a cycle, and channels of a vector in which the transforms' cycles are given: a typical core's, the same for all targets.</summary>
    private const int MultiplyAddsPerCycle = 32, Lanes = 16;

    /// <summary>
    /// Multiply-adds in the time that a weight takes to come: from the second-level cache, from the last-level one where a layer has more than
    /// <see cref="NearWeights"/>, from memory where the network has more than <see cref="CachedWeights"/>.
    /// </summary>
    private const int TimeOfNearWeight = 6, TimeOfFarWeight = 20, TimeOfWeightInMemory = 40;

    private const long NearWeights = 256 * 1024, CachedWeights = 16 * 1024 * 1024;

    /// <summary>The form in which <paramref name="stage"/> is computed, or null for the sum as written.</summary>
    public WinogradForm? FormOf(ConvolutionStage stage)
    {
        ConvolutionOperator c = stage.Convolution;
        if (!c.IsDense3x3 || c.Algorithm == ConvolutionAlgorithm.Direct)
            return null;
        WinogradForm fastest = c.Stride.Height == 2 ? WinogradForm.F2x2Stride2
            : Time(stage, WinogradForm.F4x4) <= Time(stage, WinogradForm.F2x2) ? WinogradForm.F4x4
            : WinogradForm.F2x2;
        if (c.Algorithm == ConvolutionAlgorithm.Winograd)
            return fastest;
        if (fastest == WinogradForm.F4x4 && stage.Input.Channels > MostChannelsOfF4)
            fastest = WinogradForm.F2x2;
        bool worthwhile = Math.Min(stage.Input.Channels, stage.Output.Channels) >= FewestChannels && stage.Output.Pixels >= FewestPixels &&
            Time(stage, fastest) <= MostOfDirect * TimeOfDirect(stage);
        return worthwhile ? fastest : null;
    }

    /// <summary>Estimated time in multiply-adds.</summary>
    private double Time(ConvolutionStage stage, WinogradForm form)
    {
        int tiles = form.Tiles(stage.Output.Height) * form.Tiles(stage.Output.Width);
        double transforms = (stage.Input.Channels * form.InputCycles) + (stage.Output.Channels * form.OutputCycles);
        return ProductTime(stage, form.Products, form.WeightSets, tiles) + (tiles * transforms * MultiplyAddsPerCycle / Lanes);
    }

    private double TimeOfDirect(ConvolutionStage stage) => ProductTime(stage, 9, 9, stage.Output.Pixels);

    private long ProductTime(ConvolutionStage stage, int products, int weightSets, int pixels)
    {
        long pairs = (long)stage.Input.Channels * stage.Output.Channels, weights = pairs * weightSets;
        int arrival = networkWeights > CachedWeights ? TimeOfWeightInMemory : weights > NearWeights ? TimeOfFarWeight : TimeOfNearWeight;
        return Math.Max(pairs * products * pixels, weights * arrival);
    }
}
