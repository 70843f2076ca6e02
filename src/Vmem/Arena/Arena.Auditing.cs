using System.Runtime.CompilerServices;
using Vmem.Diagnostics;

namespace Vmem;

// An audited arena's calls: each is signed with who makes it, before the lock is taken, and then takes the usual way.
//
// An audit is chosen when the arena is made, and the fast paths of an arena without one do not ask for it. They ask what they ask anyway,
// and an audited arena answers so that it leaves them: its _frontMax lets every request by address through to
// TryAllocateInFront, _sureFirst is never true, _plain neither, and its handles bear a mark that
// makes them look stale.
//
// An audited arena has no quantum caches: every range is a segment of its own, so that each mistake is found at once, of sizes that would
// be cached, too. A range in a cache would be allocated as far as the segments know.
//
// Rejected: a wrapper around an arena, as Zig's and ASP.NET's diagnostic allocators are. It would see calls, not ranges: imports by other
// arenas, grants to those who wait, and restored ranges pass it by.
public sealed partial class Arena<T>
{
    private readonly Audit<T>? _audit;

    /// <summary>Whether the arena keeps who allocated each range: <see cref="ArenaOptions{T}.Audit"/>.</summary>
    public bool IsAudited => _audit is not null;

    /// <summary>What callers hold at this moment, grouped by the stacks that allocated it, the largest total first.</summary>
    /// <returns>The report.</returns>
    /// <exception cref="InvalidOperationException">The arena keeps no audit: <see cref="ArenaOptions{T}.Audit"/> was not set.</exception>
    /// <remarks>O(n). Safe while others allocate: the records are copied in batches, each of one moment; a range that is live all the while
    /// is reported, once.</remarks>
    public AuditReport<T> GetAuditReport()
    {
        if (_audit is null)
        {
            throw new InvalidOperationException($"Arena '{Name}' keeps no audit. Set {nameof(ArenaOptions<>)}.{nameof(ArenaOptions<>.Audit)} when it is made.");
        }

        var census = new AuditCensus<T>();
        var batch = new List<Audit<T>.Record>(EnumerationBatch);
        for (uint tag = 0; TryCopyRecords(ref tag, batch);)
        {
            foreach (Audit<T>.Record record in batch)
            {
                census.Add(record.Start, record.Size, record.Owner!);
            }
        }

        return census.ToReport(Name, _time.GetUtcNow());
    }

    private bool TryCopyRecords(ref uint tag, List<Audit<T>.Record> batch)
    {
        batch.Clear();
        Enter();
        try
        {
            uint end = Math.Min(tag + EnumerationBatch, _audit!.Bound);
            bool any = tag < end;
            for (; tag < end; tag++)
            {
                if (_audit.TryGet(tag, out Audit<T>.Record record))
                {
                    batch.Add(record);
                }
            }

            return any;
        }
        finally
        {
            Exit();
        }
    }

    /// <summary>The report of an arena that has been disposed, so that nobody changes the records any more.</summary>
    private AuditReport<T>? ReportLeaks()
    {
        if (_audit is null)
        {
            return null;
        }

        var census = new AuditCensus<T>();
        for (uint tag = 0; tag < _audit.Bound; tag++)
        {
            if (_audit.TryGet(tag, out Audit<T>.Record record))
            {
                census.Add(record.Start, record.Size, record.Owner!);
            }
        }

        return census.ToReport(Name, _time.GetUtcNow());
    }

    private bool TryAllocateSigned(T size, FitPolicy policy, out T start)
    {
        using AuditSignature signature = _audit!.Sign(AuditCall.Allocate);
        return TryAllocateBehind(size, policy, out start);
    }

    /// <summary>The lock is held, as the fast path found nothing; it is given up to learn who calls.</summary>
    private bool TryAllocateHandleSigned(T size, FitPolicy policy, out RangeHandle<T> handle)
    {
        Exit();
        using AuditSignature signature = _audit!.Sign(AuditCall.AllocateHandle);
        EnterForChange();
        return TryAllocateInOrder(size, policy, byHandle: true, out _, out handle);
    }

    private bool TryAllocatePlacedSigned(T size, in RangeConstraints<T> constraints, FitPolicy policy, bool byHandle, out T start, out RangeHandle<T> handle)
    {
        using AuditSignature signature = _audit!.Sign(byHandle ? AuditCall.AllocateHandle : AuditCall.AllocateConstrained);
        return TryAllocatePlacedBehind(size, constraints, policy, byHandle, out start, out handle);
    }

    private int TryAllocateManySigned(T size, Span<T> starts)
    {
        using AuditSignature signature = _audit!.Sign(AuditCall.AllocateMany);
        return TryAllocateManyBehind(size, starts);
    }

    private bool TryImportSigned(T size, in RangeConstraints<T> constraints, out T start)
    {
        using AuditSignature signature = _audit!.Sign(AuditCall.Import);
        return constraints == default
            ? TryAllocateBehind(size, _policy, out start)
            : TryAllocatePlacedBehind(size, constraints, _policy, byHandle: false, out start, out _);
    }

    private bool TryExtendSigned(T start, T oldSize, T newSize)
    {
        using AuditSignature signature = _audit!.Sign(AuditCall.Extend);
        return TryExtendBehind(start, oldSize, newSize, emptied: false);
    }

    /// <summary>Takes a place that was found, as <see cref="Claim"/> does, and notes for whom. The lock is held.</summary>
    private RangeHandle<T> ClaimAudited(uint free, T start, T size, FitPolicy policy, bool byHandle)
    {
        _audit!.Reserve(_map.TagBound);
        uint tag = Take(free, start, size, policy);
        _audit.NoteAllocated(tag, start, size);
        if (byHandle)
        {
            return new RangeHandle<T>(start, size, tag | Audit<T>.HandleMark, _map.Bind(tag));
        }

        _map.Enlist(tag);
        return default;
    }

    /// <summary>Frees a range by address, unless it is the wrong call or the wrong range.</summary>
    private void FreeSigned(T start, T size, AuditCall call)
    {
        using AuditSignature signature = _audit!.Sign(call);
        EnterForChange();
        uint tag = FindAuditedOrExit(start, size, call);
        _audit.NoteFreed(tag);
        if (_map.Delist(start, size) == 0)
        {
            _map.Unbind(tag);
        }

        FreeAndExit(tag);
    }

    private void FreeManySigned(ReadOnlySpan<T> starts, T size)
    {
        using AuditSignature signature = _audit!.Sign(AuditCall.FreeMany);
        FreeManyBehind(starts, size);
    }

    private void FreeHandleSigned(RangeHandle<T> handle)
    {
        using AuditSignature signature = _audit!.Sign(AuditCall.FreeHandle);
        var mine = new RangeHandle<T>(handle.Start, handle.Size, handle.Tag & ~Audit<T>.HandleMark, handle.Generation);
        EnterForChange();
        if (!_map.IsBound(mine))
        {
            ThrowUnbound(mine);
        }

        _audit.NoteFreed(mine.Tag);
        _map.Unbind(mine.Tag);
        FreeAndExit(mine.Tag);
    }

    private uint FindAuditedOrExit(T start, T size, AuditCall call)
    {
        try
        {
            uint tag = _map.FindLive(start);
            if (tag == 0 || _map.GetSegment(tag).Size != size)
            {
                tag = FindUnlisted(start, size);
            }

            CheckCall(tag, start, size, call);
            return tag;
        }
        catch
        {
            Exit();
            throw;
        }
    }

    /// <summary>Before a batch is freed: none of it was allocated by a call that another one frees.</summary>
    private void CheckCalls(ReadOnlySpan<T> starts, T size)
    {
        foreach (T start in starts)
        {
            uint tag = _map.FindLive(start);
            if (tag != 0)
            {
                CheckCall(tag, start, size, AuditCall.FreeMany);
            }
        }
    }

    private void CheckCall(uint tag, T start, T size, AuditCall call)
    {
        AuditSite owner = _audit![tag].Owner!;
        if (!owner.GoesWith(call))
        {
            string right = owner.Call == AuditCall.AllocateConstrained ? nameof(FreeConstrained) : nameof(Free);
            throw InvalidFree(InvalidFreeReason.WrongCall, start, size, $"The range was allocated with {owner.Call}; it is freed with {right}, not with {call}.");
        }
    }

    /// <summary>What the audit knows about an address that could not be freed, and who tried. The lock is held.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private string TellStory(T start)
    {
        string story = "";
        uint tag = _map.Locate(start, buildIndex: false);
        if (_audit!.TryGet(tag, out Audit<T>.Record record))
        {
            story = record.Owner!.Tell($"The range of {record.Size} at {record.Start} was allocated") + record.Resizer?.Tell("Its size was changed");
        }

        if (_audit.TryFindFreed(start, out Audit<T>.FreedRange freed))
        {
            story += freed.Owner.Tell($"A range of {freed.Size} at {freed.Start} had been allocated") + freed.By.Tell("It was freed");
        }
        else if (record.Owner is null)
        {
            story += _audit.RemembersAll
                ? $"\n{start} was never allocated."
                : $"\n{start} was freed by none of the last {Audit<T>.HistoryLength} frees: it was never allocated, or freed before them.";
        }

        return story + AuditSignature.Of(_audit)?.Tell("The attempt was made");
    }
}
