using System.Numerics;
using System.Runtime.InteropServices;
using Vmem.Checks;

namespace Vmem.Resting;

/// <summary>Ranges that rest, first in, first out.</summary>
/// <remarks>Chunks of a page in a list: what goes at one end leaves its chunk to what comes at the other. So nothing is ever copied, and
/// the memory goes back by itself. Rejected: one ring that doubles, which copies up to all of it under the lock.</remarks>
internal unsafe struct RestRing<T>
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    private const int ChunkBytes = 4096;
    private const int HeaderBytes = 16;           // the next chunk's address, and what keeps the entries aligned

    /// <summary>How many empty chunks stay. Arbitrary: one would do where a range comes for each that goes.</summary>
    private const int SparesKept = 2;

    private byte* _first;
    private byte* _last;
    private byte* _spare;                         // head of the list of empty ones
    private int _spares;
    private int _head;                            // of the first chunk
    private int _tail;                            // of the last one: behind its last entry

    public long Count { get; private set; }

    public readonly long Bytes => ((Count / Length) + _spares + (Count > 0 ? 1 : 0)) * ChunkBytes;

    /// <summary>The one that came first. There is one.</summary>
    public readonly ref readonly RestEntry<T> First => ref Entries(_first)[_head];

    /// <summary>The one that came last. There is one.</summary>
    public readonly ref readonly RestEntry<T> Last => ref Entries(_last)[_tail - 1];

    private static int Length => (ChunkBytes - HeaderBytes) / sizeof(RestEntry<T>);

    /// <summary>Makes sure that so many calls of <see cref="Add"/> need no memory. Throws <see cref="OutOfMemoryException"/>; nothing else
    /// has changed then.</summary>
    public void Reserve(int count)
    {
        long room = _last == null ? 0 : Length - _tail;
        for (room += _spares * (long)Length; room < count; room += Length)
        {
            GrowthFault.ThrowIfDue();
            byte* chunk = (byte*)NativeMemory.AlignedAlloc(ChunkBytes, HeaderBytes);
            Spare(chunk);
        }
    }

    public void Add(in RestEntry<T> entry)
    {
        if (_last == null || _tail == Length)
        {
            Invariant.Assert(_spare != null, "room was reserved");
            byte* chunk = _spare;
            _spare = *(byte**)chunk;
            _spares--;
            *(byte**)chunk = null;
            if (_last == null)
            {
                _first = chunk;
                _head = 0;
            }
            else
            {
                *(byte**)_last = chunk;
            }

            _last = chunk;
            _tail = 0;
        }

        Entries(_last)[_tail++] = entry;
        Count++;
    }

    public void RemoveFirst()
    {
        Invariant.Assert(Count > 0, "what goes was there");
        Count--;
        if (++_head < Length && Count > 0)
        {
            return;
        }

        byte* chunk = _first;
        _first = *(byte**)chunk;
        _head = 0;
        if (_first == null)
        {
            _last = null;
            _tail = 0;
        }

        if (_spares < SparesKept)
        {
            Spare(chunk);
        }
        else
        {
            NativeMemory.AlignedFree(chunk);
            if (_spares > SparesKept)             // a batch had more reserved, and did not come
            {
                chunk = _spare;
                _spare = *(byte**)chunk;
                _spares--;
                NativeMemory.AlignedFree(chunk);
            }
        }
    }

    /// <summary>Takes out what begins within a range: all of them go round once. Needs the room of one before.</summary>
    public void RemoveWithin(T start, T size)
    {
        for (long left = Count; left > 0; left--)
        {
            RestEntry<T> entry = First;
            RemoveFirst();
            if (entry.Start - start >= size)
            {
                Add(entry);
            }
        }
    }

    /// <summary>The next chunk of them.</summary>
    /// <param name="chunk">The one before; 0: none. Afterwards this one.</param>
    /// <param name="entries">Those in it, in order.</param>
    /// <returns>False if there is none.</returns>
    public readonly bool TryNext(ref nint chunk, out ReadOnlySpan<RestEntry<T>> entries)
    {
        byte* next = chunk == 0 ? _first : *(byte**)chunk;
        chunk = (nint)next;
        int from = next == _first ? _head : 0;
        entries = next == null ? [] : new ReadOnlySpan<RestEntry<T>>(Entries(next) + from, (next == _last ? _tail : Length) - from);
        return next != null;
    }

    public void Release()
    {
        Release(_first);
        Release(_spare);
        this = default;
    }

    private static void Release(byte* chunk)
    {
        while (chunk != null)
        {
            byte* next = *(byte**)chunk;
            NativeMemory.AlignedFree(chunk);
            chunk = next;
        }
    }

    private static RestEntry<T>* Entries(byte* chunk) => (RestEntry<T>*)(chunk + HeaderBytes);

    private void Spare(byte* chunk)
    {
        *(byte**)chunk = _spare;
        _spare = chunk;
        _spares++;
    }
}
