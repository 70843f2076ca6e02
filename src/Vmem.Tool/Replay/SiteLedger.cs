using Vmem.Tool.Traces;

namespace Vmem.Tool.Replay;

/// <summary>
/// How much each site holds, now and at the program's peak: when the most bytes were asked for and not yet freed.
/// <para>The peak is known only when it is over, and a program that grows has a new one at each allocation: to copy all sites each time
/// would cost their number. Instead each site remembers what it held at the last peak when it first changes after it. The <em>epoch</em>
/// counts the peaks; a site that was not touched since the last one still holds what it held then. O(1) an event.</para>
/// </summary>
internal sealed class SiteLedger
{
    private Entry[] _entries = new Entry[64];
    private ulong _live;
    private long _events;
    private long _epoch;

    /// <summary>The most bytes that the program asked for at once.</summary>
    public ulong PeakBytes { get; private set; }

    /// <summary>How many events led to it.</summary>
    public long PeakEvents { get; private set; }

    /// <summary>The bytes held to know this.</summary>
    public long TableBytes => (long)_entries.Length * System.Runtime.CompilerServices.Unsafe.SizeOf<Entry>();

    public void Add(ReadOnlySpan<ReplayEvent> batch)
    {
        foreach (ref readonly ReplayEvent next in batch)
        {
            Add(next);
        }
    }

    /// <summary>What the sites held at the peak.</summary>
    public IEnumerable<SiteShare> AtPeak()
    {
        for (int site = 0; site < _entries.Length; site++)
        {
            Entry entry = _entries[site];
            (ulong bytes, long blocks) = entry.Epoch == _epoch ? (entry.PeakBytes, entry.PeakBlocks) : (entry.Bytes, entry.Blocks);
            if (blocks > 0)
            {
                yield return new SiteShare(site) { Bytes = bytes, Count = blocks };
            }
        }
    }

    private void Add(in ReplayEvent next)
    {
        if (next.Site >= _entries.Length)
        {
            Array.Resize(ref _entries, Math.Max(next.Site + 1, _entries.Length * 2));
        }

        _events++;
        ref Entry entry = ref _entries[next.Site];
        if (entry.Epoch != _epoch)
        {
            entry.Epoch = _epoch;
            entry.PeakBytes = entry.Bytes;
            entry.PeakBlocks = entry.Blocks;
        }

        if (!next.IsAllocation)
        {
            entry.Bytes -= next.Requested;
            entry.Blocks--;
            _live -= next.Requested;
            return;
        }

        entry.Bytes += next.Requested;
        entry.Blocks++;
        _live += next.Requested;
        if (_live > PeakBytes)
        {
            PeakBytes = _live;
            PeakEvents = _events;
            _epoch++;
        }
    }

    private struct Entry
    {
        public ulong Bytes;
        public ulong PeakBytes;
        public long Blocks;
        public long PeakBlocks;
        public long Epoch;
    }
}
