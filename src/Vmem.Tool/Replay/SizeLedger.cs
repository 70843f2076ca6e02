namespace Vmem.Tool.Replay;

/// <summary>
/// What is live of each class of sizes in a lane, now and when the program had most asked for. The peak is known only when it is over; as
/// in <see cref="SiteLedger"/>, each class remembers what it held at the last peak when it first changes after it. O(1) an event.
/// </summary>
internal sealed class SizeLedger
{
    private readonly Entry[] _entries = new Entry[SizeClasses.Count];
    private long _epoch;

    /// <summary>Notes a live block: what was asked for, and what it took.</summary>
    public void Add(ulong requested, ulong size)
    {
        ref Entry entry = ref Touch(requested);
        entry.Now = new SizeShare(entry.Now.Blocks + 1, entry.Now.Requested + requested, entry.Now.Waste + (size - requested));
    }

    /// <summary>Notes that such a block is gone.</summary>
    public void Remove(ulong requested, ulong size)
    {
        ref Entry entry = ref Touch(requested);
        entry.Now = new SizeShare(entry.Now.Blocks - 1, entry.Now.Requested - requested, entry.Now.Waste - (size - requested));
    }

    /// <summary>What is live now is the peak, until the next.</summary>
    public void MarkPeak() => _epoch++;

    /// <summary>What the classes held at the last peak, those that held anything, from the smallest sizes.</summary>
    public IEnumerable<(int Class, SizeShare Share)> AtPeak()
    {
        for (int index = 0; index < _entries.Length; index++)
        {
            Entry entry = _entries[index];
            SizeShare share = entry.Epoch == _epoch ? entry.Peak : entry.Now;
            if (share.Blocks > 0)
            {
                yield return (index, share);
            }
        }
    }

    private ref Entry Touch(ulong requested)
    {
        ref Entry entry = ref _entries[SizeClasses.IndexOf(requested)];
        if (entry.Epoch != _epoch)
        {
            entry.Epoch = _epoch;
            entry.Peak = entry.Now;
        }

        return ref entry;
    }

    private struct Entry
    {
        public SizeShare Now;
        public SizeShare Peak;
        public long Epoch;
    }
}

/// <summary>Some live blocks: how many, what was asked for, and what was lost to rounding.</summary>
internal readonly record struct SizeShare(long Blocks, ulong Requested, ulong Waste);
