using System.Numerics;
using System.Runtime.InteropServices;
using Vmem.Platform;

namespace Vmem.Leasing.Journals;

/// <summary>Notes in memory: many of them, for a short time.</summary>
/// <remarks>It is native memory, on huge pages where the system has them. A program that starts touches each page of it for the first
/// time, and on a virtual machine that takes longer than what is done with the notes. Rejected: a list, each page of which is a
/// fault.</remarks>
internal sealed unsafe class NoteBuffer<T> : IDisposable
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    private const nuint HugePage = 2 << 20;

    private static readonly MemorySystem? s_system = MemorySystem.IsKnown ? MemorySystem.Choose() : null;

    private JournalNote<T>* _start;
    private int _capacity;

    /// <summary>How many there are.</summary>
    public int Count { get; private set; }

    public Span<JournalNote<T>> Notes => new(_start, Count);

    /// <summary>Makes it longer.</summary>
    /// <returns>The new part, whose contents are undefined.</returns>
    public Span<JournalNote<T>> Extend(int count)
    {
        int end = checked(Count + count);
        if (end > _capacity)
        {
            Grow(Math.Max(end, (int)Math.Min(2L * _capacity, Array.MaxLength)));
        }

        Span<JournalNote<T>> added = new(_start + Count, count);
        Count = end;
        return added;
    }

    /// <summary>Adds the note of an allocation.</summary>
    public void Add(T start, T size) => Extend(1)[0] = new JournalNote<T>(start, size, Count - 1, isFree: false);

    /// <summary>Makes it shorter.</summary>
    public void Cut(int count) => Count = count;

    public void Dispose()
    {
        NativeMemory.AlignedFree(_start);
        _start = null;
        _capacity = Count = 0;
    }

    private void Grow(int capacity)
    {
        nuint bytes = checked((nuint)capacity * (nuint)sizeof(JournalNote<T>));
        bool isHuge = bytes >= 2 * HugePage;
        void* larger = NativeMemory.AlignedAlloc(bytes, isHuge ? HugePage : (nuint)sizeof(UInt128));
        if (isHuge)
        {
            _ = s_system?.AdviseHuge(larger, bytes);           // a wish: without them it is slower
        }

        Notes.CopyTo(new Span<JournalNote<T>>(larger, capacity));
        NativeMemory.AlignedFree(_start);
        _start = (JournalNote<T>*)larger;
        _capacity = capacity;
    }
}
