using System.Runtime.InteropServices;
using Vmem.Checks;
using Vmem.Memory.Poisoning;

namespace Vmem.Memory.Isolation;

/// <summary>The memory of a context's block, by granule: who may have written to it last, and so what must be done before another client
/// gets it; and what the system and the budget know of it.</summary>
/// <remarks>
/// A granule that nobody has written to is zero and takes no memory. It is charged to the budget when a client gets it, and taken off when
/// its memory has gone back: which is possible where the block is the context's own and granules are whole pages. Of other blocks nothing
/// goes back, and only those of the context's own are charged, whole.
/// </remarks>
internal sealed unsafe class ContextPages
{
    /// <summary>The writer of a granule whose contents are not known.</summary>
    private const ulong Unknown = ulong.MaxValue;

    // From here on fresh pages come sooner than cleared ones, and what the client does not touch takes no memory.
    private const nuint LeastFresh = 32 << 20;

    private readonly ContextMap _map;
    private readonly MemoryBudget? _budget;       // null: the block is somebody else's
    private nuint _whole;                         // charged for the block as such
    private readonly ulong[] _writers;
    private nuint _charged;
    private ulong _bytesZeroed;
    private int _refusals;

    /// <exception cref="OutOfMemoryException">The budget does not allow the block.</exception>
    public ContextPages(ContextBlock block, ContextMap map, MemoryBudget budget)
    {
        _map = map;
        _budget = block.IsOwned ? budget : null;
        GoesBack = block.IsOwned && map.Geometry.Granule % VirtualMemory.PageSize == 0 && !OperatingSystem.IsWindows();
        _writers = new ulong[map.Granules.Length];
        if (!block.IsZeroed)
        {
            Array.Fill(_writers, Unknown);
        }

        if (block.IsOwned && !GoesBack && !budget.TryCharge(_whole = block.Size))
        {
            throw new InsufficientMemoryException($"A context of {block.Size} bytes is more than {nameof(MemoryBudget)}.{nameof(MemoryBudget.Limit)} leaves: {budget.Charged} of {budget.Limit} bytes are in use.");
        }
    }

    /// <summary>Whether memory that no client holds can go back to the system.</summary>
    public bool GoesBack { get; }

    public int Granules => _writers.Length;

    /// <summary>How often the budget allowed no memory.</summary>
    public int Refusals => Volatile.Read(ref _refusals);

    /// <summary>Bytes zeroed because somebody else had written to them.</summary>
    public ulong BytesZeroed => Interlocked.Read(ref _bytesZeroed);

    /// <summary>Bytes of granules that may take memory, where it can go back.</summary>
    public nuint Charged => _charged;

    /// <summary>Bytes of granules whose memory has gone back to the system, all together.</summary>
    public nuint Decommitted { get; private set; }

    /// <summary>Charges what of granules that a client is to get has no memory yet. False if the budget does not allow it. Under the
    /// gate.</summary>
    public bool TryCharge(nuint offset, nuint size)
    {
        nuint clean = GoesBack ? CountClean(offset, size) : 0;
        if (clean > 0 && !_budget!.TryCharge(clean))
        {
            _refusals++;
            return false;
        }

        _charged += clean;
        return true;
    }

    /// <summary>Charges what the block becomes longer, where nothing goes back. False if the budget does not allow it. Under the
    /// gate.</summary>
    public bool TryGrow(nuint more)
    {
        nuint charge = GoesBack ? 0 : more;
        bool isAllowed = charge == 0 || _budget!.TryCharge(charge);
        _whole += isAllowed ? charge : 0;
        _refusals += isAllowed ? 0 : 1;
        return isAllowed;
    }

    /// <summary>Takes back what <see cref="TryGrow"/> has charged. Under the gate.</summary>
    public void Shrink(nuint less)
    {
        nuint charge = GoesBack ? 0 : less;
        _whole -= charge;
        _budget?.Uncharge(charge);
    }

    /// <summary>Takes back what <see cref="TryCharge"/> has charged, as nobody got the granules. Under the gate.</summary>
    public void Uncharge(nuint offset, nuint size)
    {
        nuint clean = GoesBack ? CountClean(offset, size) : 0;
        _charged -= clean;
        _budget?.Uncharge(clean);
    }

    /// <summary>Brings the memory into the state that the features promise, wipes the blocks of whoever had it before from the map, and
    /// notes who may write to it from now on. True if every byte is zero.</summary>
    public bool Initialize(ulong client, MemoryContextFeatures features, nuint offset, nuint size)
    {
        ContextGeometry geometry = _map.Geometry;

        // HasFlag would box until the JIT has optimised this method.
        bool poisons = (features & MemoryContextFeatures.PoisonOnFree) != 0;
        bool zeroes = (features & MemoryContextFeatures.ZeroOnHandOver) != 0 && !poisons;
        bool renews = zeroes && GoesBack && size >= LeastFresh;
        bool isZero = !poisons;
        for (nuint end = offset + size; offset < end; offset += geometry.Granule)
        {
            ref ulong writer = ref _writers[offset >> geometry.GranuleShift];
            if (writer != client && writer is not (0 or Unknown))
            {
                WipeBlocks(offset, geometry.Granule);
            }

            if (poisons)
            {
                Pattern.Fill(_map.Start + offset, _map.Start + offset + geometry.Granule, Pattern.Freed);
            }
            else if (writer != 0 && zeroes && writer != client)
            {
                if (renews)
                {
                    VirtualMemory.Discard((void*)(_map.Start + offset), geometry.Granule);
                }
                else
                {
                    NativeMemory.Clear((void*)(_map.Start + offset), geometry.Granule);
                }

                Interlocked.Add(ref _bytesZeroed, geometry.Granule);
            }
            else
            {
                isZero &= writer == 0;
            }

            writer = client;
        }

        return isZero;
    }

    /// <summary>Gives the memory of granules that no client holds back to the system. Under the gate, which others wait for: so one run of
    /// them at a time, and not a long one.</summary>
    /// <param name="granule">Where to look; then, where to look next; past the last one, if all were looked at.</param>
    /// <returns>How many bytes went back.</returns>
    public nuint DiscardNext(ref int granule)
    {
        const int MostLooks = 4_096;              // both arbitrary: small against what others would notice
        const nuint MostBytes = 2 << 20;
        int shift = _map.Geometry.GranuleShift;
        int last = Math.Min(granule + MostLooks, _writers.Length);
        while (granule < last && !IsIdle(granule))
        {
            granule++;
        }

        int first = granule;
        last = Math.Min(first + (int)nuint.Max(MostBytes >> shift, 1), last);
        while (granule < last && IsIdle(granule))
        {
            granule++;
        }

        nuint offset = (nuint)first << shift;
        nuint size = (nuint)(granule - first) << shift;
        if (size > 0)
        {
            VirtualMemory.Discard((void*)(_map.Start + offset), size);
            WipeBlocks(offset, size);
            _writers.AsSpan(first, granule - first).Clear();
            _charged -= size;
            Decommitted += size;
            _budget!.Uncharge(size);
        }

        return size;
    }

    /// <summary>The context has ended, and its block is gone.</summary>
    public void End() => _budget?.Uncharge(_whole + _charged);

    private bool IsIdle(int granule) => _map.Granules[granule] is null && _writers[granule] != 0;

    private void WipeBlocks(nuint offset, nuint size) =>
        _map.Blocks.Clear(offset >> _map.Geometry.UnitShift, size >> _map.Geometry.UnitShift);

    private nuint CountClean(nuint offset, nuint size)
    {
        int shift = _map.Geometry.GranuleShift;
        int clean = _writers.AsSpan((int)(offset >> shift), (int)(size >> shift)).Count(0ul);
        return (nuint)clean << shift;
    }
}
