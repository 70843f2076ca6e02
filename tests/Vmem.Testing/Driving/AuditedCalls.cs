using System.Numerics;

namespace Vmem.Testing.Driving;

/// <summary>By which call an audited arena wants each range freed. The model knows no such difference: so the calls are chosen that an
/// audit accepts, and each batch that it must refuse is first seen to be refused.</summary>
internal sealed class AuditedCalls<T>
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    private readonly HashSet<T> _constrained = [];
    private readonly HashSet<T> _handles = [];

    public void NoteConstrained(T start) => _constrained.Add(start);

    public void NoteHandle(T start) => _handles.Add(start);

    public void NoteFreed(T start)
    {
        _ = _constrained.Remove(start);
        _ = _handles.Remove(start);
    }

    /// <summary>A range that was cut off another, or moved, belongs to the same call.</summary>
    public void NoteCut(T whole, T part)
    {
        if (_constrained.Contains(whole))
        {
            _ = _constrained.Add(part);
        }

        if (_handles.Contains(whole))
        {
            _ = _handles.Add(part);
        }
    }

    /// <summary>Restored ranges may be freed by either call.</summary>
    public void Forget()
    {
        _constrained.Clear();
        _handles.Clear();
    }

    /// <summary>Whether FreeConstrained frees the range; those of handles take either call.</summary>
    public bool WantsConstrained(T start, bool wish) => _constrained.Contains(start) || (wish && _handles.Contains(start));

    /// <summary>Frees a batch; one with constrained ranges among it is checked to be refused, and then freed in two parts.</summary>
    public void FreeMany(Arena<T> arena, T[] starts, T size)
    {
        T[] constrained = [.. starts.Where(_constrained.Contains)];
        try
        {
            arena.FreeMany(starts, size);
            if (constrained.Length > 0)
            {
                throw new DivergenceException("A batch with a constrained range was freed.");
            }

            Array.ForEach(starts, NoteFreed);     // cut off what a handle holds, some may be noted as a handle's
            return;
        }
        catch (InvalidFreeException wrong) when (wrong.Reason == InvalidFreeReason.WrongCall)
        {
            // Was it refused for the call alone? As far as the constrained ones go; the others decide below.
            if (starts.Distinct().Count() != starts.Length || !constrained.All(start => IsOf(arena, start, size)))
            {
                throw;
            }
        }

        arena.FreeMany([.. starts.Except(constrained)], size);
        Array.ForEach([.. starts.Except(constrained)], NoteFreed);
        foreach (T start in constrained)
        {
            arena.FreeConstrained(start, size);
            NoteFreed(start);
        }
    }

    private static bool IsOf(Arena<T> arena, T start, T size) =>
        arena.TryGetSegment(
            start,
            out Segment<T> segment) && segment.Start == start && segment.Size >= size && segment.Size - size < arena.Quantum;
}
