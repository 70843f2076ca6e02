using System.Numerics;
using System.Runtime.CompilerServices;
using Vmem.Checks;

namespace Vmem.Segments;

/// <summary>The storage of an arena's boundary tags.</summary>
/// <remarks>
/// The paper's bootstrap problem, tags that must be allocated to allocate tags, does not arise: tags come from native memory, never from
/// the arena they describe. What remains of its rule: <see cref="Grow"/> is called before an operation changes anything if
/// there are fewer than <see cref="MostTaken"/>, so that <see cref="Take"/> cannot fail halfway. Growing and shrinking may
/// move the tags: no address of one is kept across them.
/// </remarks>
internal unsafe struct TagPool<T>
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    /// <summary>How many tags an operation may take.</summary>
    public const uint MostTaken = 2;

    private const uint Fewest = 8;                // what an arena of three segments needs, and one beside each
    private const uint FoundAtATime = 64;         // arbitrary

    private GrowingBlock _block;
    private uint _unused;                         // head of the returned tags; the most recently returned is the likeliest to be cached
    private uint _fresh;                          // tags from here on have never been used
    private uint _bound;                          // there are no tags from here on
    private uint _available;                      // returned and never used ones together
    private uint _lost;                           // returned ones that are in no list since KeepBelow
    private uint _search;                         // where the next of these may be

    /// <summary>The bytes of the tags that have ever been used.</summary>
    public readonly long Bytes => _block.Taken(_fresh * (long)sizeof(Tag<T>));

    /// <summary>How many tags have ever been in use at once: those above were never written.</summary>
    public readonly uint HighWater => _fresh;

    /// <summary>Tags taken and not returned.</summary>
    public readonly long InUse => _bound == 0 ? 0 : _bound - 1 - _available - _lost;

    /// <summary>The tag that was returned last; 0 if all are taken again.</summary>
    public readonly uint LastReturned => _unused;

    /// <summary>Whether so many calls of <see cref="Take"/> will succeed.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly bool HasReserved(uint count) => _available >= count;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly Tag<T>* At(uint index) => (Tag<T>*)_block.Start + index;

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
        _block.Release();
        _unused = 0;
        _fresh = 0;
        _bound = 0;
        _available = 0;
        _lost = 0;
    }

    /// <summary>How many tags there must be room for at least, so that what is in use takes half of them at most.</summary>
    public readonly uint Need => Math.Max(Fewest, BitOperations.RoundUpToPowerOf2((uint)InUse * 2));

    /// <summary>How many tags may be in use at once.</summary>
    public readonly uint Most => Math.Max(_bound, 1) - 1;

    /// <summary>The same after <see cref="Grow"/>.</summary>
    public readonly uint NextMost => NextBound - 1;

    /// <summary>From now on tags below this are taken first; those above are lost until <see cref="Shrink"/> gives their memory back, or
    /// the others have run out. O(bound).</summary>
    /// <returns>Whether none above is in use.</returns>
    public bool KeepBelow(uint bound)
    {
        Invariant.Assert(bound <= _fresh && bound <= _bound, "what is kept has been used");
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

        _lost = _bound - 1 - _available - (uint)inUse;
        _search = bound;
        return used == inUse;
    }

    /// <summary>A tag that was taken goes, and into no list.</summary>
    public void Lose(uint index)
    {
        At(index)->Place(0, 0, TagKind.Unused);
        _lost++;
    }

    /// <summary>After <see cref="KeepBelow"/> has said that nothing above is in use: gives memory above back, or some of it.</summary>
    /// <returns>Whether that was all.</returns>
    public bool Shrink(uint bound)
    {
        uint left = (uint)(_block.Shrink(bound * (nuint)sizeof(Tag<T>)) / (nuint)sizeof(Tag<T>));
        _lost -= _bound - left;
        _bound = left;
        _fresh = Math.Min(_fresh, left);
        return left == bound;
    }

    /// <summary>Makes the tags of at least one operation available. Throws <see cref="OutOfMemoryException"/>, having changed
    /// nothing.</summary>
    /// <remarks>By a half and by a third in turn, as what else is needed for each tag (see <see cref="RowPlaces{T}"/>) takes more than a
    /// tag.</remarks>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public void Grow()
    {
        uint bound = NextBound;
        if (_bound > Tag<T>.MaxIndex)
        {
            throw new InsufficientMemoryException($"An arena holds at most {Tag<T>.MaxIndex} segments and spans.");
        }

        _block.Grow(bound * (nuint)sizeof(Tag<T>), (Tag<T>.MaxIndex + 1ul) * (ulong)sizeof(Tag<T>));
        if (_fresh == 0)
        {
            // Index 0 means "none". The free lists rely on its tag's place, and let it take stray writes.
            _fresh = 1;
            *At(0) = default;
            At(0)->Start = T.MaxValue;
            _bound = 1;
        }

        _available += bound - _bound;
        _bound = bound;
    }

    /// <summary>The next power of two, or three quarters of it.</summary>
    private readonly uint NextBound
    {
        get
        {
            uint power = BitOperations.RoundUpToPowerOf2(Math.Max(Fewest, _bound + 1));
            return power > Fewest && _bound < power / 4 * 3 ? power / 4 * 3 : power;
        }
    }

    /// <summary>The list is empty, or nearly so: lists lost tags again.</summary>
    /// <returns>Whether an operation's tags are available now.</returns>
    public bool TryFindLost()
    {
        if (_lost == 0)
        {
            return false;
        }

        uint listed = _unused;
        uint found = 0;
        for (; _search < _fresh && found < FoundAtATime; _search++)
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

        return HasReserved(MostTaken);
    }
}
