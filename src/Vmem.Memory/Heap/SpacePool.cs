using System.Diagnostics.CodeAnalysis;
using Vmem.Caching;

namespace Vmem.Memory.Heap;

/// <summary>Spaces of heaps that were disposed of, with the memory in them, for the heaps that come next.</summary>
/// <remarks>
/// A heap that ends with what it served, a request or a level, frees all its blocks at once; it would be a poor bargain if the system then unmapped
/// its pages one by one (a quarter of a microsecond each) only to map them again for the next heap. So a few spaces are kept, each with at most
/// <see cref="MostDirty"/> in it, for <see cref="Patience"/> to twice that; the others go back to the system at once, and these, too, when memory or
/// address space is short.
/// </remarks>
internal sealed class SpacePool(TimeProvider time)
{
    /// <summary>Arbitrary, as the two below.</summary>
    public const int MostSpaces = 4;

    private const nuint MostDirty = 64 * 1024 * 1024;

    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly Lock _gate = new();
    private readonly List<(HeapSpace Space, long Since)> _spaces = new(MostSpaces);
    private ITimer? _timer;                       // goes while there are any

    public static SpacePool Shared { get; } = new(TimeProvider.System);

    public bool TryTake(nuint wanted, [NotNullWhen(true)] out HeapSpace? space)
    {
        lock (_gate)
        {
            int found = _spaces.FindLastIndex(entry => entry.Space.Wanted == wanted);
            space = found < 0 ? null : _spaces[found].Space;
            if (space is null)
            {
                return false;
            }

            _spaces.RemoveAt(found);
        }

        try
        {
            space.Enter();
            return true;
        }
        catch
        {
            space.Release();
            throw;
        }
    }

    /// <summary>Keeps a space, or gives it back. One that is shorter than its heap wanted is not kept: the next may get more.</summary>
    public void Leave(HeapSpace space)
    {
        bool kept = false;
        if (!space.IsShort && space.DirtyBytes <= MostDirty)
        {
            lock (_gate)
            {
                kept = _spaces.Count < MostSpaces;
                if (kept)
                {
                    _timer ??= Upkeep.StartTimer(time, static state => ((SpacePool)state!).ReleaseOld(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
                    _spaces.Add((space, time.GetTimestamp()));
                    if (_spaces.Count == 1)
                    {
                        _ = _timer.Change(Patience, Patience);
                    }
                }
            }
        }

        if (!kept)
        {
            space.Release();
        }
    }

    /// <summary>Gives all spaces back. True if there were any.</summary>
    public bool ReleaseAll() => Release(TimeSpan.Zero);

    private void ReleaseOld() => Release(Patience);

    /// <summary>One by one: this needs no memory.</summary>
    private bool Release(TimeSpan age)
    {
        bool any = false;
        while (TryTakeOld(age, out HeapSpace? space))
        {
            space.Release();
            any = true;
        }

        return any;
    }

    private bool TryTakeOld(TimeSpan age, [NotNullWhen(true)] out HeapSpace? space)
    {
        lock (_gate)
        {
            // The oldest comes first.
            space = _spaces.Count > 0 && time.GetElapsedTime(_spaces[0].Since) >= age ? _spaces[0].Space : null;
            if (space is not null)
            {
                _spaces.RemoveAt(0);
            }

            if (_spaces.Count == 0)
            {
                _ = _timer?.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            }

            return space is not null;
        }
    }
}
