namespace Vmem.Benchmarks.Measurement;

/// <summary>
/// Subjects that take turns, so that the noise of a moment falls on all of them alike. Before any turn counts, each subject is run by
/// itself until its code is compiled for good.
/// </summary>
/// <remarks>The first subject therefore compiles what several of them share for its own profile, as a program would that uses nothing else:
/// put first what most programs use.</remarks>
internal static class Turns
{
    // Tier 0, counted calls, instrumented code, tier 1: three rounds with time for the compiler in the background are enough.
    private const int WarmUps = 3;
    private static readonly TimeSpan s_compilerPause = TimeSpan.FromMilliseconds(150);

    /// <summary>Returns the results of every subject, in the order of the subjects.</summary>
    public static TResult[][] Take<TSubject, TResult>(IReadOnlyList<TSubject> subjects, int runs, Func<TSubject, TResult> turn)
    {
        foreach (TSubject subject in subjects)
        {
            for (int i = 0; i < WarmUps; i++)
            {
                _ = turn(subject);
                Thread.Sleep(s_compilerPause);
            }
        }

        TResult[][] results = [.. subjects.Select(_ => new TResult[runs])];
        for (int run = 0; run < runs; run++)
        {
            for (int i = 0; i < subjects.Count; i++)
            {
                results[i][run] = turn(subjects[i]);
            }
        }

        return results;
    }
}
