using EfficientConv.Dsl.Compiler.Declarations;
using EfficientConv.Dsl.Compiler.Findings;

namespace EfficientConv.Dsl.Compiler.Graph;

/// <summary>An element by element activation.</summary>
public sealed record ActivationOperator(ActivationFunction Function) : WeightlessOperator
{
    /// <inheritdoc/>
    public override string Name => Function.Kind.ToString();

    /// <inheritdoc/>
    public override OperatorKind Kind => OperatorKind.NormOrActivation;

    /// <inheritdoc/>
    public override bool KeepsGroups(Shape input) => true;

    /// <inheritdoc/>
    public override OutputMemory Writes(Shape output) => Function.IsNone ? OutputMemory.View : OutputMemory.OverInput;

    /// <inheritdoc/>
    public override SavedForBackward Saves(Shape output) => Function.Row.Saves;

    /// <inheritdoc/>
    public override Shape Output(IReadOnlyList<Shape> inputs) => inputs[0];

    /// <inheritdoc/>
    internal override Finding? Check(OperatorSite site)
    {
        for (int i = 0; i < Function.Arguments.Count; i++)
        {
            if (float.IsNaN(Function.Arguments[i]) || float.IsInfinity(Function.Arguments[i]))
                return Broken(i, "finite in single precision");
        }

        return Function.Row.Check(Function) is { } wrong ? Broken(wrong.Parameter, wrong.Expected) : null;

        Finding Broken(int index, string expected)
        {
            ActivationParameter parameter = Function.Row.Parameters[index];
            return site.Broken(
                RuleCatalog.InvalidValue, LayerPlace.Written(site.Attribute, parameter.Name, parameter.Property),
                $"has {parameter.Name} {Function.Arguments[index]:R} (it must be {expected})");
        }
    }

    /// <inheritdoc/>
    public override AttributeDeclaration? Attribute(IReadOnlyList<Shape> inputs) => Function.Row.Write(Function);

    /// <inheritdoc/>
    public override OnnxForm Onnx(IReadOnlyList<Shape> inputs) => Function.Row.Onnx(Function);

    /// <summary>The attribute <c>Activation(kind)</c>.</summary>
    internal static Operator Read(AttributeReader reader, Shape input, TensorKey key)
    {
        ActivationRow row = Activations.Of(reader.Enumeration("kind", ActivationKind.None));
        return row.IsLearned ? PReLUOperator.Of(row.Kind, key, input) : new ActivationOperator(row.Read(reader.Attribute));
    }
}
