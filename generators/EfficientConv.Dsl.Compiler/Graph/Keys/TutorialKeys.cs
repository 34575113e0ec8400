using EfficientConv.Dsl.Compiler.Declarations;

namespace EfficientConv.Dsl.Compiler.Graph.Keys;

/// <summary>Attribute i is module i of an <c>nn.Sequential</c>, and a template an <c>nn.Sequential</c> in it.</summary>
internal sealed class TutorialKeys(IReadOnlyList<AttributeDeclaration> modules) : KeyScheme(modules)
{
    protected override (string Reduce, string Expand) Squeeze => ("gate.1", "gate.3");

    protected override string? LayerKey(AttributeDeclaration layer) => null;

    protected override string? BlockKey(AttributeDeclaration block) => null;
}
