namespace EfficientConv.Dsl;

/// <summary>
/// Base of the attributes that make up a network. Those on a <c>partial class</c> are applied from top to bottom, as the
/// modules of <c>torch.nn.Sequential</c>. MACs in their documentation are multiply-adds for one image.
/// </summary>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true, Inherited = false)]
public abstract class LayerAttribute : Attribute
{
    // Only the layers that the compiler knows; a user's own would be ignored in silence.
    private protected LayerAttribute()
    {
    }

    /// <summary>
    /// Names the tensor that the attribute makes, for <see cref="FromAttribute"/>, <see cref="AddAttribute"/> and <see cref="ConcatAttribute"/>, and
    /// stands in reports, messages and canonical state-dict keys; the attribute's index where it is not given.
    /// </summary>
    public string? Name { get; set; }
}
