using System.Numerics;
using System.Runtime.CompilerServices;
using Vmem.Checks;

namespace Vmem.Segments;

/// <summary>One index over the free segments: a tree, and how much of it is there.</summary>
/// <remarks>
/// It may be for an alignment: by address the value of a segment is then not its size but its room, the largest request that it has a
/// place for; by size (<see cref="BySizeWithRoom{T}"/>) the tree knows the largest room of each subtree. A segment without room is in
/// neither.
/// </remarks>
internal unsafe struct FreeIndex<T, TOrder>
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
    where TOrder : IRangeOrder<T>
{
    private RangeTree<T, TOrder>? _tree;
    private StepwiseBuild _build;
    private TreeExtras _extras;                   // of the tree, or of the next one

    /// <summary>The tree; null if none is begun.</summary>
    public readonly RangeTree<T, TOrder>? Tree => _tree;

    /// <summary>What it is for; the default value: every free segment as it is.</summary>
    public Alignment<T> Alignment { get; init; }

    public readonly bool IsBegun => _tree is not null;

    public readonly bool IsComplete => _build.IsComplete;

    /// <summary>Whether it is never dropped for being idle.</summary>
    public bool IsKept { get; set; }

    private readonly bool IsIdle => _build.IsIdle && !IsKept;

    public readonly long Bytes => _tree?.Bytes ?? 0;

    /// <summary>Whether <see cref="Reserve"/> would have nothing to do.</summary>
    public readonly bool HasReserve => _tree is null || (!IsIdle && _tree.HasReserved(2));

    /// <summary>Notes that an answer is wanted, and takes a step towards it if the index is not complete.</summary>
    /// <exception cref="OutOfMemoryException">The index has been given up.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Ask(in TagPool<T> tags)
    {
        if (!_build.IsComplete)
        {
            Step(tags);
        }

        _build.NoteAsked(_tree!.Count);
    }

    /// <summary>Has the tree be one that knows these, too. Another is given up.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Want(TreeExtras extras)
    {
        if ((_extras & extras) != extras)
        {
            extras |= _extras;
            Drop();
            _extras = extras;
        }
    }

    /// <summary>Makes sure that two insertions need no memory, or that there is no tree: one that is idle is dropped.</summary>
    /// <exception cref="OutOfMemoryException">Nothing was changed.</exception>
    public void Reserve()
    {
        if (IsIdle)
        {
            Drop();
        }

        _tree?.Reserve(2);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add(T start, T size, uint tag)
    {
        _build.NoteChange();
        if (_build.Covers(tag) && HasRoom(start, size, out T value))
        {
            _tree!.Insert(KeyOf(start, size), value, tag);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Remove(T start, T size, uint tag)
    {
        _build.NoteChange();
        if (_build.Covers(tag) && HasRoom(start, size, out T value))
        {
            _tree!.Remove(KeyOf(start, size), value);
        }
    }

    /// <summary>A free segment has changed its start, its size or its tag, and no other lies between what it was and what it is.</summary>
    public void Replace(T oldStart, T oldSize, uint oldTag, T start, T size, uint tag)
    {
        if (TOrder.IsByStart && _build.Covers(oldTag) && _build.Covers(tag))
        {
            if (HasRoom(oldStart, oldSize, out T oldValue) & HasRoom(start, size, out T value))
            {
                _build.NoteChange();
                _tree!.Replace(oldStart, oldValue, start, value, tag);
                return;
            }
        }

        Remove(oldStart, oldSize, oldTag);
        Add(start, size, tag);
    }

    /// <summary>Gives the tree up. It may be begun again.</summary>
    public void Drop()
    {
        RangeTree<T, TOrder>? tree = _tree;
        if (tree is null)
        {
            return;
        }

        _tree = null;
        _extras = TreeExtras.None;
        _build.GiveUp();

        GivenUp.Release(tree, tree.Bytes);
    }

    /// <summary>Gives all memory back, now.</summary>
    public void Release()
    {
        _tree?.Release();
        _tree = null;
        _build = default;
    }

    /// <summary>Checks that the tree holds every free segment that is covered, and nothing else. O(n).</summary>
    public readonly void Validate(TagPool<T> tags)
    {
        long covered = 0;
        for (uint index = 1; index < tags.HighWater; index++)
        {
            Tag<T>* tag = tags.At(index);
            covered += tag->Kind == TagKind.Free && _build.Covers(index) && HasRoom(tag->Start, SizeOf(tags, tag), out _) ? 1 : 0;
        }

        FreeIndex<T, TOrder> self = this;
        _tree?.Validate((key, value, index) =>
        {
            Tag<T>* tag = tags.At(index);
            T size = SizeOf(tags, tag);
            bool matches = tag->Kind == TagKind.Free && KeyOf(tag->Start, size) == key
                && self.HasRoom(tag->Start, size, out T expected) && expected == value;
            Invariant.Hold(matches, "an index tells the truth about free segments", $"entry ({key}, {value})");
        });
        long entries = _tree?.Count ?? 0;
        Invariant.Hold(entries == covered, "an index holds every free segment that it covers", $"{entries} of {covered}");
    }

    private static T SizeOf(in TagPool<T> tags, Tag<T>* tag) => tags.At(tag->Next)->Start - tag->Start;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T KeyOf(T start, T size) => TOrder.IsByStart ? start : size;

    /// <summary>Whether a segment is in the tree, and with which value.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly bool HasRoom(T start, T size, out T value)
    {
        if (!TOrder.IsByStart && !TOrder.HasRooms)
        {
            value = start;
            return true;
        }

        T room = Alignment.RoomIn(start, size);
        value = TOrder.IsByStart ? room : start;
        return !T.IsZero(room);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Step(in TagPool<T> tags)
    {
        try
        {
            RangeTree<T, TOrder> tree = _tree ??= new RangeTree<T, TOrder>(_extras, alignment: Alignment);
            uint end = _build.BeginStep(tags.HighWater);
            for (uint index = _build.Frontier; index < end; index++)
            {
                Tag<T>* tag = tags.At(index);
                if (tag->Kind == TagKind.Free)
                {
                    T size = tags.At(tag->Next)->Start - tag->Start;
                    if (HasRoom(tag->Start, size, out T value))
                    {
                        tree.Reserve(1);
                        tree.Insert(KeyOf(tag->Start, size), value, index);
                    }
                }

                _build.Cover();
            }

            tree.Reserve(2);
            _build.EndStep(tags.HighWater);
        }
        catch (OutOfMemoryException)
        {
            Drop();
            throw;
        }
    }
}
