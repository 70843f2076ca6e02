namespace Vmem.Leasing.Conformance.Scripts;

/// <summary>What holders can see by themselves: fences grow, nothing is granted that rests, and no two use the same value.</summary>
internal sealed class HolderChecks(TimeSpan quarantine)
{
    private readonly Dictionary<UInt128, long> _fences = [];
    private readonly Dictionary<UInt128, TimeSpan> _rests = [];

    /// <summary>A lease was granted.</summary>
    /// <param name="claim">The lease.</param>
    /// <param name="clock">The store's clock.</param>
    /// <returns>What is wrong with that.</returns>
    public IEnumerable<string> Granted(LeaseClaim claim, TimeSpan clock)
    {
        foreach (UInt128 value in ValuesOf(claim))
        {
            long last = _fences.GetValueOrDefault(value);
            if (claim.Fence <= last)
            {
                yield return $"holders: {value} has fence {claim.Fence} after {last}";
            }

            _fences[value] = Math.Max(last, claim.Fence);
            if (_rests.TryGetValue(value, out TimeSpan until) && clock <= until)
            {
                yield return $"holders: {value} is granted at {clock} and rests until {until}";
            }
        }
    }

    /// <summary>A lease was given back, and not clean.</summary>
    public void Rests(LeaseClaim claim, TimeSpan clock)
    {
        foreach (UInt128 value in ValuesOf(claim))
        {
            _rests[value] = clock + quarantine;
        }
    }

    /// <summary>Compares what all use now.</summary>
    public static IEnumerable<string> Overlaps(IEnumerable<ScriptClient> clients, TimeSpan now)
    {
        Dictionary<UInt128, string> users = [];
        foreach (ScriptClient client in clients.Where(client => client.Uses(now)))
        {
            foreach (UInt128 value in client.Claims.SelectMany(ValuesOf))
            {
                if (!users.TryAdd(value, client.Name))
                {
                    yield return $"holders: {users[value]} and {client.Name} use {value}";
                }
            }
        }
    }

    private static IEnumerable<UInt128> ValuesOf(LeaseClaim claim)
    {
        for (UInt128 value = claim.Start; value < claim.Start + claim.Size; value++)
        {
            yield return value;
        }
    }
}
