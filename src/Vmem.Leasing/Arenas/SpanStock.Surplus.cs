namespace Vmem.Leasing.Arenas;

// A span that came for somebody who does not take it: the request was given up, or is not repeated.
internal sealed partial class SpanStock<T>
{
    private LeasedSpan<T>[] _surplus = [];        // what lay ready when there was first too much of it
    private long _surplusSince;

    /// <summary>If more spans lie ready than should, those that have done so for long go back, the oldest first.</summary>
    /// <param name="time">The clock.</param>
    /// <param name="patience">How long whoever asked for one has to ask again. One that came meanwhile has as long.</param>
    public void ReturnSurplus(TimeProvider time, TimeSpan patience)
    {
        long now = time.GetTimestamp();
        using (_lock.EnterScope())
        {
            if (_ready.Count <= target)
            {
                _surplus = [];
            }
            else if (_surplus.Length == 0)
            {
                (_surplus, _surplusSince) = ([.. _ready], now);
            }
            else if (time.GetElapsedTime(_surplusSince, now) >= patience)
            {
                _returned.EnsureCapacity(_returned.Count + _surplus.Length);           // none is lost for want of memory
                for (int i = 0; i < _surplus.Length && _ready.Count > target; i++)
                {
                    if (_ready.Remove(_surplus[i]))
                    {
                        _returned.Add(_surplus[i]);
                    }
                }

                _surplus = [];
            }
        }
    }
}
