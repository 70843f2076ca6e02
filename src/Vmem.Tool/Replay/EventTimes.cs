namespace Vmem.Tool.Replay;

/// <summary>
/// When each event of a recording came. A recording has time stamps between its events, one in 10 ms from heaptrack, for hours perhaps;
/// so at most <see cref="MaxStamps"/> of them are kept, at first all, then every second, every fourth…, and the last one. Between two of
/// them events are taken to be equally far apart.
/// </summary>
internal sealed class EventTimes
{
    // Twice the columns of the widest map; arbitrary.
    private const int MaxStamps = 1024;

    private readonly List<(long Events, TimeSpan Elapsed)> _stamps = new(MaxStamps);
    private (long Events, TimeSpan Elapsed) _last;
    private int _skipped;
    private int _stride = 1;

    /// <summary>Whether there is any time stamp.</summary>
    public bool IsEmpty => _stamps.Count == 0;

    /// <param name="events">How many events came before the time stamp; not fewer than at the last call.</param>
    /// <param name="elapsed">The time stamp; not less than at the last call.</param>
    public void Add(long events, TimeSpan elapsed)
    {
        if (_last.Elapsed == elapsed && !IsEmpty)
        {
            return;
        }

        _last = (events, elapsed);
        if (++_skipped < _stride && !IsEmpty)
        {
            return;
        }

        _skipped = 0;
        if (_stamps.Count == MaxStamps)
        {
            Halve();
        }

        _stamps.Add(_last);
    }

    /// <summary>The time of the event with this number, from 0; null without time stamps. O(log <see cref="MaxStamps"/>).</summary>
    public TimeSpan? At(long number)
    {
        if (IsEmpty)
        {
            return null;
        }

        int next = FindAfter(number);
        (long Events, TimeSpan Elapsed) before = next == 0 ? default : _stamps[next - 1];
        (long Events, TimeSpan Elapsed) after = next == _stamps.Count ? _last : _stamps[next];
        if (after.Events <= before.Events || number >= after.Events)
        {
            return after.Elapsed;
        }

        double part = (double)(number - before.Events) / (after.Events - before.Events);
        return before.Elapsed + ((after.Elapsed - before.Elapsed) * part);
    }

    // The first stamp with more events before it than this, or one past the last.
    private int FindAfter(long number)
    {
        int low = 0;
        int high = _stamps.Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (_stamps[middle].Events > number)
            {
                high = middle;
            }
            else
            {
                low = middle + 1;
            }
        }

        return low;
    }

    private void Halve()
    {
        for (int i = 0; i < MaxStamps / 2; i++)
        {
            _stamps[i] = _stamps[2 * i];
        }

        _stamps.RemoveRange(MaxStamps / 2, MaxStamps / 2);
        _stride *= 2;
    }
}
