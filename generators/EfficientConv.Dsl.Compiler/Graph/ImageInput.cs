using EfficientConv.Dsl.Compiler.Declarations;
using EfficientConv.Dsl.Compiler.Model;

namespace EfficientConv.Dsl.Compiler.Graph;

/// <summary>Images of bytes that a network takes beside floats: byte x of channel c becomes (x / 255 - mean[c]) / std[c].</summary>
/// <param name="Mean">One a channel.</param>
/// <param name="Std">One a channel.</param>
public sealed record ImageInput(EquatableArray<float> Mean, EquatableArray<float> Std)
{
    /// <summary>Name of the attribute; it is no layer.</summary>
    public const string Kind = "ImageInput";

    // torchvision's, of the training images of ImageNet.
    private static readonly double[] s_imageNetMean = [0.485, 0.456, 0.406];
    private static readonly double[] s_imageNetStd = [0.229, 0.224, 0.225];

    /// <summary>Reads the attribute of a network with <paramref name="channels"/> input channels; what is wrong is reported.</summary>
    internal static ImageInput Read(AttributeReader reader, int channels)
    {
        if (channels is not (1 or 3))
            reader.Report(FormattableString.Invariant($"{Kind} stands on a network with {channels} input channels (an image has 3, or 1 where it is grey)"));
        return new ImageInput(Values(reader, "mean", s_imageNetMean, channels, positive: false), Values(reader, "std", s_imageNetStd, channels, positive: true));
    }

    private static EquatableArray<float> Values(AttributeReader reader, string argument, double[] imageNet, int channels, bool positive)
    {
        EquatableArray<double>? given = reader.Attribute.Numbers(argument);
        IReadOnlyList<double> values = given is { } numbers ? numbers : imageNet;
        string expected = FormattableString.Invariant($"{channels} {(positive ? "positive " : string.Empty)}number{(channels == 1 ? string.Empty : "s")}, one a channel");
        if (values.Count != channels)
            reader.Invalid(argument, given is null ? "left out" : FormattableString.Invariant($"of {values.Count} numbers"), expected);
        foreach (double value in values)
        {
            // Compared as the floats that they become: 1e-60 is 0.
            float single = (float)value;
            if (float.IsNaN(single) || float.IsInfinity(single) || (positive && single <= 0))
                reader.Invalid(argument, FormattableString.Invariant($"{value}"), expected);
        }

        return values.Select(value => (float)value).ToEquatableArray();
    }
}
