using System.Diagnostics;

namespace EfficientConv.Dsl;

/// <summary>
/// Begins a stage of the model and makes no layer: after it the key styles with stages (<c>blocks.2.0</c>) count blocks from 0 again. Without any, a
/// stage begins at the first block and at every block with a stride or another number of channels, which is right for most models; a model that
/// has single convolutions in its stages, as timm's MobileNetV4, needs the marks. No parameters, no MACs, and no index in <c>torch.nn.Sequential</c>.
/// </summary>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true, Inherited = false)]
[Conditional("EFFICIENTCONV_KEEP_ATTRIBUTES")]
public sealed class StageAttribute : LayerAttribute;
