using EfficientConv.Dsl.Compiler.Graph;

namespace EfficientConv.Dsl.Tests.Reference;

/// <summary>PyTorch's activation functions in double precision.</summary>
internal static class NaiveActivation
{
    public static double Apply(ActivationFunction function, double x) => function.Kind switch
    {
        ActivationKind.None => x,
        ActivationKind.ReLU => Math.Max(x, 0),
        ActivationKind.ReLU6 => ReLU6(x),
        ActivationKind.HardSwish => x * ReLU6(x + 3) / 6,
        ActivationKind.SiLU => x * Sigmoid(x),
        ActivationKind.Sigmoid => Sigmoid(x),
        ActivationKind.HardSigmoid => ReLU6(x + 3) / 6,
        ActivationKind.GELU => 0.5 * x * (1 + Erf(x / Math.Sqrt(2))),
        ActivationKind.GELUTanh => 0.5 * x * (1 + Math.Tanh(Math.Sqrt(2 / Math.PI) * (x + (0.044715 * x * x * x)))),
        ActivationKind.LeakyReLU => x > 0 ? x : function.Arguments[0] * x,
        ActivationKind.Tanh => Math.Tanh(x),
        ActivationKind.ELU => x > 0 ? x : Math.Exp(x) - 1,
        ActivationKind.Mish => x * Math.Tanh(x > 30 ? x : Math.Log(1 + Math.Exp(x))),
        ActivationKind.Hardtanh => Math.Min(Math.Max(x, function.Arguments[0]), function.Arguments[1]),
        ActivationKind.Softplus => Softplus(x, function.Arguments[0], function.Arguments[1]),
        _ => throw new NotSupportedException(function.ToString()),
    };

    /// <summary>erf(x) = 2/sqrt(pi) exp(-x^2) sum over n of 2^n x^(2n+1) / (1 * 3 * ... * (2n+1)): all terms have one sign (Abramowitz and Stegun 7.1.6).</summary>
    public static double Erf(double x)
    {
        if (Math.Abs(x) > 6)
            return Math.Sign(x);
        double term = x, sum = x;
        for (int n = 1; n < 400 && sum + term != sum; n++)
        {
            term *= 2 * x * x / ((2 * n) + 1);
            sum += term;
        }

        return 2 / Math.Sqrt(Math.PI) * Math.Exp(-x * x) * sum;
    }

    private static double Softplus(double x, double beta, double threshold) =>
        beta * x > threshold ? x : (beta * x > 700 ? beta * x : Math.Log(1 + Math.Exp(beta * x))) / beta;

    private static double ReLU6(double x) => Math.Min(Math.Max(x, 0), 6);

    private static double Sigmoid(double x) => 1 / (1 + Math.Exp(-x));
}
