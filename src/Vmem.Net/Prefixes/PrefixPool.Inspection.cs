using System.Net;
using System.Net.Sockets;
using Vmem.Net.Addresses;
using Vmem.Net.Prefixes;

namespace Vmem.Net;

// Looking at a pool: what is free, and who has what.
public sealed partial class PrefixPool
{
    /// <summary>Which prefix holds an address, and who has it.</summary>
    /// <param name="address">The address.</param>
    /// <param name="holder">The allocated prefix that holds it, with its tag.</param>
    /// <returns>False if nobody has the address: it is free, rests, is excluded, or outside the pool.</returns>
    /// <remarks>O(log n). See <see cref="Arena{T}.TryGetSegment"/>.</remarks>
    public bool TryGetHolder(IPAddress address, out PrefixAllocation holder)
    {
        ArgumentNullException.ThrowIfNull(address);
        AddressKind kind = AddressKind.Of(address);
        holder = default;
        return (kind == AddressKind.V4 ? _v4 : _v6)?.TryGetHolder(kind.ToNumber(address), out holder) ?? false;
    }

    /// <summary>The lowest free prefix of a length, of a pool of one family: what first fit would give next.</summary>
    /// <param name="prefixLength">The length in bits.</param>
    /// <param name="prefix">The prefix.</param>
    /// <returns>False if none is free.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The pool gives no prefixes of this length.</exception>
    /// <exception cref="InvalidOperationException">The pool has both families: say which.</exception>
    public bool TryPeek(int prefixLength, out IPNetwork prefix) => Single().TryPeek(prefixLength, out prefix);

    /// <summary>The lowest free prefix of a length and a family.</summary>
    /// <inheritdoc cref="TryPeek(int, out IPNetwork)" path="/*[self::returns or self::exception or self::remarks]"/>
    /// <param name="family">IPv4 (<see cref="AddressFamily.InterNetwork"/>) or IPv6 (<see cref="AddressFamily.InterNetworkV6"/>).</param>
    /// <param name="prefixLength">The length in bits.</param>
    /// <param name="prefix">The prefix.</param>
    public bool TryPeek(AddressFamily family, int prefixLength, out IPNetwork prefix) => Of(family).TryPeek(prefixLength, out prefix);

    /// <summary>How many prefixes of a length could be allocated, of a pool of one family.</summary>
    /// <param name="prefixLength">The length in bits.</param>
    /// <returns>The number. All 2^128 addresses of IPv6 are said as one less.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The pool gives no prefixes of this length.</exception>
    /// <exception cref="InvalidOperationException">The pool has both families: say which.</exception>
    /// <remarks>O(segments). What a source could give is not counted.</remarks>
    public UInt128 CountFree(int prefixLength) => Single().CountFree(prefixLength);

    /// <summary>How many prefixes of a length and a family could be allocated.</summary>
    /// <inheritdoc cref="CountFree(int)" path="/*[self::returns or self::exception or self::remarks]"/>
    /// <param name="family">IPv4 (<see cref="AddressFamily.InterNetwork"/>) or IPv6 (<see cref="AddressFamily.InterNetworkV6"/>).</param>
    /// <param name="prefixLength">The length in bits.</param>
    public UInt128 CountFree(AddressFamily family, int prefixLength) => Of(family).CountFree(prefixLength);

    /// <summary>What is free, as the fewest prefixes. O(segments).</summary>
    /// <returns>The prefixes, IPv4 first, each family in order of address. Safe while others allocate: see
    /// <see cref="Arena{T}.GetSegments"/>.</returns>
    public IEnumerable<IPNetwork> GetFree() => Families.SelectMany(family => family.GetFree());

    /// <summary>What is allocated, and by whom. O(segments).</summary>
    /// <returns>The prefixes with their tags, IPv4 first, each family in order of address. Safe while others allocate: each is allocated
    /// as such when it is reported, and what stays allocated is reported once.</returns>
    public IEnumerable<PrefixAllocation> GetAllocated() => Families.SelectMany(family => family.GetAllocated());

    /// <summary>The figures of the arena below, in addresses.</summary>
    /// <param name="family">IPv4 (<see cref="AddressFamily.InterNetwork"/>) or IPv6 (<see cref="AddressFamily.InterNetworkV6"/>).</param>
    /// <returns>The figures. What is excluded is in none of them.</returns>
    /// <exception cref="ArgumentException">The pool has no such family.</exception>
    public ArenaStatistics<UInt128> GetStatistics(AddressFamily family) => Of(family).Arena.GetStatistics();

    /// <summary>Checks every invariant of the arenas below. O(segments).</summary>
    /// <exception cref="InvariantViolationException">One does not hold.</exception>
    public void Validate()
    {
        foreach (FamilyPool family in Families)
        {
            family.Arena.Validate();
        }
    }
}
