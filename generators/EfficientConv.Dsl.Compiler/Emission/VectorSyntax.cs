using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Scheduling;
using EfficientConv.Dsl.Compiler.Targets;

namespace EfficientConv.Dsl.Compiler.Emission;

/// <summary>
/// How vector operations are written for an instruction set. The wide ones use the intrinsics themselves; the 128-bit text is generic over the
/// runtime's vocabulary, so that NEON, SSE with and without FMA and plain scalar code run the same text.
/// </summary>
internal sealed class VectorSyntax
{
    private readonly string _class;
    private readonly bool _generic;

    private VectorSyntax(VectorTarget target, string vectorClass, string multiplyAdd, string simd, string suffix, bool generic)
    {
        Target = target;
        _class = vectorClass;
        _generic = generic;
        MultiplyAdd = multiplyAdd;
        Simd = simd;
        ClassSuffix = suffix;
    }

    public VectorTarget Target { get; }

    /// <summary>Type argument for the runtime's generic functions.</summary>
    public string Simd { get; }

    /// <summary>What follows the network's name in the name of the kernels' class.</summary>
    public string ClassSuffix { get; }

    /// <summary>Constraint on the class's type parameter, if it has one.</summary>
    public string Constraint => _generic ? " where V : struct, ISimd<V>" : string.Empty;

    public string Zero => _generic ? "V.Zero" : $"{_class}<float>.Zero";

    public string Type => _generic ? "V" : $"{_class}<float>";

    private string MultiplyAdd { get; }

    public static VectorSyntax For(VectorTarget target) => target.Name switch
    {
        nameof(VectorTarget.Avx512) => new(target, "Vector512", "Avx512F.FusedMultiplyAdd", "Simd512", "_Avx512", generic: false),
        nameof(VectorTarget.Avx2) => new(target, "Vector256", "Fma.MultiplyAdd", "Simd256", "_Avx2", generic: false),
        nameof(VectorTarget.Vector128) => new(target, "V", "V.FusedMultiplyAdd", "V", "_Vector128<V>", generic: true),
        _ => throw new InvalidOperationException($"{target} has no text."),
    };

    /// <summary>a * b + c, rounded once.</summary>
    public string Fma(string a, string b, string c) => $"{MultiplyAdd}({a}, {b}, {c})";

    public string Load(string reference) => Load(reference, 0);

    public string Store(string value, string reference) => Store(value, reference, 0);

    public string Load(string reference, Size offset) =>
        _generic ? $"V.Load(ref {reference}, {offset})" : offset.IsLiteral && !offset.Is(0) ? $"{_class}.LoadUnsafe(ref {reference}, {offset})" : $"{_class}.LoadUnsafe(ref {KernelText.At(reference, offset)})";

    public string Store(string value, string reference, Size offset) =>
        _generic ? $"V.Store({value}, ref {reference}, {offset});" : offset.IsLiteral && !offset.Is(0) ? $"{value}.StoreUnsafe(ref {reference}, {offset});" : $"{value}.StoreUnsafe(ref {KernelText.At(reference, offset)});";

    public string Create(string scalar) => $"{_class}.Create({scalar})";

    public string Add(string a, string b) => _generic ? $"V.Add({a}, {b})" : $"{a} + {b}";

    public string Subtract(string a, string b) => _generic ? $"V.Subtract({a}, {b})" : $"{a} - {b}";

    public string Multiply(string a, string b) => _generic ? $"V.Multiply({a}, {b})" : $"{a} * {b}";

    public string Divide(string a, string b) => _generic ? $"V.Divide({a}, {b})" : $"{a} / {b}";

    /// <summary>The larger; NaN when either is NaN.</summary>
    public string Maximum(string a, string b) => _generic ? $"V.Maximum({a}, {b})" : $"{_class}.Max({a}, {b})";

    /// <summary>Constants that an activation's epilogue uses, as declarations at the head of a method.</summary>
    public IEnumerable<string> ActivationConstants(ActivationFunction activation)
    {
        if (activation.IsNone)
            yield break;
        if (activation.Kind is ActivationKind.ReLU6 or ActivationKind.HardSwish or ActivationKind.HardSigmoid)
            yield return "ref float constants = ref ActivationConstants.First;";
        if (Target.SparesRegister)
            yield return $"{Type} zero = {Zero};";
        if (activation.Kind == ActivationKind.LeakyReLU)
            yield return $"{Type} slope = {Create(FormattableString.Invariant($"{activation.Slope:R}f"))};";
    }

    /// <summary>
    /// The activation of <paramref name="x"/>, a local. Native maximum and minimum return their second operand when either is NaN, so the value stands there.
    /// </summary>
    public string Activate(ActivationFunction activation, string x) => activation.Kind switch
    {
        ActivationKind.None => x,
        ActivationKind.ReLU => MaxNative(ZeroOperand, x),
        ActivationKind.ReLU6 => MinNative(Constant("Six"), MaxNative(ZeroOperand, x)),
        ActivationKind.HardSigmoid => HardSigmoid(x),
        ActivationKind.HardSwish => _generic ? $"V.Multiply({x}, {HardSigmoid(x)})" : $"({x} * {HardSigmoid(x)})",
        ActivationKind.LeakyReLU => Fma(MinNative(ZeroOperand, x), "slope", MaxNative(ZeroOperand, x)),
        _ => throw new InvalidOperationException($"{activation.Kind} is not an epilogue."),
    };

    /// <summary>Constants that <see cref="Epilogue"/> uses, as declarations straight in front of it.</summary>
    public IEnumerable<string> EpilogueConstants(ActivationFunction activation)
    {
        if (!IsClamp(activation))
        {
            foreach (string constant in ActivationConstants(activation))
                yield return constant;
            yield break;
        }

        yield return activation.Kind == ActivationKind.ReLU6
            ? $"{Type} zero = {Zero}, six = {Load("ActivationConstants.First", Size.Of("ActivationConstants.Six"))};"
            : $"{Type} zero = {Zero};";
    }

    /// <summary>The activation of <paramref name="x"/> behind the sums, where at most 28 of 32 or 12 of 16 registers hold accumulators: room for two constants, not for more.</summary>
    public string Epilogue(ActivationFunction activation, string x) => activation.Kind switch
    {
        ActivationKind.ReLU => MaxNative("zero", x),
        ActivationKind.ReLU6 => MinNative("six", MaxNative("zero", x)),
        _ => Activate(activation, x),
    };

    private static bool IsClamp(ActivationFunction activation) => activation.Kind is ActivationKind.ReLU or ActivationKind.ReLU6;

    private string HardSigmoid(string x) => MinNative(Constant("One"), MaxNative(ZeroOperand, Fma(x, Constant("Sixth"), Constant("Half"))));

    private string ZeroOperand => Target.SparesRegister ? "zero" : Zero;

    /// <summary>An operand from memory: held in a register through the sums it would push an accumulator out of its own.</summary>
    private string Constant(string name) => _generic ? $"V.Load(ref constants, ActivationConstants.{name})" : $"{_class}.LoadUnsafe(ref constants, ActivationConstants.{name})";

    private string MaxNative(string a, string b) => _generic ? $"V.Max({a}, {b})" : $"{_class}.MaxNative({a}, {b})";

    private string MinNative(string a, string b) => _generic ? $"V.Min({a}, {b})" : $"{_class}.MinNative({a}, {b})";
}
