using System.Globalization;
using System.Runtime.CompilerServices;
using Vmem.Caching;
using Vmem.Checks;
using Vmem.Diagnostics;
using Vmem.Memory.Diagnostics;
using Vmem.Memory.Pools;

namespace Vmem.Memory;

// Rentals that end or are lost, and memory that goes back.
public sealed unsafe partial class PinnedMemoryPool<T> : IMetered, IDumped, IListedPool, IUpkeepTarget
{
    private readonly Upkeep? _upkeep;             // null: only when asked
    private readonly Gate _trimming = new();      // held while free blocks are reserved for the upkeep

    /// <summary>Gives all memory back that nobody rents: discards free pages, and drops slabs that are wholly free. What threads and
    /// caches keep ready is free, too.</summary>
    /// <returns>How many bytes went back to the system. 0 where pages cannot be discarded, which is not on Linux: there the collector has
    /// the slabs first.</returns>
    /// <remarks>O(blocks of 4 KiB). Rentals go on meanwhile; one that finds no room within the limit waits until a slab is
    /// done.</remarks>
    /// <exception cref="ObjectDisposedException">The pool has been disposed of.</exception>
    public nuint Trim()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        long before = _slabs.Trimmed;
        _ = _arena.Reap();
        foreach (PinnedSlab<T> slab in _slabs.Copy())
        {
            Discard(slab, slab.Start, slab.Size, onlyIdle: false);
        }

        _ = _arena.Reap();
        return (nuint)(_slabs.Trimmed - before);
    }

    /// <inheritdoc/>
    bool IMetered.TryRead(int figure, out long value)
    {
        (long rents, long returns) = _threads.Count();
        value = (PoolFigure)figure switch
        {
            PoolFigure.Outstanding => rents - returns,
            PoolFigure.Rents => rents,
            _ => Interlocked.Read(ref _leaks),
        };
        return !_disposed;
    }

    /// <inheritdoc/>
    PoolView IListedPool.View
    {
        get
        {
            (long rents, long returns) = _threads.Count();
            return new PoolView(this, Name, typeof(T), null, rents, rents - returns, Interlocked.Read(ref _leaks));
        }
    }

    /// <inheritdoc/>
    void IDumped.Write(TextWriter writer)
    {
        (long rents, long returns) = _threads.Count();
        writer.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{Name,-32}  {rents - returns,12}  {rents,20}  {Interlocked.Read(ref _leaks),8}  {typeof(T).Name}"));
    }

    /// <inheritdoc/>
    bool IUpkeepTarget.EndInterval()
    {
        IReadOnlyList<PinnedSlab<T>> slabs = _slabs.Copy();
        try
        {
            foreach (PinnedSlab<T> slab in slabs)
            {
                if (slab.TryAge(out nuint start, out nuint size))
                {
                    Discard(slab, start, size, onlyIdle: true);
                    slab.KeepIdle();
                }
            }
        }
        catch (Exception e) when (e is OutOfMemoryException or ObjectDisposedException)
        {
            // The next turn comes, or the pool has ended.
        }

        return slabs.Count > 0;
    }

    /// <inheritdoc/>
    void IUpkeepTarget.RelievePressure()
    {
        try
        {
            _ = Trim();
        }
        catch (Exception e) when (e is OutOfMemoryException or ObjectDisposedException)
        {
            // It gave what it could.
        }
    }

    /// <summary>A rental has ended.</summary>
    internal void TakeBack(PinnedMemory<T> owner)
    {
        if (_options.ClearOnReturn)
        {
            owner.Slab.Array.AsSpan(owner.Slab.IndexOf(owner.Start), owner.Length).Clear();
        }

        owner.Witness?.Dispose();
        owner.Slab.NoteUse(owner.Start, owner.Size);
        _ = _threads.CountReturn();
        GiveBack(owner);
    }

    private void GiveBack(PinnedMemory<T> owner)
    {
        try
        {
            if (!_disposed)
            {
                _arena.Free(owner.Start, owner.Size);
            }
        }
        catch (ObjectDisposedException)
        {
            // The pool ended meanwhile, and the slab is the collector's.
        }
    }

    /// <summary>An owner was disposed of a second time.</summary>
    internal void NoteDoubleDispose() => Interlocked.Increment(ref _doubleDisposals);

    /// <summary>There was no room. If the upkeep had some of it reserved, there is when it has ended.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private nuint RentSlowly(nuint size)
    {
        using (_trimming.EnterScope())
        {
            if (_arena.TryAllocate(size, out nuint start))
            {
                return start;
            }
        }

        _ = Interlocked.Increment(ref _failures);
        string limit = _options.Limit == 0 ? "the runtime has no memory for another slab" : $"its limit is {_options.Limit} bytes (PinnedMemoryPoolOptions.Limit)";
        throw new InsufficientMemoryException($"Pool '{Name}' has no {size * s_blockBytes} bytes: {limit}, and {_arena.GetStatistics().InUse * s_blockBytes} are rented.");
    }

    /// <summary>Discards what is free of a part of a slab. Nobody can rent it meanwhile.</summary>
    private void Discard(PinnedSlab<T> slab, nuint start, nuint size, bool onlyIdle)
    {
        List<Segment<nuint>> pieces = [];
        using (_trimming.EnterScope())
        {
            try
            {
                _ = _arena.Reserve(start, size, pieces);
                foreach (Segment<nuint> piece in pieces)
                {
                    // Its number may be another's by now.
                    _slabs.NoteTrimmed(_slabs.TryOf(piece.Start) == slab ? slab.Discard(piece.Start, piece.Size, onlyIdle) : 0);
                }
            }
            finally
            {
                foreach (Segment<nuint> piece in pieces)
                {
                    _arena.FreeConstrained(piece.Start, piece.Size);
                }
            }
        }
    }

    private Upkeep? StartUpkeep() => _options.RetainedInterval == Timeout.InfiniteTimeSpan
        ? null
        : Upkeep.Start(this, _options.TimeProvider, callsOthers: true, TurnOf(_options.RetainedInterval));

    private static TimeSpan TurnOf(TimeSpan interval) => interval / PinnedSlab<T>.Turns;

    private LeakWitness<PinnedMemory<T>> NewWitness(PinnedMemory<T> owner) => new(
        owner,
        new NativeMemoryLeak(
            Name,
            owner.Length,
            (nuint)owner.Length * (nuint)sizeof(T),
            _stacks!.Capture(),
            Environment.CurrentManagedThreadId,
            Thread.CurrentThread.Name,
            _options.TimeProvider.GetUtcNow()),
        pressure: 0,
        NoteLeak);

    /// <summary>An owner was lost. On the thread of finalisers, which no exception may reach. Its memory stays out: an array may be used by
    /// who has no owner.</summary>
    private void NoteLeak(PinnedMemory<T> owner, NativeMemoryLeak leak)
    {
        try
        {
            if (!_disposed)
            {
                _ = Interlocked.Increment(ref _leaks);
                _options.Leaked?.Invoke(leak);
            }
        }
        catch (Exception)
        {
            // It was told, and counted.
        }
    }
}
