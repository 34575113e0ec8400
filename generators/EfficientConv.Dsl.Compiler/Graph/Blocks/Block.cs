using EfficientConv.Dsl.Compiler.Declarations;
using EfficientConv.Dsl.Compiler.Model;

namespace EfficientConv.Dsl.Compiler.Graph.Blocks;

/// <summary>A block, an attribute that stands for several layers, and everything that is known of it; <see cref="BlockCatalog"/> lists them.</summary>
/// <param name="Kind">Name of the attribute.</param>
/// <param name="Expand">Adds its layers.</param>
/// <param name="Arguments">The attribute's arguments in the order of its constructor, then its properties, with a capital letter.</param>
/// <param name="Roles">Its layers: all that it may have, in the order in which they stand.</param>
internal sealed record Block(string Kind, Action<GraphBuilder, AttributeReader, TensorKey> Expand, EquatableArray<BlockArgument> Arguments, EquatableArray<BlockRole> Roles)
{
    /// <summary>Whether models count it among their blocks and stages; squeeze-and-excitation alone is a part of what stands around it.</summary>
    public bool IsCounted { get; init; } = true;

    /// <summary>Whether it is a published network's own, whose sizes are as published: rules of taste judge the others.</summary>
    public bool IsPublished { get; init; }

    /// <summary>The role of the layer whose window, stride and padding are the block's; empty where there is none such.</summary>
    public string Window { get; init; } = string.Empty;

    /// <summary>The module in the tutorial's block that counts its parts.</summary>
    public string Member { get; init; } = "block";

    /// <summary>Names of the two convolutions of its squeeze-and-excitation where they are the same in every style.</summary>
    public (string Reduce, string Expand)? SqueezeKeys { get; init; }

    /// <summary>Channels that it makes of the input's, given its arguments.</summary>
    public Func<AttributeDeclaration, int, int> OutChannels { get; init; } = (attribute, input) => attribute.Int("outChannels") is var given && given == AttributeDeclaration.Unset ? input : given;

    /// <summary>Why a convolution in a role has the channels it has, as a message says it after a comma; empty where they are the input's or the output's.</summary>
    public Func<ConvolutionOperator, Shape, string, AttributeDeclaration, string> ChannelReason { get; init; } = ChannelReasons.None;

    /// <summary>The argument called <paramref name="name"/>; null where the block has none.</summary>
    public BlockArgument? Argument(string name) => Arguments.FirstOrDefault(argument => argument.Name == name);

    /// <summary>The role called <paramref name="name"/>, which the block must have.</summary>
    public BlockRole Role(string name) => Roles.FirstOrDefault(role => role.Name == name) ?? throw new InvalidOperationException($"{Kind} has no layer {name}.");
}

/// <summary>An argument of a block.</summary>
/// <param name="Name">Its name, with a capital letter where it is a property.</param>
/// <param name="Default">Its value where none is given; null where the attribute demands one, <see cref="AttributeDeclaration.Unset"/> where it depends on the others.</param>
/// <param name="Least">The least of a number.</param>
/// <param name="Most">The most of a number.</param>
internal sealed record BlockArgument(string Name, object? Default, int Least = 1, int Most = AttributeReader.MaxValue)
{
    /// <summary>A count that the attribute demands.</summary>
    public static BlockArgument Demanded(string name) => new(name, null);

    /// <summary>A number that is what follows from others where it is not given.</summary>
    public static BlockArgument Optional(string name, int least = 1) => new(name, AttributeDeclaration.Unset, least);

    /// <summary>Output channels, the input's where not given.</summary>
    public static BlockArgument OutChannels { get; } = Optional("outChannels");

    /// <summary>The activation of the block.</summary>
    public static BlockArgument Activation(ActivationKind usual = ActivationKind.ReLU) => new("activation", usual);

    /// <summary>Eps of its batch norms; that of the key style where it is not written.</summary>
    public static BlockArgument Epsilon { get; } = new("Eps", Keys.KeyScheme.DefaultEpsilon);

    /// <summary>Padding of the window; half of it where not given.</summary>
    public static BlockArgument Padding { get; } = Optional("Padding", 0);

    /// <summary>Rows from one window to the next; as many as columns where not given.</summary>
    public static BlockArgument StrideHeight { get; } = Optional("StrideHeight");

    /// <summary>Columns from one window to the next.</summary>
    public static BlockArgument StrideWidth { get; } = Optional("StrideWidth");

    /// <summary>How the padding is found.</summary>
    public static BlockArgument AutoPad { get; } = new("AutoPad", AutoPadMode.Explicit);

    /// <summary>How 3 x 3 convolutions are computed.</summary>
    public static BlockArgument Algorithm { get; } = new("Algorithm", ConvolutionAlgorithm.Auto);
}

/// <summary>A layer of a block.</summary>
/// <param name="Name">What it is in the block; the batch norm after a convolution has <c>_bn</c> after the convolution's.</param>
/// <param name="Key">Its module in the published block, where there is only one; null for the tutorial's count, or where it has no tensors.</param>
/// <param name="NormKey">The module of its batch norm.</param>
internal sealed record BlockRole(string Name, string? Key = null, string? NormKey = null)
{
    /// <summary>Whether a batch norm follows.</summary>
    public bool HasNorm { get; init; }

    /// <summary>The arguments that a convolution's output channels come from, first the one that goes before.</summary>
    public EquatableArray<string> Channels { get; init; }

    /// <summary>A convolution with its batch norm.</summary>
    public static BlockRole Convolution(string name, string? key = null, string? normKey = null) => new(name, key, normKey) { HasNorm = true };

    /// <summary>A convolution with its batch norm, whose output channels <paramref name="arguments"/> say.</summary>
    public static BlockRole Counted(string name, params string[] arguments) => Convolution(name) with { Channels = arguments.ToEquatableArray() };

    /// <summary>The layers of a squeeze-and-excitation.</summary>
    public static IEnumerable<BlockRole> Squeeze { get; } = [new("se_mean"), new("se_reduce"), new("se_act"), new("se_expand"), new("se_gate"), new("se_scale")];
}
