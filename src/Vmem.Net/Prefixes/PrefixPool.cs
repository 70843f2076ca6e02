using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.ExceptionServices;
using Vmem.Net.Addresses;
using Vmem.Net.Prefixes;

namespace Vmem.Net;

/// <summary>A pool of IP prefixes: networks of IPv4, IPv6 or both, handed out in parts.</summary>
/// <remarks>
/// <para>
/// Each family is an <see cref="Arena{T}"/> of addresses, which does the work: this type turns prefixes into ranges and back, and says what
/// went wrong in the language of networks. An address is the prefix of its full length. IPv4-mapped IPv6 addresses are IPv6 addresses, and
/// the scope of an address is ignored.
/// </para>
/// <para>
/// Safe to share between threads. Allocating and claiming take O(log n) under first fit, freeing and look-ups O(1) or O(log n); see
/// <see cref="Arena{T}.TryAllocateAt"/> for what the first claims walk past.
/// </para>
/// </remarks>
[DebuggerDisplay("{Name,nq}")]
public sealed partial class PrefixPool : IDisposable
{
    private readonly FamilyPool? _v4;
    private readonly FamilyPool? _v6;

    /// <summary>Makes a pool of one network.</summary>
    /// <param name="name">A name for messages and metrics.</param>
    /// <param name="network">The network.</param>
    /// <param name="options">How it behaves; null for the defaults.</param>
    /// <exception cref="ArgumentException">An option makes no sense, or contradicts the network.</exception>
    public PrefixPool(string name, IPNetwork network, PrefixPoolOptions? options = null)
        : this(name, [network], options)
    {
    }

    /// <summary>Makes a pool of networks.</summary>
    /// <param name="name">A name for messages and metrics.</param>
    /// <param name="networks">The networks, of either family or both. A prefix may lie across two that touch. None, if the pool is to take
    /// all from <see cref="PrefixPoolOptions.Source"/>; and none may be named then.</param>
    /// <param name="options">How it behaves; null for the defaults.</param>
    /// <exception cref="ArgumentException">Networks overlap, there are none and no source, or an option makes no sense.</exception>
    public PrefixPool(string name, IEnumerable<IPNetwork> networks, PrefixPoolOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(networks);
        options ??= new PrefixPoolOptions();
        options.Check(nameof(options));
        ArgumentNullException.ThrowIfNull(options.Exclusions, nameof(options));
        Name = name;
        Options = options;
        IPNetwork[] all = [.. networks];
        PrefixPool? source = options.Source;
        if (source is null == (all.Length == 0))
        {
            throw new ArgumentException($"Pool '{name}' needs networks or a source of its own, and not both.", nameof(networks));
        }

        if (source is not null && options.Exclusions.Count > 0)
        {
            throw new ArgumentException($"Pool '{name}' takes what its source gives: exclude prefixes there.", nameof(options));
        }

        _v4 = Make(AddressKind.V4, source?._v4);
        try
        {
            _v6 = Make(AddressKind.V6, source?._v6);
        }
        catch
        {
            _v4?.Dispose();
            throw;
        }

        FamilyPool? Make(AddressKind kind, FamilyPool? below)
        {
            IPNetwork[] mine = [.. all.Where(network => AddressKind.Of(network.BaseAddress) == kind)];
            return mine.Length > 0 || below is not null ? new FamilyPool(name, kind, mine, options, below) : null;
        }
    }

    /// <summary>The pool's name.</summary>
    public string Name { get; }

    /// <summary>The networks of the pool, IPv4 first, each family in order of address. Above another pool: what it has of that one at
    /// present.</summary>
    public IEnumerable<IPNetwork> Networks => Families.SelectMany(family => family.Networks);

    internal PrefixPoolOptions Options { get; }

    private IEnumerable<FamilyPool> Families => new[] { _v4, _v6 }.OfType<FamilyPool>();

    /// <summary>Allocates the next free prefix of a length, of a pool of one family.</summary>
    /// <param name="prefixLength">The length in bits.</param>
    /// <param name="tag">Whatever says who has it; 0: nothing.</param>
    /// <returns>The prefix.</returns>
    /// <exception cref="PrefixUnavailableException">None is free; the message says what is.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The pool gives no prefixes of this length.</exception>
    /// <exception cref="InvalidOperationException">The pool has both families: say which.</exception>
    public IPNetwork Allocate(int prefixLength, ulong tag = 0) => Allocate(Single(), prefixLength, null, tag);

    /// <summary>Allocates the next free prefix of a length, of one family.</summary>
    /// <param name="family">IPv4 (<see cref="AddressFamily.InterNetwork"/>) or IPv6 (<see cref="AddressFamily.InterNetworkV6"/>).</param>
    /// <param name="prefixLength">The length in bits.</param>
    /// <param name="tag">Whatever says who has it; 0: nothing.</param>
    /// <returns>The prefix.</returns>
    /// <exception cref="PrefixUnavailableException">None is free; the message says what is.</exception>
    /// <exception cref="ArgumentException">The pool has no such family, or gives no prefixes of this length.</exception>
    public IPNetwork Allocate(AddressFamily family, int prefixLength, ulong tag = 0) => Allocate(Of(family), prefixLength, null, tag);

    /// <summary>Allocates the next free child of a prefix.</summary>
    /// <param name="parent">The prefix within which it shall lie, itself not allocated.</param>
    /// <param name="prefixLength">The length in bits, not shorter than the parent's.</param>
    /// <param name="tag">Whatever says who has it; 0: nothing.</param>
    /// <returns>The child.</returns>
    /// <exception cref="PrefixUnavailableException">The parent is outside the pool, or has no such child free; the message says what
    /// is.</exception>
    /// <exception cref="ArgumentException">The length is shorter than the parent's, or none that the pool gives.</exception>
    public IPNetwork AllocateWithin(IPNetwork parent, int prefixLength, ulong tag = 0) => Allocate(Of(parent), prefixLength, parent, tag);

    /// <summary>Allocates the next free prefix of a length, if there is one, of a pool of one family.</summary>
    /// <param name="prefixLength">The length in bits.</param>
    /// <param name="prefix">The prefix.</param>
    /// <param name="tag">Whatever says who has it; 0: nothing.</param>
    /// <returns>False if none is free.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The pool gives no prefixes of this length.</exception>
    /// <exception cref="InvalidOperationException">The pool has both families: say which.</exception>
    public bool TryAllocate(int prefixLength, out IPNetwork prefix, ulong tag = 0) =>
        Single().TryAllocate(prefixLength, null, tag, out prefix);

    /// <summary>Allocates the next free prefix of a length and a family, if there is one.</summary>
    /// <param name="family">IPv4 (<see cref="AddressFamily.InterNetwork"/>) or IPv6 (<see cref="AddressFamily.InterNetworkV6"/>).</param>
    /// <param name="prefixLength">The length in bits.</param>
    /// <param name="prefix">The prefix.</param>
    /// <param name="tag">Whatever says who has it; 0: nothing.</param>
    /// <returns>False if none is free.</returns>
    /// <exception cref="ArgumentException">The pool has no such family, or gives no prefixes of this length.</exception>
    public bool TryAllocate(AddressFamily family, int prefixLength, out IPNetwork prefix, ulong tag = 0) =>
        Of(family).TryAllocate(prefixLength, null, tag, out prefix);

    /// <summary>Allocates the next free child of a prefix, if there is one.</summary>
    /// <param name="parent">The prefix within which it shall lie, itself not allocated.</param>
    /// <param name="prefixLength">The length in bits, not shorter than the parent's.</param>
    /// <param name="child">The child.</param>
    /// <param name="tag">Whatever says who has it; 0: nothing.</param>
    /// <returns>False if none is free, or the parent is outside the pool.</returns>
    /// <exception cref="ArgumentException">The length is shorter than the parent's, or none that the pool gives.</exception>
    public bool TryAllocateWithin(IPNetwork parent, int prefixLength, out IPNetwork child, ulong tag = 0) =>
        Of(parent).TryAllocate(Within(parent, prefixLength), AddressRange.Of(parent), tag, out child);

    /// <summary>Takes exactly this prefix.</summary>
    /// <param name="prefix">The prefix.</param>
    /// <param name="tag">Whatever says who has it; 0: nothing.</param>
    /// <exception cref="PrefixUnavailableException">It is not to be had: outside the pool, excluded, taken, or at rest. The message says
    /// which, and by whom.</exception>
    /// <exception cref="ArgumentException">The pool has no such family, or gives no prefixes of this length.</exception>
    public void Claim(IPNetwork prefix, ulong tag = 0)
    {
        if (!TryClaim(prefix, tag))
        {
            throw Of(prefix).WhyNotClaimed(prefix);
        }
    }

    /// <summary>Takes exactly this address.</summary>
    /// <inheritdoc cref="Claim(IPNetwork, ulong)" path="/*[self::returns or self::exception or self::remarks]"/>
    /// <param name="address">The address.</param>
    /// <param name="tag">Whatever says who has it; 0: nothing.</param>
    public void Claim(IPAddress address, ulong tag = 0) => Claim(Alone(address), tag);

    /// <summary>Takes exactly this prefix, if it is free.</summary>
    /// <param name="prefix">The prefix.</param>
    /// <param name="tag">Whatever says who has it; 0: nothing.</param>
    /// <returns>False, and nothing is changed, if it is not to be had.</returns>
    /// <exception cref="ArgumentException">The pool has no such family, or gives no prefixes of this length.</exception>
    public bool TryClaim(IPNetwork prefix, ulong tag = 0) => Of(prefix).TryClaim(prefix, tag);

    /// <summary>Takes exactly this address, if it is free.</summary>
    /// <inheritdoc cref="TryClaim(IPNetwork, ulong)" path="/*[self::returns or self::exception or self::remarks]"/>
    /// <param name="address">The address.</param>
    /// <param name="tag">Whatever says who has it; 0: nothing.</param>
    public bool TryClaim(IPAddress address, ulong tag = 0) => TryClaim(Alone(address), tag);

    /// <summary>Frees a prefix as it was allocated. It rests for <see cref="PrefixPoolOptions.ReuseDelay"/>.</summary>
    /// <param name="prefix">The prefix.</param>
    /// <exception cref="InvalidFreeException">It is not allocated as such; the message says what is. Nothing was changed.</exception>
    /// <exception cref="ArgumentException">The pool has no such family, or gives no prefixes of this length.</exception>
    public void Free(IPNetwork prefix) => Of(prefix).Free(prefix, null);

    /// <summary>Frees an address.</summary>
    /// <inheritdoc cref="Free(IPNetwork)" path="/*[self::returns or self::exception or self::remarks]"/>
    /// <param name="address">The address.</param>
    public void Free(IPAddress address) => Free(Alone(address));

    /// <summary>Frees a prefix that then rests: nobody gets it before the time has passed.</summary>
    /// <inheritdoc cref="Free(IPNetwork)" path="/*[self::returns or self::exception or self::remarks]"/>
    /// <param name="prefix">The prefix.</param>
    /// <param name="delay">How long it rests.</param>
    public void FreeAfter(IPNetwork prefix, TimeSpan delay) => Of(prefix).Free(prefix, delay);

    /// <summary>Gives everything back to the source, if there is one, whatever was not freed included. The pool is of no use
    /// afterwards. What the source throws is thrown when both families have ended.</summary>
    public void Dispose()
    {
        ExceptionDispatchInfo? first = null;
        foreach (FamilyPool family in Families)
        {
            try
            {
                family.Dispose();
            }
            catch (Exception e)
            {
                first ??= ExceptionDispatchInfo.Capture(e);
            }
        }

        first?.Throw();
    }

    private static IPNetwork Alone(IPAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        return Prefix.Of(address, AddressKind.Of(address).Bits);
    }

    private static IPNetwork Allocate(FamilyPool pool, int prefixLength, IPNetwork? parent, ulong tag)
    {
        AddressRange? window = parent is { } within ? AddressRange.Of(within) : null;
        _ = parent is { } longer ? Within(longer, prefixLength) : 0;
        return pool.TryAllocate(prefixLength, window, tag, out IPNetwork prefix)
            ? prefix
            : throw pool.WhyNotAllocated(prefixLength, parent);
    }

    private static int Within(IPNetwork parent, int prefixLength) => prefixLength >= parent.PrefixLength
        ? prefixLength
        : throw new ArgumentOutOfRangeException(nameof(prefixLength), prefixLength, $"No /{prefixLength} lies within {parent}: a child's length is not shorter than its parent's.");

    private FamilyPool Single() => (_v4, _v6) switch
    {
        ({ } only, null) => only,
        (null, { } only) => only,
        _ => throw new InvalidOperationException($"Pool '{Name}' has IPv4 and IPv6 networks: say the family."),
    };

    private FamilyPool Of(IPNetwork prefix) => Of(prefix.BaseAddress.AddressFamily);

    private FamilyPool Of(AddressFamily family)
    {
        AddressKind kind = AddressKind.Of(family);
        return (kind == AddressKind.V4 ? _v4 : _v6) ?? throw new ArgumentException($"Pool '{Name}' has no {kind.Name} network.", nameof(family));
    }
}
