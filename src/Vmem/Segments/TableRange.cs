using Vmem.Platform;

namespace Vmem.Segments;

/// <summary>Address space for tables that grow where they are: reserved as long as they may ever be, and committed as they grow.</summary>
/// <remarks>
/// <para>
/// <b>How long.</b> A table of tags may come to 24 GiB. Address space is plenty, but others need it, too: all tables together reserve an
/// eighth of it at most, some 680 such ranges on 47 bits. A table that comes later gets a range of <see cref="Margin"/> times its length,
/// and moves when that is full. The same goes where the system has little: on 32 bits, with 39 bits, or under a limit (ulimit -v).
/// </para>
/// <para>
/// From <see cref="HugePages"/>' least on, what is committed ends where a huge page would, so that the system can give them. Elsewhere it
/// ends with a page.
/// </para>
/// </remarks>
internal static unsafe class TableRange
{
    /// <summary>Growing by doubling, that is six times. Otherwise arbitrary.</summary>
    public const nuint Margin = 64;

    private static long s_reserved;               // by all tables, in bytes

    /// <summary>Reserves a range.</summary>
    /// <param name="size">What is needed now, in bytes.</param>
    /// <param name="most">What may ever be needed.</param>
    /// <param name="start">Where it is.</param>
    /// <param name="reserved">How long it is: not less than <paramref name="size"/>.</param>
    /// <returns>False if the system has none.</returns>
    public static bool TryReserve(nuint size, ulong most, out byte* start, out nuint reserved) =>
        TryReserve(most, out start, out reserved) || TryReserve(ulong.Min(most, (ulong)size * Margin), out start, out reserved);

    /// <summary>Makes a part of a range readable and writable.</summary>
    /// <exception cref="OutOfMemoryException">There is no memory.</exception>
    public static void Commit(byte* start, nuint from, nuint to, nuint reserved)
    {
        byte* first = End(start, from, reserved);
        byte* end = End(start, to, reserved);
        if (end > first && MemorySystem.Commit(first, (nuint)(end - first)) != 0)
        {
            throw new InsufficientMemoryException($"There is no memory for a table of an arena to grow to {to} bytes.");
        }

        HugePages.AskFor(start, (nuint)(end - start));
    }

    /// <summary>Gives the memory of a range's end back. Where the system refuses, it stays, and is there for the next
    /// <see cref="Commit"/>.</summary>
    public static void Decommit(byte* start, nuint from, nuint to, nuint reserved)
    {
        byte* first = End(start, from, reserved);
        byte* end = End(start, to, reserved);
        if (end > first)
        {
            _ = MemorySystem.Decommit(first, (nuint)(end - first));
        }
    }

    /// <summary>Gives a range back. Where the system refuses, having as many mappings as may be, at least the memory goes.</summary>
    public static void Release(byte* start, nuint reserved)
    {
        if (MemorySystem.Release(start, reserved) == 0)
        {
            Interlocked.Add(ref s_reserved, -(long)reserved);
        }
        else
        {
            _ = MemorySystem.Decommit(start, reserved);
        }
    }

    private static bool TryReserve(ulong wanted, out byte* start, out nuint reserved)
    {
        start = null;
        reserved = 0;
        if (NativePages.MemorySystem is null)
        {
            return false;
        }

        nuint share = MemorySystem.Extent / 8;
        if (wanted > share)
        {
            return false;
        }

        nuint size = RoundUp((nuint)wanted, MemorySystem.Granularity);
        if (Interlocked.Add(ref s_reserved, (long)size) > (long)share || MemorySystem.Reserve(null, size, out void* place) != 0)
        {
            Interlocked.Add(ref s_reserved, -(long)size);
            return false;
        }

        start = (byte*)place;
        reserved = size;
        return true;
    }

    private static MemorySystem MemorySystem => NativePages.MemorySystem!;

    /// <summary>Where what is committed ends, if so many bytes are used.</summary>
    private static byte* End(byte* start, nuint used, nuint reserved)
    {
        nuint unit = used < HugePages.Least ? MemorySystem.PageSize : HugePages.Size;
        nuint rest = (0 - ((nuint)start + used)) & (unit - 1);             // no sum beyond the range: it may end where addresses do
        return start + nuint.Min(used + rest, reserved);
    }

    private static nuint RoundUp(nuint value, nuint unit) => (value + (unit - 1)) & ~(unit - 1);
}
