using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Vmem.Checks;
using Vmem.Ranges;

namespace Vmem.Caching;

/// <summary>Which ranges of cached sizes are with callers and which lie in a cache: what a free is checked against before a magazine takes
/// it in.</summary>
/// <remarks>
/// <para>
/// A byte for each quantum of the slabs, at the range's first: 0, and only the segments know; class + 1, and a caller has a range of that
/// size; or that it lies in a cache. A free of a range that a caller has goes straight into the magazine, and the byte changes. Everything
/// else goes the long way, which says what is wrong; or finds, under the lock, a range that nobody had noted yet.
/// </para>
/// <para>
/// So 0 is never wrong, and bytes may be missing: for handles, for ranges that are too few to the slab, for want of memory. Only what lies
/// in a cache is always noted. The bytes of a slab's length are a <em>sheet</em>, which a hash table finds by its place: one probe, mostly.
/// Sheets are managed memory without references: a thread may still look at one when the arena has ended.
/// </para>
/// <para>
/// <b>Order.</b> A byte changes in the operation of the magazine that takes the range in or gives it out (<see cref="RangeGuard{T}"/>).
/// So all of it stands still while the magazines are frozen. Sheets are added under the arena's lock, and dropped while everything is
/// frozen and drained. Two threads that free one range at the very same moment may both succeed. Then it lies in two magazines; the second
/// that takes it finds it with a caller, and drops it.
/// </para>
/// <para>
/// Rejected: to look the range up in its slab, or in the table of live segments. Both are under the lock, which is what caches are there to
/// spare. Rejected: a look at what the thread's magazines hold: it finds neither what lies in others, nor what no arena ever had. Rejected:
/// a set of all ranges that are out, changed with interlocked instructions by every operation.
/// </para>
/// </remarks>
internal sealed class RangeStates<T>
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    private const byte Cached = byte.MaxValue;
    private const int KeyBytes = 16;              // of the longest type
    private const int LeastSlots = 8;

    /// <summary>Sheets that there may be beyond two for each slab: for arenas too small for slabs. Arbitrary.</summary>
    private const long SpareSheets = 64;

    private readonly T _quantum;
    private readonly int _quantumShift;
    private readonly int _unitShift;              // of the quanta in a sheet
    private readonly bool _divides;
    private byte[]?[] _sheets = new byte[LeastSlots][];          // each begins with its number; changes under the lock
    private long _count;
    private string? _fault;

    /// <param name="quantum">The arena's.</param>
    /// <param name="units">Quanta in a slab: a power of two.</param>
    public RangeStates(T quantum, int units)
    {
        Invariant.Assert(BitOperations.IsPow2(units), "a sheet has a power of two of quanta");
        _quantum = quantum;
        _divides = !T.IsPow2(quantum);
        _quantumShift = int.CreateTruncating(T.TrailingZeroCount(quantum));
        _unitShift = BitOperations.Log2((uint)units);
    }

    /// <summary>Bytes that the sheets take.</summary>
    public long Bytes => (_count * (KeyBytes + (1L << _unitShift))) + ((long)_sheets.Length * nint.Size);

    /// <summary>What was found wrong where nobody was to be told.</summary>
    public string? Fault => Volatile.Read(ref _fault);

    /// <summary>A range leaves a cache for a caller. False if a caller has it already.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryTake(T start, int sizeClass)
    {
        ref byte state = ref Find(start);
        if (Unsafe.IsNullRef(ref state))
        {
            return true;
        }

        if (state != Cached)
        {
            return Refuse(start);
        }

        state = (byte)(sizeClass + 1);
        return true;
    }

    /// <summary>A range goes from a caller into a cache. False, and nothing is changed, unless it is known that a caller has it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryGive(T start, int sizeClass)
    {
        ref byte state = ref Find(start);
        if (Unsafe.IsNullRef(ref state) || state != sizeClass + 1)
        {
            return false;
        }

        state = Cached;
        return true;
    }

    /// <summary>Whether it is known that a caller has it.</summary>
    public bool IsWithCaller(T start, int sizeClass)
    {
        ref byte state = ref Find(start);
        return !Unsafe.IsNullRef(ref state) && state == sizeClass + 1;
    }

    /// <summary>Whether anything is noted of a start.</summary>
    public bool Knows(T start)
    {
        ref byte state = ref Find(start);
        return !Unsafe.IsNullRef(ref state) && state != 0;
    }

    /// <summary>Whether a range that starts there lies in a cache.</summary>
    public bool IsCached(T start)
    {
        ref byte state = ref Find(start);
        return !Unsafe.IsNullRef(ref state) && state == Cached;
    }

    /// <summary>Notes that a caller has a range, as the segments say. Under the lock.</summary>
    /// <param name="start">The range.</param>
    /// <param name="sizeClass">Its class.</param>
    /// <param name="slabs">How many slabs there are.</param>
    /// <returns>False if it lies in a cache, or cannot be noted.</returns>
    public bool TryNote(T start, int sizeClass, long slabs)
    {
        ref byte state = ref Find(start);
        if (Unsafe.IsNullRef(ref state))
        {
            if (_count >= SpareSheets + (2 * slabs) || !TryAddSheet(start))
            {
                return false;
            }

            state = ref Find(start);
        }

        if (state == Cached)
        {
            return false;
        }

        state = (byte)(sizeClass + 1);
        return true;
    }

    /// <summary>Nothing is known of a range any more: it has left cache and caller, or is another segment now. Under the lock.</summary>
    public void Forget(T start)
    {
        ref byte state = ref Find(start);
        if (!Unsafe.IsNullRef(ref state))
        {
            state = 0;
        }
    }

    /// <summary>Drops all sheets if there are too many for what the slabs are now. Frozen and drained, under the lock.</summary>
    public void Shrink(long slabs)
    {
        if (IsSparse(slabs))
        {
            Volatile.Write(ref _sheets, new byte[LeastSlots][]);
            _count = 0;
        }
    }

    /// <summary>Whether <see cref="Shrink"/> would do anything. Without the lock a hint.</summary>
    public bool IsSparse(long slabs) => _count > 2 * (SpareSheets + (2 * slabs));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ref byte Find(T start)
    {
        // A start between two quanta has a number beyond all sheets.
        T unit = T.RotateRight(_divides ? Divide(start) : start, _quantumShift);
        T number = unit >> _unitShift;
        byte[]?[] sheets = Volatile.Read(ref _sheets);
        byte[]? sheet = sheets[Hash(number) & (sheets.Length - 1)];
        return ref sheet is not null && NumberOf(sheet) == number ? ref At(sheet, unit) : ref FindFurther(sheets, unit, number);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ref byte At(byte[] sheet, T unit) =>
        ref Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(sheet), KeyBytes + (int.CreateTruncating(unit) & ((1 << _unitShift) - 1)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T NumberOf(byte[] sheet) => Unsafe.ReadUnaligned<T>(ref MemoryMarshal.GetArrayDataReference(sheet));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Hash(T number)
    {
        ulong low = ulong.CreateTruncating(Unsafe.SizeOf<T>() > sizeof(ulong) ? number ^ (number >>> (4 * Unsafe.SizeOf<T>())) : number);
        return (int)((low * 0x9E3779B97F4A7C15) >> 32);          // 2^64 ÷ the golden ratio
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private ref byte FindFurther(byte[]?[] sheets, T unit, T number)
    {
        for (int i = Hash(number); sheets[i & (sheets.Length - 1)] is { } sheet; i++)
        {
            if (NumberOf(sheet) == number)
            {
                return ref At(sheet, unit);
            }
        }

        return ref Unsafe.NullRef<byte>();
    }

    /// <summary>For a quantum that is no power of two: a multiple of it as one of its largest power of two; what is none becomes one of
    /// no such power either.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private T Divide(T start) => Multiples<T>.Has(start, _quantum) ? (start / _quantum) << _quantumShift : T.MaxValue;

    private bool TryAddSheet(T start)
    {
        try
        {
            GrowthFault.ThrowIfDue();
            byte[]?[] sheets = _sheets;
            if (2 * (_count + 1) > sheets.Length)
            {
                sheets = new byte[2 * sheets.Length][];
                foreach (byte[]? sheet in _sheets)
                {
                    if (sheet is not null)
                    {
                        Put(sheets, sheet);
                    }
                }
            }

            var added = new byte[KeyBytes + (1 << _unitShift)];
            T unit = T.RotateRight(_divides ? Divide(start) : start, _quantumShift);
            Unsafe.WriteUnaligned(ref MemoryMarshal.GetArrayDataReference(added), unit >> _unitShift);
            Put(sheets, added);
            _count++;
            Volatile.Write(ref _sheets, sheets);
            return true;
        }
        catch (OutOfMemoryException)
        {
            return false;
        }
    }

    private static void Put(byte[]?[] sheets, byte[] sheet)
    {
        int i = Hash(NumberOf(sheet));
        while (sheets[i & (sheets.Length - 1)] is not null)
        {
            i++;
        }

        Volatile.Write(ref sheets[i & (sheets.Length - 1)], sheet);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool Refuse(T start)
    {
        _fault ??= $"{start} lay in two magazines: two threads freed it at once";
        return false;
    }
}
