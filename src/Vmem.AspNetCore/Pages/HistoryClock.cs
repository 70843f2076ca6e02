namespace Vmem.AspNetCore.Pages;

/// <summary>Has the history recorded while nobody looks at the page.</summary>
/// <remarks>
/// <para>
/// The recording takes at most half a hundredth of a core, however many arenas there are: the next row comes two hundred times as long
/// after one as that took, if this is longer than a step. But it comes a minute later at most: one that took half a minute, because the
/// machine was suspended, must not end the history.
/// </para>
/// <para>It ends with the server. The sampler is known weakly: an application that was never started, and is forgotten, is not kept.</para>
/// </remarks>
internal sealed class HistoryClock : IDisposable
{
    private const int Pause = 200;                // arbitrary

    private static readonly TimeSpan s_mostPause = TimeSpan.FromMinutes(1);       // arbitrary; a timer knows no more than 49 days

    private readonly WeakReference<Sampler> _sampler;
    private readonly TimeProvider _time;
    private readonly TimeSpan _step;
    private readonly ITimer _timer;
    private volatile bool _hasEnded;

    private HistoryClock(Sampler sampler, VmemPageOptions options)
    {
        _sampler = new WeakReference<Sampler>(sampler);
        (_time, _step) = (options.TimeProvider, options.HistoryStep);
        using AsyncFlowControl? flow = ExecutionContext.IsFlowSuppressed() ? null : ExecutionContext.SuppressFlow();
        _timer = _time.CreateTimer(static state => ((HistoryClock)state!).Turn(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Begins, unless there is to be no history.</summary>
    /// <param name="sampler">What records.</param>
    /// <param name="options">The page's.</param>
    /// <param name="stopping">Ends it.</param>
    public static void Start(Sampler sampler, VmemPageOptions options, CancellationToken stopping)
    {
        if (options.HistoryStep == Timeout.InfiniteTimeSpan)
        {
            return;
        }

        HistoryClock clock = new(sampler, options);
        clock.Wind(options.HistoryStep);
        _ = stopping.UnsafeRegister(static state => ((HistoryClock)state!).Dispose(), clock);
    }

    public void Dispose()
    {
        _hasEnded = true;
        _timer.Dispose();
    }

    private void Turn()
    {
        if (!_sampler.TryGetTarget(out Sampler? sampler))
        {
            Dispose();
            return;
        }

        try
        {
            Wind(Record(sampler));
        }
        catch (Exception)
        {
            // Nobody else would catch it here. A clock that cannot be set ends the history, and not the process.
        }
    }

    /// <summary>Adds a row.</summary>
    /// <returns>How long to pause.</returns>
    private TimeSpan Record(Sampler sampler)
    {
        long begin = _time.GetTimestamp();
        try
        {
            sampler.Record();
        }
        catch (Exception)
        {
            // On the timer's thread nobody would catch it, and the process would end for want of a picture. The next row comes.
        }

        TimeSpan took = _time.GetElapsedTime(begin);
        TimeSpan pause = took < s_mostPause / Pause ? took * Pause : s_mostPause;
        return pause > _step ? pause : _step;
    }

    private void Wind(TimeSpan due)
    {
        if (!_hasEnded)
        {
            _ = _timer.Change(due, Timeout.InfiniteTimeSpan);
        }
    }
}
