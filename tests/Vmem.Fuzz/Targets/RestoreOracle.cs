using System.Numerics;

namespace Vmem.Fuzz.Targets;

/// <summary>
/// What an arena that was restored must be: valid, equal to its snapshot, and usable. Everything in it is freed in the end, and imported
/// spans go back to their source.
/// </summary>
internal static class RestoreOracle<T>
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    /// <returns>The restored arena's snapshot, or null where the snapshot is refused.</returns>
    public static ArenaSnapshot<T>? Check(ArenaSnapshot<T> snapshot, bool useSource)
    {
        var source = new Lender(snapshot.Quantum);
        ArenaOptions<T>? options = useSource ? new ArenaOptions<T> { Policy = snapshot.Policy, Source = source } : null;
        Arena<T> arena;
        try
        {
            arena = Arena<T>.Restore(snapshot, options);
        }
        catch (FormatException)
        {
            return null;
        }

        using (arena)
        {
            arena.Validate();
            ArenaSnapshot<T> again = arena.Snapshot();
            FindingException.Unless(again.ToJson() == Normalise(snapshot, useSource).ToJson(), "The restored arena's snapshot is another.");
            CheckFigures(arena.GetStatistics(), snapshot);
            CheckUse(arena, snapshot);
            _ = arena.Reap();
            CheckReturned(snapshot, useSource ? source.Returned : null);
            return again;
        }
    }

    // A sum that the type cannot hold, that of every value of it, reads as the largest value.
    private static void CheckFigures(ArenaStatistics<T> statistics, ArenaSnapshot<T> snapshot)
    {
        BigInteger total = Sum(snapshot.Spans.Select(span => span.Size));
        BigInteger inUse = Sum(snapshot.Spans.SelectMany(span => span.Allocated).Select(range => range.Size));
        FindingException.Unless(T.CreateSaturating(total) == statistics.TotalSize, "The size is not what the spans add up to.");
        FindingException.Unless(T.CreateSaturating(inUse) == statistics.InUse, "What is in use is not what the ranges add up to.");
        FindingException.Unless(T.CreateSaturating(total - inUse) == statistics.Free, "What is free is not the rest.");
    }

    private static void CheckUse(Arena<T> arena, ArenaSnapshot<T> snapshot)
    {
        if (arena.TryAllocate(arena.Quantum, out T probe))
        {
            FindingException.Unless(arena.Contains(probe), "An allocation lies outside the spans.");
            bool overlaps = snapshot.Spans.SelectMany(span => span.Allocated).Any(range => probe - range.Start < range.Size);
            FindingException.Unless(!overlaps, "An allocation lies in a range that is allocated.");
            arena.Validate();
            arena.Free(probe, arena.Quantum);
        }

        foreach (RangeSnapshot<T> range in snapshot.Spans.SelectMany(span => span.Allocated))
        {
            arena.Free(range.Start, range.Size);
        }

        arena.Validate();
        FindingException.Unless(T.IsZero(arena.GetStatistics().InUse), "Something is in use after all was freed.");
    }

    private static void CheckReturned(ArenaSnapshot<T> snapshot, T? returned)
    {
        if (returned is T sum)
        {
            BigInteger imported = Sum(snapshot.Spans.Where(span => span.Imported).Select(span => span.Size));
            FindingException.Unless(BigInteger.CreateChecked(sum) == imported, $"Imported: {imported}; given back: {sum}.");
        }
    }

    private static ArenaSnapshot<T> Normalise(ArenaSnapshot<T> snapshot, bool useSource) => new()
    {
        Name = snapshot.Name,
        Quantum = snapshot.Quantum,
        Policy = snapshot.Policy,
        Spans =
        [
            .. snapshot.Spans.OrderBy(span => span.Start).Select(span => new SpanSnapshot<T>
            {
                Start = span.Start,
                Size = span.Size,
                Imported = span.Imported && useSource,
                Allocated = span.Allocated,
            }),
        ],
    };

    private static BigInteger Sum(IEnumerable<T> sizes) =>
        sizes.Aggregate(BigInteger.Zero, (sum, size) => sum + BigInteger.CreateChecked(size));

    /// <summary>A source that has nothing more to lend, and takes back what it gets.</summary>
    private sealed class Lender(T quantum) : IArenaSource<T>
    {
        public T Quantum => quantum;

        public T Returned { get; private set; }

        public bool TryImport(T size, in RangeConstraints<T> constraints, out T start, out T imported)
        {
            start = T.Zero;
            imported = T.Zero;
            return false;
        }

        public void Release(T start, T size) => Returned += size;
    }
}
