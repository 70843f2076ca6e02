using Vmem.Checks;

namespace Vmem.Caching;

/// <summary>How many rounds a cache's new magazines have: more as its depot is fought over, fewer again when it is not.</summary>
/// <remarks>
/// <para>
/// The steps are those of illumos' kmem (its magazine types for small objects), who gives no derivation: 15, 31, 47, 63, 95, 143. Larger
/// objects, of which fewer should lie idle, begin at 1, 3 or 7. Growth, too, is kmem's: one step when the depot's gate was found taken more
/// than three times in an interval. kmem never shrinks; here four intervals without a single wait take one step back. Four is arbitrary: a
/// minute of quiet at the default interval.
/// </para>
/// <para>
/// kmem waits for the end of the interval to grow, so that two threads that pass objects from one to the other are slow for a minute, five
/// steps of 15 s. Here 64 waits are one step at once. 64 is arbitrary: some tens of microseconds of waiting.
/// </para>
/// <para>
/// Magazines of a former size stay in use until they pass through the depot empty, and are dropped there. kmem empties the whole cache
/// when it changes the size.
/// </para>
/// </remarks>
internal struct MagazineSize
{
    /// <summary>The rounds of the last step.</summary>
    public const int Largest = 143;

    private const int ContentionsToGrow = 3;
    private const int ContentionsToGrowAtOnce = 64;
    private const int QuietIntervalsToShrink = 4;

    private static readonly byte[] s_rounds = [1, 3, 7, 15, 31, 47, 63, 95, Largest];

    private readonly int _least;
    private readonly int _most;
    private int _step;
    private int _contentions;
    private int _quietIntervals;

    /// <summary>Begins at the smallest magazine that has as many rounds as the least, and goes up to the smallest that has as many as the
    /// most.</summary>
    public MagazineSize(int leastRounds, int mostRounds = Largest)
    {
        _least = Array.FindIndex(s_rounds, rounds => rounds >= leastRounds);
        _most = Array.FindIndex(s_rounds, rounds => rounds >= mostRounds);
        _step = _least;
        Invariant.Assert(_least >= 0 && _most >= _least, "there are steps for the least and the most");
    }

    public readonly int Rounds => s_rounds[_step];

    /// <summary>A thread had to wait for the depot.</summary>
    public void NoteContention()
    {
        if (++_contentions >= ContentionsToGrowAtOnce && _step < _most)
        {
            _step++;
            _contentions = 1;                     // not quiet
        }
    }

    /// <summary>An interval has ended.</summary>
    public void Tick()
    {
        if (_contentions > ContentionsToGrow && _step < _most)
        {
            _step++;
        }

        _quietIntervals = _contentions == 0 ? _quietIntervals + 1 : 0;
        if (_quietIntervals == QuietIntervalsToShrink && _step > _least)
        {
            _step--;
            _quietIntervals = 0;
        }

        _contentions = 0;
        Invariant.Assert(_step >= _least && _step <= _most, "the size is between the least and the most");
    }
}
