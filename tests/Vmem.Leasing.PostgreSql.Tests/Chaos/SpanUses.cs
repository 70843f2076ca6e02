namespace Vmem.Leasing.PostgreSql.Tests.Chaos;

/// <summary>The uses of a leased span: each value again and again, at the speed of memory, and a look before each time.</summary>
internal sealed class SpanUses(UseLog log, long start, long fence)
{
    // Arbitrary: with the pauses between them the server still has most of the processor.
    private const int LooksAtOnce = 256;

    private readonly long _holder = Random.Shared.NextInt64();             // another after each loss: what is leased again is another lease
    private readonly long[] _places = new long[Holder.SpanSize];
    private bool _isUsed;

    /// <summary>Looks, and uses all values, some times. False as soon as it may not.</summary>
    /// <param name="mayUse">The look. It is told the time.</param>
    public bool Add(Func<long, bool> mayUse)
    {
        for (int looks = 0; looks < LooksAtOnce; looks++)
        {
            long time = UseLog.Now;
            if (!mayUse(time))
            {
                return false;
            }

            for (int i = 0; i < _places.Length; i++)
            {
                if (_isUsed)
                {
                    log.AddAgain(_places[i], time);
                }
                else
                {
                    _places[i] = log.AddFirst(time, start + i, fence, _holder);
                }
            }

            _isUsed = true;
        }

        return true;
    }
}
