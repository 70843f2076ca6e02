using System.Numerics;
using Vmem.Checks;

namespace Vmem.Segments;

/// <summary>How many free segments each free list has, as long as somebody asks: built in steps, and gone again, as an index is.</summary>
/// <remarks>Lists have no counters: every operation would pay for them. A question about how many there are walks along the lists. Only if
/// it walks far does it ask for these.</remarks>
internal unsafe struct ListCounts<T>
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    private uint[]? _counts;
    private StepwiseBuild _build;

    /// <summary>log2 of the arena's quantum.</summary>
    public int QuantumShift { get; init; }

    public readonly bool IsBegun => _build.IsBegun;

    public readonly long Bytes => (_counts?.Length ?? 0) * sizeof(uint);

    /// <summary>Whether <see cref="Reserve"/> would have nothing to do.</summary>
    public readonly bool HasReserve => !_build.IsBegun || !_build.IsIdle;

    /// <summary>Notes that an answer is wanted, and takes a step towards it if the counts are not complete.</summary>
    /// <returns>Whether they are complete.</returns>
    public bool TryAsk(in TagPool<T> tags)
    {
        if (!_build.IsComplete)
        {
            Step(tags);
        }

        _build.NoteAsked(tags.HighWater);
        return _build.IsComplete;
    }

    /// <summary>How many free segments there are in this list and those above it.</summary>
    public readonly long From(int sizeClass)
    {
        long sum = 0;
        foreach (uint count in _counts.AsSpan(sizeClass))
        {
            sum += count;
        }

        return sum;
    }

    /// <summary>Counts that are idle are dropped. They never need memory for a change.</summary>
    public void Reserve()
    {
        if (_build.IsBegun && _build.IsIdle)
        {
            _counts = null;
            _build.GiveUp();
        }
    }

    public void Add(T size, uint tag) => Change(size, tag, 1);

    public void Remove(T size, uint tag) => Change(size, tag, uint.MaxValue);

    /// <summary>Checks the counts of what is covered. O(n).</summary>
    public readonly void Validate(TagPool<T> tags)
    {
        if (_counts is null)
        {
            return;
        }

        uint[] counts = [.. _counts];
        for (uint index = 1; index < tags.HighWater; index++)
        {
            if (tags.At(index)->Kind == TagKind.Free && _build.Covers(index))
            {
                counts[ClassOf(tags, index)]--;
            }
        }

        Invariant.Hold(!counts.AsSpan().ContainsAnyExcept(0u), "the members of free lists are counted", $"one of {counts.Length} counts is wrong");
    }

    private readonly int ClassOf(in TagPool<T> tags, uint index)
    {
        Tag<T>* tag = tags.At(index);
        return SizeClass.Of((tags.At(tag->Next)->Start - tag->Start) >> QuantumShift);
    }

    private void Change(T size, uint tag, uint by)
    {
        if (_build.IsBegun)
        {
            _build.NoteChange();
            if (_build.Covers(tag))
            {
                _counts![SizeClass.Of(size >> QuantumShift)] += by;
            }
        }
    }

    private void Step(in TagPool<T> tags)
    {
        uint[] counts = _counts ??= new uint[SizeClass.Of(T.MaxValue >> QuantumShift) + 1];
        uint end = _build.BeginStep(tags.HighWater);
        for (uint index = _build.Frontier; index < end; index++)
        {
            if (tags.At(index)->Kind == TagKind.Free)
            {
                counts[ClassOf(tags, index)]++;
            }

            _build.Cover();
        }

        _build.EndStep(tags.HighWater);
    }
}
