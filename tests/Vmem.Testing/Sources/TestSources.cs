using System.Numerics;

namespace Vmem.Testing.Sources;

/// <summary>The sources that many tests want.</summary>
public static class TestSources
{
    /// <summary>
    /// Hands out one range after the other from <paramref name="first"/> upwards, aligned as asked, each adjacent to the last where
    /// alignment lets it. Never reuses.
    /// It refuses what it cannot honour: bounds that the next range would break, phases and boundaries.
    /// </summary>
    public static ScriptedSource<T> Ascending<T>(T quantum, T first)
        where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
    {
        T next = first;
        return new ScriptedSource<T>(quantum, (size, constraints) =>
        {
            T align = T.Max(constraints.Align, quantum);
            T start = T.Max(next, constraints.Min);
            start = (start + align - T.One) / align * align;
            T rounded = (size + quantum - T.One) / quantum * quantum;
            if (!T.IsZero(constraints.Phase)
                || !T.IsZero(constraints.NoCross)
                || (!T.IsZero(constraints.Max) && start + rounded > constraints.Max))
            {
                return null;
            }

            next = start + rounded;
            return (start, rounded);
        });
    }

    /// <summary>Never has anything.</summary>
    public static ScriptedSource<T> Empty<T>(T quantum)
        where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T> => new(quantum, (_, _) => null);
}
