using EfficientConv.Dsl.Compiler.Declarations;

namespace EfficientConv.Dsl.Compiler.Graph.Keys;

/// <summary>Attribute i is module i of an <c>nn.Sequential</c>; a single one is the module itself.</summary>
internal sealed class TutorialKeys(IReadOnlyList<AttributeDeclaration> modules, bool isSingle) : KeyScheme(modules)
{
    public override (string Reduce, string Expand) Squeeze => ("gate.1", "gate.3");

    protected override string LayerKey(AttributeDeclaration layer) => isSingle ? string.Empty : FormattableString.Invariant($"{Position}");

    protected override string BlockKey(AttributeDeclaration block) => LayerKey(block);
}
