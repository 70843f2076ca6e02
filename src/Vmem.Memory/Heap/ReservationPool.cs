using System.Diagnostics.CodeAnalysis;
using Vmem.Caching;
using Vmem.Checks;
using Vmem.Timing;

namespace Vmem.Memory.Heap;

/// <summary>Reservations of heaps that were disposed of, with the memory in them, for the heaps that come next.</summary>
/// <remarks>
/// A heap that ends with what it served, a request or a level, frees all its blocks at once; it would be a poor bargain if the system then
/// unmapped its pages one by one (a quarter of a microsecond each) only to map them again for the next heap. So a few reservations are
/// kept, each with at most
/// <see cref="MostDirty"/> in it, for <see cref="Patience"/> to twice that; the others go back to the system at once, and these, too, when
/// memory or address space is short.
/// </remarks>
internal sealed class ReservationPool(TimeProvider time)
{
    /// <summary>Arbitrary, as the two below.</summary>
    public const int Most = 4;

    private const nuint MostDirty = 64 * 1024 * 1024;

    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly Gate _gate = new();
    private readonly List<(HeapReservation Reservation, long Since)> _kept = new(Most);
    private ITimer? _timer;                       // goes while there are any

    public static ReservationPool Shared { get; } = new(TimeProvider.System);

    public bool TryTake(nuint wanted, bool huge, [NotNullWhen(true)] out HeapReservation? reservation)
    {
        using (_gate.EnterScope())
        {
            int found = _kept.FindLastIndex(entry => entry.Reservation.Wanted == wanted && entry.Reservation.IsHuge == huge);
            reservation = found < 0 ? null : _kept[found].Reservation;
            if (reservation is null)
            {
                return false;
            }

            _kept.RemoveAt(found);
        }

        return true;
    }

    /// <summary>Keeps a reservation, or gives it back. One that is shorter than its heap wanted is not kept: the next may get
    /// more.</summary>
    public void Leave(HeapReservation reservation)
    {
        bool kept = false;
        try
        {
            kept = !reservation.IsShort && reservation.Dirty.Bytes <= MostDirty && TryKeep(reservation);
        }
        finally
        {
            if (!kept)
            {
                reservation.Release();
            }
        }
    }

    /// <summary>Gives all of them back. True if there were any.</summary>
    public bool ReleaseAll() => Release(TimeSpan.Zero);

    private bool TryKeep(HeapReservation reservation)
    {
        using (_gate.EnterScope())
        {
            if (_kept.Count == Most)
            {
                return false;
            }

            _timer ??= DetachedTimer.Start(time, static state =>
                ((ReservationPool)state!).ReleaseOld(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            if (_kept.Count == 0)
            {
                _ = _timer.Change(Patience, Patience);
            }

            _kept.Add((reservation, time.GetTimestamp()));     // last: what throws keeps nothing
            return true;
        }
    }

    private void ReleaseOld() => Release(Patience);

    /// <summary>One by one: this needs no memory.</summary>
    private bool Release(TimeSpan age)
    {
        bool any = false;
        while (TryTakeOld(age, out HeapReservation? reservation))
        {
            reservation.Release();
            any = true;
        }

        return any;
    }

    private bool TryTakeOld(TimeSpan age, [NotNullWhen(true)] out HeapReservation? reservation)
    {
        using (_gate.EnterScope())
        {
            // The oldest comes first.
            reservation = _kept.Count > 0 && time.GetElapsedTime(_kept[0].Since) >= age ? _kept[0].Reservation : null;
            if (reservation is not null)
            {
                _kept.RemoveAt(0);
            }

            if (_kept.Count == 0)
            {
                _ = _timer?.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            }

            return reservation is not null;
        }
    }
}
