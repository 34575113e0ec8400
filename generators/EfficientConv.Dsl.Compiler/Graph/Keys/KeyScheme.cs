using EfficientConv.Dsl.Compiler.Declarations;
using EfficientConv.Dsl.Compiler.Graph.Blocks;

namespace EfficientConv.Dsl.Compiler.Graph.Keys;

/// <summary>
/// Gives every attribute the state-dict key that the same module has in a published model. It is asked once for each attribute, in order,
/// and keeps count of units (a convolution with its batch norm and activation, or a block), stages and blocks.
/// </summary>
internal abstract class KeyScheme(IReadOnlyList<AttributeDeclaration> modules)
{
    private readonly bool _marked = modules.Any(m => m.Kind == StageMark);
    private int _index = -1;
    private readonly int _lastBlock = Enumerable.Range(0, modules.Count).Where(i => IsBlock(modules[i])).DefaultIfEmpty(-1).Last();
    // Without marks the first block begins the first stage.
    private bool _stageDue = !modules.Any(m => m.Kind == StageMark);

    /// <summary>The attribute that begins a stage of the model and makes no layer.</summary>
    public const string StageMark = "Stage";

    /// <summary>PyTorch's eps of batch norms.</summary>
    public const double DefaultEpsilon = 1e-5;

    /// <summary>The eps of the family's batch norms.</summary>
    public virtual double Epsilon => DefaultEpsilon;

    /// <summary>Names of the two convolutions of a squeeze-and-excitation in a block of <paramref name="kind"/>.</summary>
    public (string Reduce, string Expand) SqueezeOf(string kind) => BlockCatalog.Of(kind).SqueezeKeys ?? Squeeze;

    /// <summary>Names of the two convolutions of a squeeze-and-excitation in this style.</summary>
    protected virtual (string Reduce, string Expand) Squeeze => ("fc1", "fc2");

    /// <summary>Index of the attribute, stage marks not counted.</summary>
    protected int Position { get; private set; } = -1;

    /// <summary>Index of the unit.</summary>
    protected int Unit { get; private set; } = -1;

    /// <summary>Index of the attribute when all blocks of a stage count as one.</summary>
    protected int Item { get; private set; } = -1;

    /// <summary>Index of the stage.</summary>
    protected int Stage { get; private set; } = -1;

    /// <summary>Index of the block in its stage.</summary>
    protected int Block { get; private set; } = -1;

    /// <summary>Index of the linear layer.</summary>
    protected int Linear { get; private set; } = -1;

    /// <summary>Number of linear layers.</summary>
    protected int Linears { get; } = modules.Count(m => m.Kind == "Linear");

    /// <summary>Whether every block stands before this attribute.</summary>
    protected bool IsHead { get; private set; }

    /// <summary>Whether the map has been averaged away.</summary>
    protected bool IsPooled { get; private set; }

    /// <summary>Whether the attribute is a plain layer that the source's stage marks put into a stage, as its own block.</summary>
    protected bool IsStageLayer => _marked && Stage >= 0 && !IsPooled;

    /// <summary>The scheme of <paramref name="style"/>.</summary>
    /// <param name="style">The style.</param>
    /// <param name="modules">The layer attributes and the stage marks, without the attributes that only lead tensors to each other.</param>
    public static KeyScheme Create(KeyStyle style, IReadOnlyList<AttributeDeclaration> modules) => style switch
    {
        KeyStyle.TorchvisionMobileNetV2 => new TorchvisionFeatures(modules, "conv", 1e-5),
        KeyStyle.TorchvisionMobileNetV3 => new TorchvisionFeatures(modules, "block", 1e-3),
        KeyStyle.TorchvisionEfficientNet => new TorchvisionEfficientNet(modules),
        KeyStyle.TorchvisionMnasNet => new TorchvisionMnasNet(modules),
        KeyStyle.TorchvisionResNet => new TorchvisionResNet(modules),
        KeyStyle.TorchvisionShuffleNetV2 => new TorchvisionShuffleNet(modules),
        KeyStyle.TorchvisionSqueezeNet => new TorchvisionSqueezeNet(modules),
        KeyStyle.Timm => new TimmBlocks(modules, 1e-5),
        KeyStyle.TimmTensorFlow => new TimmBlocks(modules, 1e-3),
        KeyStyle.RepVGG => new Reparameterized(modules),
        KeyStyle.MobileOne => new Reparameterized(modules),
        KeyStyle.ERFNet => new SegmentationErf(modules),
        _ => new TutorialKeys(modules),
    };

    /// <summary>
    /// The key of the next attribute: a layer's own, or what stands before the keys inside a block. Null where it is the attribute's position in its <c>nn.Sequential</c>.
    /// </summary>
    public string? Next(AttributeDeclaration attribute, Shape input)
    {
        if (attribute.Kind == StageMark)
        {
            _index++;
            _stageDue = true;
            return string.Empty;
        }

        Position++;
        IsHead = ++_index > _lastBlock;
        bool isBlock = IsBlock(attribute), isConvolution = IsConvolution(attribute.Kind);
        if (isBlock || isConvolution)
            Unit++;
        IsPooled |= attribute.Kind == "GlobalAvgPool";
        if (attribute.Kind == "Linear")
            Linear++;
        bool begins = BeginsStage(attribute, input, isBlock);
        if (begins)
        {
            Stage++;
            Block = 0;
        }
        else if (isBlock || (isConvolution && IsStageLayer))
        {
            Block++;
        }

        if (begins || !isBlock)
            Item++;
        return isBlock ? BlockKey(attribute) : LayerKey(attribute);
    }

    /// <summary>The key of a module inside a block, after the block's own.</summary>
    public virtual string Part(BlockPart part)
    {
        // The published name of a module, and the tutorial's count where there is none.
        Block block = BlockCatalog.Of(part.Kind);
        BlockRole role = block.Role(part.Role);
        return (part.IsNorm ? role.NormKey : role.Key) ?? FormattableString.Invariant($"{block.Member}.{part.Module}");
    }

    /// <summary>The key of a plain layer.</summary>
    protected abstract string? LayerKey(AttributeDeclaration layer);

    /// <summary>The key of a block.</summary>
    protected abstract string? BlockKey(AttributeDeclaration block);

    /// <summary>0 for a convolution, 1 for the batch norm after it, as in <c>Conv2dNormActivation</c>.</summary>
    protected static int PartOfUnit(AttributeDeclaration layer) => layer.Kind == "BatchNorm" ? 1 : IsConvolution(layer.Kind) ? 0 : 2;

    /// <summary>Whether models count it among their blocks.</summary>
    private static bool IsBlock(AttributeDeclaration attribute) => BlockCatalog.Find(attribute.Kind) is { IsCounted: true };

    /// <summary>Whether <paramref name="kind"/> is a single convolution.</summary>
    protected internal static bool IsConvolution(string kind) => kind is "Conv2d" or "PointwiseConv2d" or "DepthwiseConv2d" or "ConvTranspose2d";

    /// <summary>The classifier of torchvision's models: dropout stands before a single linear layer, and between two of them stand an activation and dropout.</summary>
    protected string Classifier() => Linears == 1 ? "classifier.1" : FormattableString.Invariant($"classifier.{3 * Linear}");

    /// <summary>
    /// Whether <paramref name="attribute"/> is the first block of a stage: where the source has marks the first after each; elsewhere the first block
    /// of all and every one that changes the map's size or the number of channels.
    /// </summary>
    private bool BeginsStage(AttributeDeclaration attribute, Shape input, bool isBlock)
    {
        bool can = isBlock || (_marked && _stageDue && IsConvolution(attribute.Kind));
        if (!can || (_marked && !_stageDue && Stage >= 0))
            return false;
        bool keepsSize = AttributeReader.StrideArguments.All(argument => attribute.Int(argument, 1) <= 1);
        if (!_marked && !_stageDue && keepsSize && BlockCatalog.Of(attribute.Kind).OutChannels(attribute, input.Channels) == input.Channels)
            return false;
        _stageDue = false;
        return true;
    }
}
