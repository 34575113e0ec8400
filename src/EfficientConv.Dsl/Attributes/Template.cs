namespace EfficientConv.Dsl;

/// <summary>
/// Parameters of a template: they stand in the attributes of a class that <see cref="UseAttribute{TBlock}"/> places, wherever an integer does, and are what each
/// <c>Use</c> gives: <c>[Conv2d(Template.OutChannels, stride: Template.Stride)] class Block;</c> placed as <c>[Use&lt;Block&gt;(outChannels: 64, stride: 2)]</c>. A template
/// takes those that stand in it, no others, and each has to be given.
/// </summary>
public static class Template
{
    /// <summary>What <c>Use</c> has as <c>outChannels</c>.</summary>
    public const int OutChannels = int.MinValue + 1;

    /// <summary>What <c>Use</c> has as <c>hiddenChannels</c>.</summary>
    public const int HiddenChannels = int.MinValue + 2;

    /// <summary>What <c>Use</c> has as <c>kernelSize</c>.</summary>
    public const int KernelSize = int.MinValue + 3;

    /// <summary>What <c>Use</c> has as <c>stride</c>.</summary>
    public const int Stride = int.MinValue + 4;

    /// <summary>What <c>Use</c> has as <c>padding</c>.</summary>
    public const int Padding = int.MinValue + 5;

    /// <summary>What <c>Use</c> has as <c>dilation</c>.</summary>
    public const int Dilation = int.MinValue + 6;

    /// <summary>What <c>Use</c> has as <c>groups</c>.</summary>
    public const int Groups = int.MinValue + 7;
}
