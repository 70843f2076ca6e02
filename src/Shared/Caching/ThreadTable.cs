using System.Diagnostics.CodeAnalysis;
using System.Numerics;
using System.Runtime.CompilerServices;
using Vmem.Checks;

namespace Vmem.Caching;

/// <summary>An array from the number of a thread to what that thread has (<see cref="ThreadNumbers"/>).</summary>
/// <remarks>
/// Read without a lock, changed under the gate of its owner. An entry stays until it is removed: the array that replaces another has the
/// same entries. A reader may still have seen what was removed meanwhile: that must then refuse it. The caller says what stands for "none
/// yet". An owner that fills the array with an object of its own, instead of null, saves its readers a comparison.
/// </remarks>
internal struct ThreadTable<T>()
    where T : class
{
    private T?[] _entries = [];

    /// <summary>All entries, and what stands for none. Under the gate.</summary>
    public readonly ReadOnlySpan<T?> Entries => _entries;

    /// <summary>What a thread has.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    [return: NotNullIfNotNull(nameof(none))]
    public readonly T? Of(int thread, T? none)
    {
        T?[] entries = _entries;
        return (uint)thread < (uint)entries.Length ? entries[thread]! : none;
    }

    /// <summary>What a thread has; it gets it now if it has none. Under the gate. Throws <see cref="OutOfMemoryException"/>, having changed
    /// nothing.</summary>
    public T Join(int thread, T? none, Func<T> create)
    {
        Invariant.Assert(thread > 0, "a thread that joins has a number");
        if (Of(thread, none) is { } inherited && !ReferenceEquals(inherited, none))
        {
            return inherited;
        }

        // The array before the entry: what the thread makes next lies behind its entry, whose padding keeps it off the array. The other way
        // round the thread's first magazine lay beside the array that all threads read: two threads did a sixth of their work.
        T?[] entries = _entries;
        if (thread >= entries.Length)
        {
            // A power of two: n threads that come one by one cost O(n) copies in all.
            entries = new T?[(int)BitOperations.RoundUpToPowerOf2((uint)thread + 1)];
            entries.AsSpan(_entries.Length).Fill(none);
            _entries.CopyTo(entries, 0);
        }

        T entry = create();
        Volatile.Write(ref _entries, entries);
        Invariant.Assert(ReferenceEquals(_entries[thread], none), "an entry is set once");
        Volatile.Write(ref _entries[thread], entry);
        Invariant.Assert(ReferenceEquals(Of(thread, none), entry), "a thread that has joined finds its entry");
        return entry;
    }

    /// <summary>A thread has nothing from now on. Under the gate.</summary>
    public readonly void Remove(int thread, T? none) => Volatile.Write(ref _entries[thread], none);

    /// <summary>No thread has anything any more; the array stays. Under the gate.</summary>
    public readonly void RemoveAll(T? none) => _entries.AsSpan().Fill(none);

    /// <summary>Shortens the array if threads with high numbers have nothing any more. Under the gate.</summary>
    public void Trim(T? none)
    {
        int used = _entries.Length;
        while (used > 0 && ReferenceEquals(_entries[used - 1], none))
        {
            used--;
        }

        int length = used == 0 ? 0 : (int)BitOperations.RoundUpToPowerOf2((uint)used);
        if (length < _entries.Length)
        {
            Volatile.Write(ref _entries, _entries[..length]);
        }
    }

    /// <summary>No thread has anything from now on.</summary>
    public void Clear() => Volatile.Write(ref _entries, []);
}
