using System.Numerics;
using System.Runtime.CompilerServices;
using Vmem.Checks;

namespace Vmem.Segments;

/// <summary>The storage of an arena's boundary tags.</summary>
/// <remarks>
/// The paper's bootstrap problem, tags that must be allocated to allocate tags, does not arise: tags come from native memory, never from
/// the arena they describe. What remains of its rule: <see cref="Reserve"/> is called before an operation changes anything, so that
/// <see cref="Take"/> cannot fail halfway.
/// </remarks>
internal unsafe struct TagPool<T>
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    private NativeStore<Tag<T>> _store;
    private uint _unused;                         // head of the returned tags; the most recently returned is the likeliest to be cached
    private uint _fresh;                          // tags from here on have never been used
    private uint _available;                      // returned and never used ones together
    private uint _lost;                           // returned ones that are in no list since KeepBelow
    private uint _search;                         // where the next of these may be

    /// <summary>The bytes of the tags that have ever been used; what lies beyond them in the last chunk has never been touched.</summary>
    public readonly long Bytes => (long)_fresh * sizeof(Tag<T>);

    /// <summary>How many tags have ever been in use at once: those above were never written.</summary>
    public readonly uint HighWater => _fresh;

    /// <summary>Tags taken and not returned.</summary>
    public readonly long InUse => _store.Capacity == 0 ? 0 : _store.Capacity - 1 - _available - _lost;

    /// <summary>The tag that was returned last; 0 if all are taken again.</summary>
    public readonly uint LastReturned => _unused;

    /// <summary>Whether <see cref="Reserve"/> would have nothing to do.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly bool HasReserved(uint count) => _available >= count;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly Tag<T>* At(uint index) => _store.At(index);

    /// <summary>Makes sure that <paramref name="count"/> calls of <see cref="Take"/> will succeed. Throws
    /// <see cref="OutOfMemoryException"/>, having changed nothing.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Reserve(uint count)
    {
        if (_available < count)
        {
            Grow();
        }
    }

    /// <summary>The same, but false if there is no memory.</summary>
    public bool TryReserve(uint count)
    {
        try
        {
            Reserve(count);
            return true;
        }
        catch (OutOfMemoryException)
        {
            return false;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public uint Take()
    {
        Invariant.Assert(_available > 0, "tags are reserved before they are taken");
        _available--;
        uint index = _unused;
        if (index != 0)
        {
            Invariant.Assert(At(index)->Kind == TagKind.Unused, "what the pool holds is unused");
            _unused = At(index)->LinkA;
            return index;
        }

        return _fresh++;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Return(uint index)
    {
        Tag<T>* tag = At(index);
        Invariant.Assert(index != 0 && index < _fresh && tag->Kind != TagKind.Unused, "what is returned to the pool was taken from it");
        tag->Place(0, 0, TagKind.Unused);
        tag->LinkA = _unused;
        _unused = index;
        _available++;
    }

    public void Release()
    {
        _store.Release();
        _unused = 0;
        _fresh = 0;
        _available = 0;
        _lost = 0;
    }

    /// <summary>How many tags there must be room for at least, so that what is in use takes half of them at most.</summary>
    public readonly uint Need => Math.Max(NativeStore<Tag<T>>.FirstChunk, BitOperations.RoundUpToPowerOf2((uint)InUse * 2));

    public readonly uint Capacity => _store.Capacity;

    /// <summary>From now on tags below this are taken first; those above are lost until <see cref="TryShrink"/> gives their memory back, or
    /// the others have run out. O(bound).</summary>
    /// <returns>Whether none above is in use.</returns>
    public bool KeepBelow(uint bound)
    {
        Invariant.Assert(bound <= _fresh && bound <= _store.Capacity, "what is kept has been used");
        long inUse = InUse;
        uint used = 0;
        _unused = 0;
        _available = 0;
        for (uint index = bound - 1; index > 0; index--)
        {
            if (At(index)->Kind != TagKind.Unused)
            {
                used++;
                continue;
            }

            At(index)->LinkA = _unused;
            _unused = index;
            _available++;
        }

        _lost = _store.Capacity - 1 - _available - (uint)inUse;
        _search = bound;
        return used == inUse;
    }

    /// <summary>A tag that was taken goes, and into no list.</summary>
    public void Lose(uint index)
    {
        At(index)->Place(0, 0, TagKind.Unused);
        _lost++;
    }

    /// <summary>After <see cref="KeepBelow"/> has said that nothing above is in use: gives memory above back, a chunk at a time.</summary>
    /// <returns>The chunk, as <see cref="NativeStore{TItem}.TryShrink"/> gives it; null if that was all.</returns>
    public void* TryShrink(uint bound)
    {
        uint before = _store.Capacity;
        void* chunk = _store.TryShrink(bound);
        _lost -= before - _store.Capacity;
        _fresh = Math.Min(_fresh, _store.Capacity);
        return chunk;
    }

    /// <summary>The list is empty, or nearly so: lists lost tags again.</summary>
    private bool TryFindLost()
    {
        uint listed = _unused;
        uint found = 0;
        for (; _search < _fresh && found < NativeStore<Tag<T>>.FirstChunk; _search++)
        {
            if (At(_search)->Kind == TagKind.Unused && _search != listed)
            {
                At(_search)->LinkA = _unused;
                _unused = _search;
                found++;
            }
        }

        _available += found;
        _lost -= found;
        if (_search >= _fresh)
        {
            _available += _lost;                  // never used
            _lost = 0;
        }

        return _available >= NativeStore<Tag<T>>.FirstChunk;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Grow()
    {
        if (_lost > 0 && TryFindLost())
        {
            return;
        }

        uint before = _store.Capacity;
        if (before > Tag<T>.MaxIndex)
        {
            throw new InsufficientMemoryException($"An arena holds at most {Tag<T>.MaxIndex} segments and spans.");
        }

        _store.Grow();
        if (_fresh == 0)
        {
            _fresh = 1;                           // index 0 means "none"; the free lists rely on its tag's place and let it take stray writes
            *At(0) = default;
            At(0)->Start = T.MaxValue;
            before = 1;
        }

        _available += _store.Capacity - before;
    }
}
