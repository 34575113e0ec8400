namespace EfficientConv.Dsl.Measuring;

/// <summary>Something to be timed.</summary>
internal interface ISubject
{
    /// <summary>Does the work <paramref name="repetitions"/> times.</summary>
    void Run(int repetitions);
}
