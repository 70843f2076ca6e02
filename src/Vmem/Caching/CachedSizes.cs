using System.Numerics;
using Vmem.Space;

namespace Vmem.Caching;

/// <summary>Which sizes an arena caches: each multiple of the quantum up to the one that its options name.</summary>
internal static class CachedSizes<T>
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    /// <summary>How many sizes are cached.</summary>
    /// <exception cref="ArgumentException">The options make no sense.</exception>
    public static int Count(ArenaOptions<T> options, T quantum)
    {
        if (T.IsZero(options.QuantumCacheMax))
        {
            return 0;
        }

        if (options.Policy is FitPolicy.NextFit or FitPolicy.OldestFit or FitPolicy.RandomFit)
        {
            throw new ArgumentException(options.Policy == FitPolicy.RandomFit
                ? "Random fit hands out ranges that nobody can foretell, a quantum cache those that were freed last: choose one of the two."
                : $"{(options.Policy == FitPolicy.NextFit ? "Next" : "Oldest")} fit hands out a freed range as late as it can, a quantum cache as soon as it can: choose one of the two.", nameof(options));
        }

        T classes = (options.QuantumCacheMax - T.One) / quantum;
        if (classes >= T.CreateTruncating(RangeSlabs<T>.MaxClasses))
        {
            throw new ArgumentException($"QuantumCacheMax can be at most {RangeSlabs<T>.MaxClasses} quanta of {quantum}, and {options.QuantumCacheMax} is more.", nameof(options));
        }

        int count = int.CreateTruncating(classes) + 1;
        if (T.MaxValue / quantum < T.CreateSaturating(RangeSlabs<T>.SlabUnits(count)))
        {
            throw new ArgumentException($"A slab of the quantum caches would be {RangeSlabs<T>.SlabUnits(count)} quanta of {quantum}, which is more than {typeof(T).Name} holds.", nameof(options));
        }

        return count;
    }
}
