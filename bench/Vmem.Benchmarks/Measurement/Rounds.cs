using System.Diagnostics;
using System.Runtime;

namespace Vmem.Benchmarks.Measurement;

/// <summary>
/// How every study measures: each subject is first run by itself until its code is compiled for good; then come rounds, in each of which
/// every subject takes its turn, so that the noise of a moment falls on all of them alike; and the median of the rounds counts. On a shared
/// machine the mean belongs to the worst disturbance and the minimum to the luckiest cache, the median to the program.
/// </summary>
/// <remarks>The first subject therefore compiles what several of them share for its own profile, as a program would that uses nothing else:
/// put first what most programs use.</remarks>
internal static class Rounds
{
    // Tier 0, counted calls, instrumented code, tier 1: three turns with time for the compiler in the background at least. Three were not
    // enough for the heap's mix, of which the first rounds took up to twice as long as those of the next minute. So short ones go on until
    // nothing is compiled any more, or for a while: there is always something in the runtime that gets hot.
    private const int LeastWarmUps = 3;
    private static readonly TimeSpan s_longestWarmUp = TimeSpan.FromSeconds(4);
    private static readonly TimeSpan s_compilerPause = TimeSpan.FromMilliseconds(150);

    /// <summary>Returns the results of every subject, in the order of the subjects.</summary>
    /// <param name="subjects">What is compared.</param>
    /// <param name="rounds">How many turns each takes.</param>
    /// <param name="turn">A turn.</param>
    /// <param name="warmUp">What compiles its code; if null, some turns.</param>
    public static TResult[][] InTurns<TSubject, TResult>(
        IReadOnlyList<TSubject> subjects,
        int rounds,
        Func<TSubject, TResult> turn,
        Action<TSubject>? warmUp = null)
    {
        foreach (TSubject subject in subjects)
        {
            int least = warmUp is null ? LeastWarmUps : 1;
            long compiled = -1;
            long begin = Stopwatch.GetTimestamp();
            bool MayGoOn() => JitInfo.GetCompiledMethodCount() != compiled && Stopwatch.GetElapsedTime(begin) < s_longestWarmUp;
            for (int i = 0; i < least || MayGoOn(); i++)
            {
                compiled = JitInfo.GetCompiledMethodCount();
                (warmUp ?? (one => turn(one)))(subject);
                LetCompile();
            }
        }

        TResult[][] results = [.. subjects.Select(_ => new TResult[rounds])];
        for (int round = 0; round < rounds; round++)
        {
            for (int i = 0; i < subjects.Count; i++)
            {
                results[i][round] = turn(subjects[i]);
            }
        }

        return results;
    }

    /// <summary>The results of one subject, after one turn that does not count.</summary>
    public static TResult[] Alone<TResult>(int rounds, Func<TResult> turn) => InTurns([turn], rounds, one => one(), one => one())[0];

    /// <summary>Gives the compiler in the background time to publish what it made of the code that ran.</summary>
    public static void LetCompile() => Thread.Sleep(s_compilerPause);

    public static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        if (sorted.Length == 0)
        {
            return double.NaN;
        }

        int middle = sorted.Length / 2;
        return sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }

    public static double Median<TResult>(IEnumerable<TResult> results, Func<TResult, double> metric) => Median(results.Select(metric));

    /// <summary>The median of each subject.</summary>
    public static double[] Medians<TResult>(IEnumerable<TResult[]> turns, Func<TResult, double> metric) =>
        [.. turns.Select(turn => Median(turn, metric))];
}
