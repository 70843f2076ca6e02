using Vmem.Checks;
using Vmem.Diagnostics;

namespace Vmem.Memory.Isolation;

/// <summary>Who allocated each live block of a client, and who freed the last ones.</summary>
/// <remarks>
/// <para>Under the client's lock, but for <see cref="Sign"/>: stack and time are taken before.</para>
/// <para>
/// What goes as a whole, by a reset or to a mark, is found by a look at all records. Rejected: a record in each region, which would end
/// with it, but is nothing to the regions of clients without an audit.
/// </para>
/// </remarks>
/// <param name="stacks">The context's: shared by its clients.</param>
/// <param name="time">What tells the time.</param>
internal sealed class ClientAudit(AuditStacks stacks, TimeProvider time)
{
    // How many frees are remembered: a wrong one looks at all of them. Arbitrary, as an arena's.
    private const int HistoryLength = 1_024;

    private readonly Dictionary<nuint, (AuditSite Owner, nuint Size)> _live = [];
    private readonly Queue<(nuint Start, nuint Size, AuditSite Owner, AuditSite? By)> _history = [];      // it grows as it is used

    /// <summary>How many blocks are recorded.</summary>
    public long Live => _live.Count;

    /// <summary>Says whose call this is; null if there is no memory for it, of which a free needs none. Not to be called under the
    /// lock.</summary>
    public AuditSite? Sign(AuditCall call)
    {
        try
        {
            GrowthFault.ThrowIfDue();
            return new AuditSite(call, stacks.Capture(), Environment.CurrentManagedThreadId, Thread.CurrentThread.Name, time.GetUtcNow());
        }
        catch (OutOfMemoryException)
        {
            return null;
        }
    }

    /// <summary>Makes room for one more, live and freed, so that noting it cannot fail. Throws
    /// <see cref="OutOfMemoryException"/>.</summary>
    public void Reserve()
    {
        if (_live.Count == _live.Capacity)
        {
            _ = _live.EnsureCapacity(Math.Max(4, 2 * _live.Count));
        }

        if (_history.Count < HistoryLength)
        {
            _ = _history.EnsureCapacity(_history.Count + 1);
        }
    }

    public void NoteAllocated(nuint block, nuint size, AuditSite owner) => _live[block] = (owner, nuint.Max(size, 1));

    public void NoteResized(nuint block, nuint size)
    {
        if (_live.TryGetValue(block, out (AuditSite Owner, nuint Size) known))
        {
            _live[block] = (known.Owner, nuint.Max(size, 1));
        }
    }

    public void NoteFreed(nuint block, AuditSite? by)
    {
        if (_live.Remove(block, out (AuditSite Owner, nuint Size) known))
        {
            Remember(block, known.Size, known.Owner, by);
        }
    }

    /// <summary>Blocks that are not live any more have gone, many at once. O(live blocks).</summary>
    public void NoteGone(Func<nuint, bool> isLive, AuditSite? by)
    {
        foreach ((nuint block, (AuditSite owner, nuint size)) in _live)
        {
            if (!isLive(block))
            {
                _ = _live.Remove(block);
                Remember(block, size, owner, by);
            }
        }
    }

    /// <summary>All blocks have gone, with the client.</summary>
    public void Clear() => _live.Clear();

    /// <summary>What is known of an address that is no live block: who freed the last block there, and who had it. Empty if nothing
    /// is.</summary>
    public string StoryOf(nuint address)
    {
        (nuint start, nuint size, AuditSite? owner, AuditSite? by) = _history.LastOrDefault(freed => address - freed.Start < freed.Size);
        string freed = $"The block of {size} bytes at 0x{start:x} was freed";
        return owner is null ? "" : (by?.Tell(freed) ?? $"\n{freed}.") + owner.Tell("It had been allocated");
    }

    /// <summary>The live blocks, by the stacks that allocated them.</summary>
    public AuditReport<nuint> Report(string client)
    {
        var census = new AuditCensus<nuint>();
        foreach ((nuint block, (AuditSite owner, nuint size)) in _live)
        {
            census.Add(block, size, owner);
        }

        return census.ToReport(client, time.GetUtcNow(), "client");
    }

    private void Remember(nuint block, nuint size, AuditSite owner, AuditSite? by)
    {
        if (_history.Count == HistoryLength)
        {
            _ = _history.Dequeue();
        }

        try
        {
            _history.Enqueue((block, size, owner, by));
        }
        catch (OutOfMemoryException)
        {
            // Many have gone at once, and there is no memory for the story of this one.
        }
    }
}
