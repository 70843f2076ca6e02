using System.Numerics;
using Vmem.Ranges;

namespace Vmem.Tests.Growth;

/// <summary>What is free, in address order, looked through one by one.</summary>
/// <param name="quantum">All starts and lengths are multiples of it.</param>
internal sealed class FreeRuns<T>(T quantum)
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    private readonly List<(T Start, T Last)> _runs = [];

    public List<(T Start, T Last)> Runs => _runs;

    /// <summary>Where next fit begins.</summary>
    public T Rotor { get; set; }

    /// <summary>The run that a policy takes a place from; −1 if there is none.</summary>
    public int Find(FitPolicy policy, in Placement<T> placement, out T place)
    {
        place = default;
        int best = -1;
        Placement<T> behind = placement.NotBelow(Rotor);
        for (int pass = policy == FitPolicy.NextFit ? 0 : 1; pass < 2 && best < 0; pass++)
        {
            for (int i = 0; i < _runs.Count; i++)
            {
                T start;
                bool isPlace = policy == FitPolicy.LastFit ? TryHighest(placement, _runs[i], out start)
                    : TryLowest(pass == 0 ? behind : placement, _runs[i], out start);
                if (isPlace && (best < 0 || policy == FitPolicy.LastFit
                    || (policy == FitPolicy.BestFit && _runs[i].Last - _runs[i].Start < _runs[best].Last - _runs[best].Start)))
                {
                    (best, place) = (i, start);
                    if (policy is not (FitPolicy.LastFit or FitPolicy.BestFit))
                    {
                        break;
                    }
                }
            }
        }

        return best;
    }

    public static bool IsPlace(in Placement<T> placement, T start, (T Start, T Last) free)
    {
        T end = free.Last < placement.Last ? free.Last : placement.Last;
        T noCross = placement.Constraints.NoCross;
        return start >= free.Start && start >= placement.Min && start <= end && end - start >= placement.Size - T.One
            && start % placement.Align == placement.Phase
            && (T.IsZero(noCross) || (start & ~(noCross - T.One)) == ((start + (placement.Size - T.One)) & ~(noCross - T.One)));
    }

    private bool TryLowest(in Placement<T> placement, (T Start, T Last) free, out T start)
    {
        for (start = free.Start > placement.Min ? free.Start : placement.Min; start <= free.Last; start += quantum)
        {
            start = (start + (quantum - T.One)) & ~(quantum - T.One);
            if (IsPlace(placement, start, free))
            {
                return true;
            }

            if (start > T.MaxValue - quantum || free.Last - start < placement.Size - T.One)
            {
                return false;
            }
        }

        return false;
    }

    private bool TryHighest(in Placement<T> placement, (T Start, T Last) free, out T start)
    {
        T end = free.Last < placement.Last ? free.Last : placement.Last;
        start = default;
        if (end < free.Start || end - free.Start < placement.Size - T.One)
        {
            return false;
        }

        for (start = (end - (placement.Size - T.One)) & ~(quantum - T.One); start >= free.Start; start -= quantum)
        {
            if (IsPlace(placement, start, free))
            {
                return true;
            }

            if (start < quantum || start < placement.Min)
            {
                return false;
            }
        }

        return false;
    }

    /// <summary>The run that holds a value; −1 if none does.</summary>
    public int At(T value) => _runs.FindIndex(free => value >= free.Start && value <= free.Last);

    /// <summary>What is taken from a run.</summary>
    public void Exclude(int index, T start, T size)
    {
        (T from, T last) = _runs[index];
        _runs.RemoveAt(index);
        if (last - start > size - T.One)
        {
            _runs.Insert(index, (start + size, last));
        }

        if (start > from)
        {
            _runs.Insert(index, (from, start - T.One));
        }
    }

    /// <summary>What comes back.</summary>
    public void Include(T start, T size)
    {
        T last = start + (size - T.One);
        int index = _runs.FindIndex(free => free.Start > last);
        index = index < 0 ? _runs.Count : index;
        if (index < _runs.Count && last + T.One == _runs[index].Start)
        {
            last = _runs[index].Last;
            _runs.RemoveAt(index);
        }

        if (index > 0 && _runs[index - 1].Last + T.One == start)
        {
            start = _runs[--index].Start;
            _runs.RemoveAt(index);
        }

        _runs.Insert(index, (start, last));
    }
}
