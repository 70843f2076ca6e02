using System.Runtime.CompilerServices;

namespace Vmem.Memory.Window;

/// <summary>By granule of the address window: whose it is, and what lies there.</summary>
/// <remarks>
/// <para>
/// An entry of four bytes has the owner's number above, and below the class of the slab that covers the granule. One load tells a free
/// both: that the block is this heap's, and which magazine it goes to. A line of the table, 64 bytes, stands for 1 MiB of memory. Where
/// nothing was ever handed out, it reads as zero, which is nobody's.
/// </para>
/// <para>
/// A second table has what only slower paths need: an address of the owner's, such as that of a slab's record.
/// </para>
/// <para>
/// Rejected: an entry of one byte, and the owner in a table beside it. A free would need two loads to know whose the block is, or would not
/// know. Rejected: a table of two levels, for many windows that lie anywhere: a dependent load more in every free. Here windows lie within
/// one cover, whose table is mostly address space.
/// </para>
/// </remarks>
internal sealed unsafe class GranuleTable : IDisposable
{
    /// <summary>What slabs are aligned to and made of.</summary>
    public const int GranuleShift = 16;

    public const nuint Granule = 1 << GranuleShift;

    /// <summary>An entry is the owner's number, shifted by so much, and a class.</summary>
    public const int OwnerShift = 8;

    /// <summary>One more than the highest owner's number.</summary>
    public const int Owners = 1 << (32 - OwnerShift);

    private readonly nuint _start;
    private readonly nuint _granules;
    private readonly SparseTable _entryTable;
    private readonly SparseTable _recordTable;
    private readonly void** _records;

    /// <param name="start">Where the first granule starts.</param>
    /// <param name="size">How much it covers, in whole granules.</param>
    public GranuleTable(nuint start, nuint size)
    {
        _start = start;
        _granules = size >> GranuleShift;
        _entryTable = new SparseTable(_granules * sizeof(uint), isReadable: true);
        try
        {
            _recordTable = new SparseTable(_granules * (nuint)sizeof(void*), isReadable: false);
        }
        catch
        {
            _entryTable.Dispose();
            throw;
        }

        Entries = (uint*)_entryTable.Start;
        _records = (void**)_recordTable.Start;
    }

    public uint* Entries { get; }

    public nuint Granules => _granules;

    /// <summary>The class in an entry. A load of its own, so that the way to the magazine does not wait for the owner to be
    /// compared.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static byte ClassOf(uint* entry) => *((byte*)entry + (BitConverter.IsLittleEndian ? 0 : sizeof(uint) - 1));

    /// <summary>What stands for the granule that an address is in; 0 for any that is nobody's.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public uint EntryAt(nuint address)
    {
        nuint granule = (address - _start) >> GranuleShift;
        return granule < _granules ? Entries[granule] : 0;
    }

    /// <summary>The record of the granule that an address is in: of one whose entry says that there is one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void* RecordAt(nuint address) => _records[(address - _start) >> GranuleShift];

    /// <summary>Memory for the entries of granules that are to be handed out. False if there is none. One thread at a time.</summary>
    public bool TryCommit(nuint start, nuint size)
    {
        nuint first = (start - _start) >> GranuleShift;
        nuint count = size >> GranuleShift;
        return _entryTable.TryCommit(first * sizeof(uint), count * sizeof(uint))
            && _recordTable.TryCommit(first * (nuint)sizeof(void*), count * (nuint)sizeof(void*));
    }

    /// <summary>Sets whose whole granules are, and what lies in them. Records that go with another entry may be left behind.</summary>
    public void Set(nuint start, nuint size, uint entry) =>
        new Span<uint>(Entries + ((start - _start) >> GranuleShift), checked((int)(size >> GranuleShift))).Fill(entry);

    /// <summary>The same with a record.</summary>
    public void Set(nuint start, nuint size, uint entry, void* record)
    {
        nuint granule = (start - _start) >> GranuleShift;
        for (nuint end = granule + (size >> GranuleShift); granule < end; granule++)
        {
            _records[granule] = record;
            Volatile.Write(ref Entries[granule], entry);
        }
    }

    public void Dispose()
    {
        _entryTable.Dispose();
        _recordTable.Dispose();
    }
}
