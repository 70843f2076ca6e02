using System.Numerics;
using Vmem.Ranges;
using Vmem.Segments;
using Vmem.Space;

namespace Vmem;

/// <summary>The segments of an arena at one moment, copied, to try moves in.</summary>
/// <remarks>It is no arena: no list and no metric has it, and nobody is told of what fails in it, or is left in it at the end. Used by one
/// thread.</remarks>
internal sealed class Rehearsal<T> : IDisposable
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    private readonly Space<T> _space;

    /// <summary>Copies an arena. What nobody can have there is allocated here.</summary>
    public Rehearsal(ArenaPicture<T> picture)
    {
        _space = new Space<T>("rehearsal", picture.Quantum,
            new ArenaOptions<T> { SingleThreaded = true, KindGranularity = picture.KindGranularity });
        try
        {
            Copy(picture);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Allocates a range, or returns false if it fits nowhere.</summary>
    /// <exception cref="ArgumentException">The constraints contradict each other or the quantum.</exception>
    public bool TryTake(T size, in RangeConstraints<T> constraints, FitPolicy policy, out T start)
    {
        Request<T>.CheckConstraints(size, constraints, _space.Quantum);
        RangeNote note = _space.NoteOf(constraints);
        var request = new Request<T>(new Placement<T>(size, constraints, _space.Quantum, note.Kind), policy, note: note);
        bool isTaken = _space.TryTake(request, out Grant<T> grant);
        start = grant.Start;
        return isTaken;
    }

    /// <summary>Takes whatever is free of the quanta that a window lies in.</summary>
    public void Withhold(T first, T last)
    {
        first = Multiples<T>.Down(first, _space.Quantum);
        last = Multiples<T>.Down(last, _space.Quantum) + (_space.Quantum - T.One);
        T taken = T.Zero;
        for (bool isDone = false; !isDone;)
        {
            int count = 0;
            using Visit<T> visit = _space.Visit();
            isDone = _space.TakeFree(ref first, last, [], ref count, ref taken, site: null);
        }
    }

    public void Dispose()
    {
        using Visit<T> visit = _space.VisitEvenEnded();
        _space.ReleaseTables();
    }

    private void Copy(ArenaPicture<T> picture)
    {
        using Visit<T> visit = _space.Visit();
        uint free = 0;
        foreach (Segment<T> segment in picture.Segments)
        {
            if (segment.Kind == SegmentKind.Span)
            {
                free = picture.IsWhole ? _space.RestoreWhole() : _space.RestoreSpan(segment.Start, segment.Size, isImport: false);
            }
            else if (ArenaPicture<T>.IsTaken(segment))
            {
                free = _space.TakeAt(free, segment.Start, segment.Size, site: null, _space.NoteOf(segment.Tag, segment.RangeKind));
            }
        }
    }
}
