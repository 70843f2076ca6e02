using System.Numerics;
using System.Runtime.CompilerServices;
using Vmem.Checks;

namespace Vmem.Segments;

/// <summary>One index over the free segments: a tree, and how much of it is there.</summary>
/// <remarks>A large tree is given back on another thread: the system frees its pages one by one, and the arena would wait. It is no longer
/// the arena's by then.</remarks>
internal unsafe struct FreeIndex<T, TOrder>
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
    where TOrder : IRangeOrder<T>
{
    /// <summary>The most that a thread gives back which wants something else. Arbitrary: some microseconds.</summary>
    private const long ReleasedAtOnce = 64 << 10;

    private RangeTree<T, TOrder>? _tree;
    private StepwiseBuild _build;

    /// <summary>The tree; null if none is begun.</summary>
    public readonly RangeTree<T, TOrder>? Tree => _tree;

    public readonly bool IsBegun => _tree is not null;

    public readonly bool IsComplete => _build.IsComplete;

    public readonly bool IsIdle => _build.IsIdle;

    public readonly long Bytes => _tree?.Bytes ?? 0;

    /// <summary>Whether <see cref="Reserve"/> would have nothing to do.</summary>
    public readonly bool HasReserve => _tree is null || (!_build.IsIdle && _tree.HasReserved(2));

    /// <summary>Notes that an answer is wanted, and takes a step towards it if the index is not complete.</summary>
    /// <exception cref="OutOfMemoryException">The index has been given up.</exception>
    public void Ask(in TagPool<T> tags)
    {
        if (!_build.IsComplete)
        {
            Step(tags);
        }

        _build.NoteAsked(_tree!.Count);
    }

    /// <summary>Makes sure that two insertions need no memory, or that there is no tree: one that is idle is dropped.</summary>
    /// <exception cref="OutOfMemoryException">Nothing was changed.</exception>
    public void Reserve()
    {
        if (_build.IsIdle)
        {
            Drop();
        }

        _tree?.Reserve(2);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add(T start, T size, uint tag)
    {
        _build.NoteChange();
        if (_build.Covers(tag))
        {
            _tree!.Insert(TOrder.KeyOf(start, size), TOrder.ValueOf(start, size), tag);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Remove(T start, T size, uint tag)
    {
        _build.NoteChange();
        if (_build.Covers(tag))
        {
            _tree!.Remove(TOrder.KeyOf(start, size), TOrder.ValueOf(start, size));
        }
    }

    /// <summary>A free segment has changed its start, its size or its tag, and no other lies between what it was and what it is.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Replace(T oldStart, T oldSize, uint oldTag, T start, T size, uint tag)
    {
        if (TOrder.IsByStart && _build.Covers(oldTag) && _build.Covers(tag))
        {
            _build.NoteChange();
            _tree!.Replace(oldStart, oldSize, start, size, tag);
            return;
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
        _build.GiveUp();

        try
        {
            if (tree.Bytes > ReleasedAtOnce && ThreadPool.UnsafeQueueUserWorkItem(static tree => tree.Release(), tree, preferLocal: false))
            {
                return;
            }
        }
        catch (OutOfMemoryException)
        {
            // There is no memory to ask another thread.
        }

        tree.Release();
    }

    /// <summary>Gives all memory back, now.</summary>
    public void Release()
    {
        _tree?.Release();
        _tree = null;
        _build = default;
    }

    /// <summary>Checks that the tree holds every free segment that is covered, and nothing else. O(n).</summary>
    public readonly void Validate(TagPool<T> tags, long freeSegments)
    {
        long covered = IsComplete ? freeSegments : 0;
        for (uint index = 1; index < tags.HighWater && !IsComplete; index++)
        {
            covered += tags.At(index)->Kind == TagKind.Free && _build.Covers(index) ? 1 : 0;
        }

        _tree?.Validate((key, value, index) =>
        {
            Tag<T>* tag = tags.At(index);
            T size = tags.At(tag->Next)->Start - tag->Start;
            bool matches = tag->Kind == TagKind.Free && TOrder.KeyOf(tag->Start, size) == key && TOrder.ValueOf(tag->Start, size) == value;
            Invariant.Hold(matches, "an index tells the truth about free segments", $"entry ({key}, {value})");
        });
        long entries = _tree?.Count ?? 0;
        Invariant.Hold(entries == covered, "an index holds every free segment that it covers", $"{entries} of {covered}");
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Step(in TagPool<T> tags)
    {
        try
        {
            RangeTree<T, TOrder> tree = _tree ??= new RangeTree<T, TOrder>();
            uint end = _build.BeginStep(tags.HighWater);
            for (uint index = _build.Frontier; index < end; index++)
            {
                Tag<T>* tag = tags.At(index);
                if (tag->Kind == TagKind.Free)
                {
                    T size = tags.At(tag->Next)->Start - tag->Start;
                    tree.Reserve(1);
                    tree.Insert(TOrder.KeyOf(tag->Start, size), TOrder.ValueOf(tag->Start, size), index);
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
