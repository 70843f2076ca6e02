using Vmem.Checks;

namespace Vmem.Caching;

/// <summary>How many entries of a depot's list were not needed lately.</summary>
/// <remarks>
/// The paper, §3.6: the least number that lay in the list during an interval was never needed in it. A list that varied between 37 and 47
/// magazines has a working set of 10, and 37 can go. The estimate in force is that of the interval before, and no more than the least that
/// has been seen since.
/// </remarks>
internal struct WorkingSet
{
    private int _least;
    private int _leastBefore;

    /// <summary>How many of them can go.</summary>
    public readonly int Reapable => Math.Min(_least, _leastBefore);

    /// <summary>The list has become this long.</summary>
    public void Note(int count)
    {
        Invariant.Assert(count >= 0, "a list has a length");
        _least = Math.Min(_least, count);
    }

    /// <summary>An interval has ended with so many in the list.</summary>
    public void Tick(int count)
    {
        _leastBefore = _least;
        _least = count;
        Invariant.Assert(Reapable <= count, "no more can go than is there");
    }
}
