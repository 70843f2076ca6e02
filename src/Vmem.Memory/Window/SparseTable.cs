using Vmem.Checks;

namespace Vmem.Memory.Window;

/// <summary>A table that is reserved whole and committed where it is needed: an entry for each granule or page of much address space, of
/// which little is used.</summary>
/// <remarks>Rejected: zeroed memory from malloc. It is committed as a whole, and so counts against what the system promises and against
/// limits (RLIMIT_DATA), used or not.</remarks>
internal sealed unsafe class SparseTable : IDisposable
{
    /// <summary>How much is committed at once: arbitrary; no more than a call of the system in some hundred megabytes of blocks.</summary>
    private const int StepShift = 16;

    private readonly nuint _size;
    private readonly ulong[] _steps;              // which are committed, by bit

    /// <param name="bytes">How long it is.</param>
    /// <param name="isReadable">Whether what is not committed reads as zero; else it must not be touched.</param>
    /// <exception cref="OutOfMemoryException">There is no such address space.</exception>
    public SparseTable(nuint bytes, bool isReadable)
    {
        GrowthFault.ThrowIfDue();
        _size = (bytes + (1 << StepShift) - 1) >> StepShift << StepShift;
        _steps = new ulong[(_size >> StepShift >> 6) + 1];
        Start = (byte*)VirtualMemory.Reserve(_size);
        if (isReadable && !VirtualMemory.TryMakeReadable(Start, _size))
        {
            Dispose();
            throw new InsufficientMemoryException($"The system has no {_size} bytes for a heap's table.");
        }
    }

    public byte* Start { get; }

    /// <summary>Makes a part of it writable. False if there is no memory for it. One thread at a time.</summary>
    public bool TryCommit(nuint offset, nuint bytes)
    {
        Invariant.Assert(bytes > 0 && offset + bytes <= _size, "a part of the table is used");
        nuint last = (offset + bytes - 1) >> StepShift;
        for (nuint step = offset >> StepShift; step <= last; step++)
        {
            ref ulong word = ref _steps[step >> 6];
            ulong bit = 1ul << (int)(step & 63);
            if ((word & bit) == 0)
            {
                if (!VirtualMemory.TryCommit(Start + (step << StepShift), (nuint)1 << StepShift))
                {
                    return false;
                }

                word |= bit;
            }
        }

        return true;
    }

    /// <summary>Gives the memory of a part back, by whole steps. They read as zero; <see cref="TryCommit"/> makes them writable again. One
    /// thread at a time.</summary>
    /// <remarks>Not on Windows, where pages that can be read are committed pages.</remarks>
    public void Forget(nuint offset, nuint bytes)
    {
        Invariant.Assert(bytes > 0 && offset + bytes <= _size, "a part of the table is forgotten");
        nuint end = OperatingSystem.IsWindows() ? 0 : (offset + bytes) >> StepShift;
        for (nuint step = (offset + (1 << StepShift) - 1) >> StepShift; step < end; step++)
        {
            nuint first = step;
            while (step < end && IsCommitted(step))
            {
                step++;
            }

            byte* start = Start + (first << StepShift);
            nuint size = (step - first) << StepShift;
            if (size == 0)
            {
                continue;
            }

            VirtualMemory.Discard(start, size);
            if (VirtualMemory.TryMakeReadable(start, size))
            {
                for (nuint gone = first; gone < step; gone++)
                {
                    _steps[gone >> 6] &= ~(1ul << (int)(gone & 63));
                }
            }
        }
    }

    public void Dispose() => VirtualMemory.Release(Start, _size);

    private bool IsCommitted(nuint step) => (_steps[step >> 6] & (1ul << (int)(step & 63))) != 0;
}
