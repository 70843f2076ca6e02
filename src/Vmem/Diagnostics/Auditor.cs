using System.Numerics;
using Vmem.Checks;

namespace Vmem.Diagnostics;

/// <summary>Who holds each range of an arena, and who freed the last ones.</summary>
/// <remarks>
/// <para>
/// A live range's record lies under the number of its boundary tag, which does not change while the range lives: no look-up by address, and
/// no hash table that would have to be rebuilt under the lock. Records come in blocks of one size, so that no growth copies any.
/// </para>
/// <para>
/// Everything but <see cref="Sign"/> happens under the arena's lock, does a bounded amount of work, and calls nobody:
/// stack and time are taken before.
/// </para>
/// </remarks>
internal sealed class Auditor<T>(TimeProvider time)
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    /// <summary>How many frees are remembered. Arbitrary; a wrong free looks at all of them.</summary>
    public const int HistoryLength = 1_024;

    private const int BlockLength = 512;          // arbitrary: some 16 KiB for 64-bit types
    private readonly AuditStacks _stacks = new();
    private readonly FreedRange[] _history = new FreedRange[HistoryLength];
    private Record[]?[] _blocks = [];
    private uint _count;                          // blocks that there are
    private long _frees;

    public struct Record
    {
        public T Start;
        public T Size;
        public AuditSite? Owner;                  // null: this tag is no live range's
        public AuditSite? Resizer;
    }

    public record struct FreedRange(T Start, T Size, AuditSite Owner, AuditSite By);

    /// <summary>How many live ranges are recorded.</summary>
    public long Live { get; private set; }

    /// <summary>Records lie under tag numbers below this one.</summary>
    public uint Bound => (uint)(_blocks.Length * BlockLength);

    /// <summary>Whether every free since the beginning is still remembered.</summary>
    public bool RemembersAll => _frees <= HistoryLength;

    /// <summary>Says whose call this is. Not to be called under the lock.</summary>
    public AuditSite Sign(AuditCall call) =>
        new(call, _stacks.Capture(), Environment.CurrentManagedThreadId, Thread.CurrentThread.Name, time.GetUtcNow());

    /// <summary>Makes room for what one allocation from a map of so many tags may need: it takes at most two more.</summary>
    public void Reserve(uint tags)
    {
        uint needed = ((tags + 1) / BlockLength) + 1;
        if (needed > _blocks.Length)
        {
            Array.Resize(ref _blocks, (int)Math.Max(needed, (uint)_blocks.Length * 2));
        }

        for (; _count < needed; _count++)
        {
            GrowthFault.ThrowIfDue();
            _blocks[_count] = new Record[BlockLength];
        }
    }

    public ref Record this[uint tag] => ref _blocks[tag / BlockLength]![tag % BlockLength];

    /// <summary>The record of a tag, if it is a live range's.</summary>
    public bool TryGet(uint tag, out Record record)
    {
        Record[]? block = tag < Bound ? _blocks[tag / BlockLength] : null;
        record = block is null ? default : block[tag % BlockLength];
        return record.Owner is not null;
    }

    public void NoteAllocated(uint tag, T start, T size, AuditSite site)
    {
        ref Record record = ref this[tag];
        Invariant.Assert(record.Owner is null, "a range that is allocated had no owner");
        record = new Record { Start = start, Size = size, Owner = site };
        Live++;
    }

    public void NoteResized(uint tag, T size, AuditSite site)
    {
        ref Record record = ref this[tag];
        record.Size = size;
        record.Resizer = site;
    }

    /// <summary>A range leaves this tag for another: see <see cref="Put"/>.</summary>
    public void Take(uint tag, out Record record)
    {
        record = this[tag];
        this[tag] = default;
        Live--;
    }

    /// <summary>A range is known under this tag from now on, with what is known about it.</summary>
    public void Put(uint tag, in Record record)
    {
        Invariant.Assert(record.Owner is not null && this[tag].Owner is null, "a range that comes has an owner, and its tag had none");
        this[tag] = record;
        Live++;
    }

    public void NoteFreed(uint tag, AuditSite site)
    {
        ref Record record = ref this[tag];
        Invariant.Assert(record.Owner is not null, "a range that is freed had an owner");
        _history[_frees++ % HistoryLength] = new FreedRange(record.Start, record.Size, record.Owner!, site);
        record = default;
        Live--;
    }

    /// <summary>The last free that is remembered of a range that held this value.</summary>
    public bool TryFindFreed(T value, out FreedRange freed)
    {
        for (long number = _frees; number-- > Math.Max(0, _frees - HistoryLength);)
        {
            freed = _history[number % HistoryLength];
            if (value - freed.Start < freed.Size)
            {
                return true;
            }
        }

        freed = default;
        return false;
    }

    /// <summary>What is known about an address that could not be freed, and who tried.</summary>
    /// <param name="tag">The tag of the segment that holds it.</param>
    /// <param name="start">The address.</param>
    /// <param name="attempt">Who tried, if that is known.</param>
    public string TellStory(uint tag, T start, AuditSite? attempt)
    {
        string story = "";
        if (TryGet(tag, out Record record))
        {
            story = record.Owner!.Tell($"The range of {record.Size} at {record.Start} was allocated") + record.Resizer?.Tell(record.Resizer.Call == AuditCall.Move ? "It was moved" : "Its size was changed");
        }

        if (TryFindFreed(start, out FreedRange freed))
        {
            story += freed.Owner.Tell($"A range of {freed.Size} at {freed.Start} had been allocated") + freed.By.Tell("It was freed");
        }
        else if (record.Owner is null)
        {
            story += RemembersAll
                ? $"\n{start} was never allocated."
                : $"\n{start} was freed by none of the last {HistoryLength} frees: it was never allocated, or freed before them.";
        }

        return story + attempt?.Tell("The attempt was made");
    }

    /// <summary>Adds the live ranges under tags from <paramref name="tag"/> on to a report; moves it behind them.</summary>
    /// <returns>False if there are no more.</returns>
    public bool TryCopyRecords(ref uint tag, List<Record> batch, int length)
    {
        batch.Clear();
        uint end = Math.Min(tag + (uint)length, Bound);
        bool any = tag < end;
        for (; tag < end; tag++)
        {
            if (TryGet(tag, out Record record))
            {
                batch.Add(record);
            }
        }

        return any;
    }

    /// <summary>Throws unless the records are those of the live segments, neither more nor less.</summary>
    public void Validate(long live, Func<uint, T, T, bool> isAllocated)
    {
        long found = 0;
        for (uint tag = 0; tag < Bound; tag++)
        {
            if (TryGet(tag, out Record record))
            {
                found++;
                Invariant.Hold(isAllocated(tag, record.Start, record.Size), "an audit's record is that of a live segment", $"{record.Size} at {record.Start} is none");
            }
        }

        Invariant.Hold(found == Live && found == live, "an audit records every live segment", $"{found} are recorded, {Live} counted, {live} live");
    }
}
