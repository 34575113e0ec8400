namespace EfficientConv.Dsl.Runtime.Tests;

/// <summary>The functions in double precision, by formulas that do not cancel; relative error below 1e-12.</summary>
internal static class ReferenceMath
{
    internal static double Sigmoid(double x) => x < 0 ? Math.Exp(x) / (1 + Math.Exp(x)) : 1 / (1 + Math.Exp(-x));

    internal static double SiLU(double x) => x * Sigmoid(x);

    internal static double ELU(double x) => x > 0 ? x : ExpMinusOne(x);

    internal static double Mish(double x)
    {
        double e = Math.Exp(Math.Min(x, 300));
        double n = e * (e + 2);
        return double.IsPositiveInfinity(n) ? x : x * (n / (n + 2));
    }

    /// <summary>max(x, 0) + ln(1 + e) with e = exp(-|x|); below 1e-4 the series of the logarithm.</summary>
    internal static double Softplus(double x)
    {
        double e = Math.Exp(-Math.Abs(x));
        return Math.Max(x, 0) + (e < 1e-4 ? e * (1 - (e / 2 * (1 - (e * 2 / 3)))) : Math.Log(1 + e));
    }

    internal static double GELU(double x)
    {
        double tail = ErrorFunctionComplement(Math.Abs(x) / Math.Sqrt(2)) / 2;
        return x * (x < 0 ? tail : 1 - tail);
    }

    internal static double GELUTanh(double x) => x * Sigmoid(2 * Math.Sqrt(2 / Math.PI) * (x + (0.044715 * x * x * x)));

    internal static double HardSigmoid(double x) => Math.Clamp(x + 3, 0, 6) / 6;

    // Near 0 the Taylor series, elsewhere the difference, which then loses at most 5 digits.
    private static double ExpMinusOne(double x) =>
        Math.Abs(x) < 1e-4 ? x * (1 + (x / 2 * (1 + (x / 3 * (1 + (x / 4)))))) : Math.Exp(x) - 1;

    /// <summary>erfc(z) for z >= 0: 1 - the Maclaurin series of erf below 2.5, a continued fraction above.</summary>
    internal static double ErrorFunctionComplement(double z)
    {
        if (z < 2.5)
        {
            // erf(z) = 2 / sqrt(pi) * exp(-z^2) * sum of 2^n z^(2n+1) / (1 * 3 * ... * (2n + 1)), all terms positive.
            double term = z;
            double sum = z;
            for (int n = 1; n < 200 && term > sum * 1e-18; n++)
            {
                term *= 2 * z * z / ((2 * n) + 1);
                sum += term;
            }
            return 1 - (2 / Math.Sqrt(Math.PI) * Math.Exp(-z * z) * sum);
        }
        // erfc(z) = exp(-z^2) / sqrt(pi) / (z + (1/2) / (z + (2/2) / (z + (3/2) / ...))).
        double fraction = z;
        for (int n = 200; n >= 1; n--)
            fraction = z + (n / 2.0 / fraction);
        return Math.Exp(-z * z) / Math.Sqrt(Math.PI) / fraction;
    }
}
