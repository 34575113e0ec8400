namespace EfficientConv.Dsl.Compiler.Graph.Keys;

/// <summary>A module inside a block, for which a key is wanted.</summary>
/// <param name="Kind">The block's attribute.</param>
/// <param name="Role">What the module is in the block: <c>expand</c>, <c>depthwise</c>, <c>se</c>, ...; the convolution's, also for its batch norm.</param>
/// <param name="IsNorm">Whether it is the batch norm after the convolution of this role.</param>
/// <param name="Module">Its index when convolutions, batch norms and activations are counted one by one.</param>
/// <param name="Unit">Its index when a convolution with what follows it counts as one.</param>
/// <param name="Expands">Whether the block begins with a 1x1 expansion.</param>
internal readonly record struct BlockPart(string Kind, string Role, bool IsNorm, int Module, int Unit, bool Expands)
{
    private const string Behind = "_act";

    /// <summary>Whether it is the activation after a convolution, one with tensors of its own.</summary>
    public bool IsActivation => Role.EndsWith(Behind, StringComparison.Ordinal);

    /// <summary>The batch norm between an activation's convolution and itself.</summary>
    public BlockPart NormBefore => this with { Role = Role.Substring(0, Role.Length - Behind.Length), IsNorm = true };

    /// <summary>The unit of the convolution that it belongs to: an activation stands after it.</summary>
    public int OwnUnit => IsActivation ? Unit - 1 : Unit;
}
