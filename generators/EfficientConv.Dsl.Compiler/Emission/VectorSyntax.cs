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

    /// <summary>A value that <see cref="MultiplyAddByScalar"/> multiplies by.</summary>
    public string Scalar(string scalar) => _generic ? $"V.CreateScalar({scalar})" : Create(scalar);

    /// <summary>The vector a times a value that <see cref="Scalar"/> made, plus c, rounded once: NEON takes it from one lane, and nothing has to fill the others.</summary>
    public string MultiplyAddByScalar(string a, string scalar, string c) => _generic ? $"V.MultiplyAddByScalar({a}, {scalar}, {c})" : Fma(scalar, a, c);

    public string Load(string reference) => Load(reference, 0);

    public string Store(string value, string reference) => Store(value, reference, 0);

    public string Load(string reference, Size offset) =>
        _generic ? $"V.Load(ref {reference}, {offset})"
        : offset.IsLiteral && !offset.Is(0) ? $"{_class}.LoadUnsafe(ref {reference}, {offset})" : $"{_class}.LoadUnsafe(ref {KernelText.At(reference, offset)})";

    public string Store(string value, string reference, Size offset) =>
        _generic ? $"V.Store({value}, ref {reference}, {offset});"
        : offset.IsLiteral && !offset.Is(0) ? $"{value}.StoreUnsafe(ref {reference}, {offset});" : $"{value}.StoreUnsafe(ref {KernelText.At(reference, offset)});";

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
        if (activation.Epilogue.Constants.Length > 0)
            yield return "ref float constants = ref ActivationConstants.First;";
        if (Target.SparesRegister)
            yield return $"{Type} zero = {Zero};";
        foreach ((string name, string value) in activation.Constants)
            yield return $"{Type} {name} = {Create(value)};";
    }

    /// <summary>The activation of <paramref name="x"/>, a local, whose learned constant, if it has one, is <paramref name="slope"/>.</summary>
    public string Activate(ActivationFunction activation, string x, string slope) => activation.Epilogue.Text(new ActivationSyntax(this, KeepsConstants: false, slope), x);

    /// <summary>Constants that <see cref="Epilogue"/> uses, as declarations straight before it.</summary>
    public IEnumerable<string> EpilogueConstants(ActivationFunction activation) => !activation.Epilogue.KeepsConstants
        ? ActivationConstants(activation)
        : [$"{Type} {string.Join(", ", KeptConstants(activation))};"];

    /// <summary>The activation of <paramref name="x"/> after the sums, where 28 of 32 or 12 of 16 registers at most hold accumulators: room for two constants, no more.</summary>
    public string Epilogue(ActivationFunction activation, string x, string slope = "") =>
        activation.Epilogue.Text(new ActivationSyntax(this, activation.Epilogue.KeepsConstants, slope), x);

    private IEnumerable<string> KeptConstants(ActivationFunction activation) =>
    [
        $"zero = {Zero}",
        .. activation.Epilogue.Constants.Select(name => $"{Local(name)} = {Load("ActivationConstants.First", Size.Of($"ActivationConstants.{name}"))}"),
        .. activation.Constants.Select(constant => $"{constant.Name} = {Create(constant.Value)}"),
    ];

    private static string Local(string constant) => char.ToLowerInvariant(constant[0]) + constant.Substring(1);

    /// <summary>Writes an epilogue. A constant is an operand from memory unless it is kept: in a register through the sums it would push an accumulator out of its own.</summary>
    private sealed record ActivationSyntax(VectorSyntax Vector, bool KeepsConstants, string Slope) : IActivationSyntax
    {
        public string Zero => KeepsConstants || Vector.Target.SparesRegister ? "zero" : Vector.Zero;

        public string Constant(string name) => KeepsConstants ? Local(name)
            : Vector._generic ? $"V.Load(ref constants, ActivationConstants.{name})" : $"{Vector._class}.LoadUnsafe(ref constants, ActivationConstants.{name})";

        public string Argument(string name) => name;

        public string Maximum(string a, string b) => Vector._generic ? $"V.Max({a}, {b})" : $"{Vector._class}.MaxNative({a}, {b})";

        public string Minimum(string a, string b) => Vector._generic ? $"V.Min({a}, {b})" : $"{Vector._class}.MinNative({a}, {b})";

        public string MultiplyAdd(string a, string b, string c) => Vector.Fma(a, b, c);

        public string Multiply(string a, string b) => Vector._generic ? Vector.Multiply(a, b) : $"({Vector.Multiply(a, b)})";
    }
}
