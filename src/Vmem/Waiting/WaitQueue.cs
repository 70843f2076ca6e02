using System.Numerics;
using Vmem.Checks;

namespace Vmem.Waiting;

/// <summary>Waiters in the order in which they came: a doubly linked list through the waiters themselves, as a cancelled one leaves from
/// the middle.</summary>
internal struct WaitQueue<T>
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    private Waiter<T>? _tail;

    public Waiter<T>? Head { get; private set; }

    public int Count { get; private set; }

    public readonly bool IsEmpty => Head is null;

    public void Append(Waiter<T> waiter)
    {
        Invariant.Assert(_tail is null == IsEmpty && _tail != waiter && _tail?.Next is null, "a queue ends with its tail");
        waiter.Previous = _tail;
        waiter.Next = null;
        if (_tail is null)
        {
            Head = waiter;
        }
        else
        {
            _tail.Next = waiter;
        }

        _tail = waiter;
        Count++;
    }

    public void Remove(Waiter<T> waiter)
    {
        Invariant.Assert((waiter.Previous is null ? Head : waiter.Previous.Next) == waiter &&
            (waiter.Next is null ? _tail : waiter.Next.Previous) == waiter, "a waiter that leaves is in the queue");
        if (waiter.Previous is null)
        {
            Head = waiter.Next;
        }
        else
        {
            waiter.Previous.Next = waiter.Next;
        }

        if (waiter.Next is null)
        {
            _tail = waiter.Previous;
        }
        else
        {
            waiter.Next.Previous = waiter.Previous;
        }

        waiter.Previous = waiter.Next = null;
        Count--;
    }
}
