using System.Numerics;
using System.Runtime.CompilerServices;

namespace Vmem.Leasing.Journals;

/// <summary>The newest allocation that covers an address. Allocations are passed in order of address.</summary>
/// <remarks>
/// An allocation shows that whatever lay there before was gone, even if it was freed itself since. It counts until the pass is beyond its
/// end. One that ends first and is older shows nothing that the other does not show. So those that count are a stack: each ends before
/// the one below it, and is newer. Mostly it has one or two.
/// </remarks>
/// <param name="room">Room for all allocations that are passed.</param>
internal ref struct JournalCover<T>(Span<JournalNote<T>> room)
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    private readonly Span<JournalNote<T>> _stack = room;
    private int _count;

    /// <summary>Passes an allocation; those of one address in the order of time.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add(in JournalNote<T> note)
    {
        LeaveBelow(note.Start);
        int place = _count;
        for (T last = LastOf(note); place > 0 && LastOf(_stack[place - 1]) <= last; place--)
        {
        }

        if (place == 0 || _stack[place - 1].Place < note.Place)
        {
            Insert(note, place);
        }
    }

    /// <summary>Whether an allocation that was passed covers the start of a range, and is newer.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool IsNewer(in JournalNote<T> note)
    {
        LeaveBelow(note.Start);
        return _count > 0 && _stack[_count - 1].Place > note.Place;
    }

    /// <summary>Puts one in its place, instead of those that end first and are older.</summary>
    private void Insert(in JournalNote<T> note, int place)
    {
        int newer = place;
        while (newer < _count && _stack[newer].Place < note.Place)
        {
            newer++;
        }

        _stack[newer.._count].CopyTo(_stack[(place + 1)..]);
        _stack[place] = note;
        _count += place + 1 - newer;
    }

    /// <summary>The pass is at an address: those that end before it count no more.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void LeaveBelow(T start)
    {
        while (_count > 0 && LastOf(_stack[_count - 1]) < start)
        {
            _count--;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T LastOf(in JournalNote<T> note) => note.Start + (note.Size - T.One);
}
