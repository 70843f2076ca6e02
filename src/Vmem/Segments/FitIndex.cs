using System.Numerics;
using System.Runtime.CompilerServices;

namespace Vmem.Segments;

/// <summary>The index of best fit without constraints: <see cref="SizeTrees{T}"/>, and how much of them is there.</summary>
internal unsafe struct FitIndex<T>
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    private SizeTrees<T>? _trees;
    private StepwiseBuild _build;

    /// <summary>log2 of the arena's quantum.</summary>
    public int QuantumShift { get; init; }

    public readonly SizeTrees<T>? Trees => _trees;

    public readonly bool IsBegun => _trees is not null;

    public readonly bool IsComplete => _build.IsComplete;

    /// <summary>Whether <see cref="SizeTrees{T}.Plant"/> is due.</summary>
    public readonly bool IsGrown
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => _trees is { Grown: not 0 };
    }

    public readonly long Bytes => _trees?.Bytes ?? 0;

    /// <summary>Whether it is never dropped for being idle.</summary>
    public bool IsKept { get; set; }

    private readonly bool IsIdle => _build.IsIdle && !IsKept;

    /// <summary>Whether <see cref="Reserve"/> would have nothing to do.</summary>
    public readonly bool HasReserve => _trees is null || (!IsIdle && _trees.HasReserved(2));

    /// <inheritdoc cref="FreeIndex{T, TOrder}.Ask"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Ask(in TagPool<T> tags, in FreeLists<T> lists)
    {
        if (!_build.IsComplete)
        {
            Step(tags, lists);
        }

        _build.NoteAsked(_trees!.Count);
    }

    /// <inheritdoc cref="FreeIndex{T, TOrder}.Reserve"/>
    public void Reserve()
    {
        if (IsIdle)
        {
            Drop();
        }

        _trees?.Reserve(2);
    }

    public void Add(T start, T size, uint tag)
    {
        _build.NoteChange();
        if (_build.Covers(tag))
        {
            _trees!.Add(start, size, tag);
        }
    }

    public void Remove(T start, T size, uint tag)
    {
        _build.NoteChange();
        if (_build.Covers(tag))
        {
            _trees!.Remove(start, size, tag);
        }
    }

    public void Replace(T oldStart, T oldSize, uint oldTag, T start, T size, uint tag)
    {
        if (_build.IsComplete)
        {
            _build.NoteChange();
            _trees!.Replace(oldStart, oldSize, oldTag, start, size, tag);
            return;
        }

        Remove(oldStart, oldSize, oldTag);
        Add(start, size, tag);
    }

    /// <summary>Gives the trees up. They may be begun again.</summary>
    public void Drop()
    {
        SizeTrees<T>? trees = _trees;
        if (trees is not null)
        {
            _trees = null;
            _build.GiveUp();
            GivenUp.Release(trees, trees.Bytes);
        }
    }

    /// <summary>Gives all memory back, now.</summary>
    public void Release()
    {
        _trees?.Release();
        _trees = null;
        _build = default;
    }

    /// <summary>Checks that the trees hold every free segment that is covered, and nothing else. O(n).</summary>
    public readonly void Validate(TagPool<T> tags)
    {
        StepwiseBuild build = _build;
        _trees?.Validate(tags, index => build.Covers(index));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Step(in TagPool<T> tags, in FreeLists<T> lists)
    {
        try
        {
            SizeTrees<T> trees = _trees ??= new SizeTrees<T>(QuantumShift);
            uint end = _build.BeginStep(tags.HighWater);
            for (uint index = _build.Frontier; index < end; index++)
            {
                Tag<T>* tag = tags.At(index);
                if (tag->Kind == TagKind.Free)
                {
                    trees.Reserve(1);
                    trees.Add(tag->Start, tags.At(tag->Next)->Start - tag->Start, index);
                    if (IsGrown)
                    {
                        trees.Plant(tags, lists, index);
                    }
                }

                _build.Cover();
            }

            trees.Reserve(2);
            _build.EndStep(tags.HighWater);
            if (_build.IsComplete)
            {
                trees.UseLists();
            }
        }
        catch (OutOfMemoryException)
        {
            Drop();
            throw;
        }
    }
}
