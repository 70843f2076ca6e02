using Vmem.Segments;

namespace Vmem.Space;

// What callers say about their ranges.
internal sealed partial class Space<T>
{
    /// <summary>What a request wants to be kept.</summary>
    /// <exception cref="ArgumentException">The arena does not keep it.</exception>
    public RangeNote NoteOf(in RangeConstraints<T> constraints)
    {
        if (constraints.Tag != 0 && !IsTagged)
        {
            throw new ArgumentException($"Arena '{Name}' keeps no tags: ArenaOptions.Tagged is not set.", nameof(constraints));
        }

        if (constraints.Kind != 0 && !HasKinds)
        {
            throw new ArgumentException($"Arena '{Name}' knows no kinds: ArenaOptions.KindGranularity is not set.", nameof(constraints));
        }

        return new RangeNote(constraints.Tag, constraints.Kind);
    }

    /// <summary>As much of what another arena, or a snapshot, says about a range as this one keeps.</summary>
    public RangeNote NoteOf(ulong tag, int kind) => new(IsTagged ? tag : 0, HasKinds ? kind : 0);

    /// <summary>Changes the tag of a live range, by its boundary tag.</summary>
    public void SetTag(uint index, ulong tag)
    {
        AssertHeld();
        ref RangeNote note = ref Map.Notes![index];
        note = note with { Tag = tag };
    }
}
