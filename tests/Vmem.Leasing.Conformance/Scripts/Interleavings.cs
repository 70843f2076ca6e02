namespace Vmem.Leasing.Conformance.Scripts;

/// <summary>The orders in which clients can take their turns, each client's own turns in their order.</summary>
/// <remarks>They are numbered, so that all can be run, or some that lie evenly among them, and one by its number alone.</remarks>
public static class Interleavings
{
    /// <summary>How many orders there are.</summary>
    /// <param name="lengths">How many turns each client has.</param>
    public static long Count(IReadOnlyList<int> lengths)
    {
        ArgumentNullException.ThrowIfNull(lengths);
        long count = 1;
        int turns = 0;
        foreach (int length in lengths)
        {
            for (int i = 1; i <= length; i++)
            {
                count = checked(count * ++turns) / i;          // a binomial coefficient after each step, so it divides
            }
        }

        return count;
    }

    /// <summary>The order of a number: whose turn it is, one after the other.</summary>
    /// <param name="lengths">How many turns each client has.</param>
    /// <param name="number">From 0 to one less than there are orders.</param>
    public static int[] At(IReadOnlyList<int> lengths, long number)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(number);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(number, Count(lengths));
        int[] left = [.. lengths];
        int[] order = new int[left.Sum()];
        for (int turn = 0; turn < order.Length; turn++)
        {
            order[turn] = Next(left, ref number);
            left[order[turn]]--;
        }

        return order;
    }

    /// <summary>The numbers of all orders; of more than so many, one drawn from each of so many equal parts.</summary>
    /// <param name="lengths">How many turns each client has.</param>
    /// <param name="most">At most so many.</param>
    /// <param name="seed">What is drawn follows from it.</param>
    public static IEnumerable<long> Choose(IReadOnlyList<int> lengths, int most, int seed)
    {
        long count = Count(lengths);
        if (count <= most)
        {
            for (long number = 0; number < count; number++)
            {
                yield return number;
            }

            yield break;
        }

        var random = new Random(seed);
        for (int part = 0; part < most; part++)
        {
            yield return random.NextInt64((long)((Int128)count * part / most), (long)((Int128)count * (part + 1) / most));
        }
    }

    private static int Next(int[] left, ref long number)
    {
        for (int client = 0; ; client++)
        {
            if (left[client] == 0)
            {
                continue;
            }

            left[client]--;
            long below = Count(left);
            left[client]++;
            if (number < below)
            {
                return client;
            }

            number -= below;
        }
    }
}
