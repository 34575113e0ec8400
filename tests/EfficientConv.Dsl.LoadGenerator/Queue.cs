namespace EfficientConv.Dsl.LoadGenerator;

/// <summary>
/// A server that costs nothing beside its images: what is left of a percentile when the network, the client and the scheduler are taken away. At random times it is not
/// little, and no server with these workers has less.
/// </summary>
internal static class Queue
{
    /// <summary>The time of each request from its arrival to its end, in milliseconds as all else: first come, first served, each image as long as the others.</summary>
    public static IEnumerable<double> Times(IEnumerable<double> arrivals, int workers, double service)
    {
        double[] free = new double[workers];
        foreach (double arrival in arrivals)
        {
            int first = Array.IndexOf(free, free.Min());
            free[first] = Math.Max(free[first], arrival) + service;
            yield return free[first] - arrival;
        }
    }
}
