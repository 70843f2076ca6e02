using System.Globalization;

namespace Vmem.Memory;

/// <summary>A client's request was refused: its quota is used up, or its context has no room.</summary>
public sealed class ClientExhaustedException : OutOfMemoryException
{
    internal ClientExhaustedException(string clientName, nuint requested, nuint inUse, nuint quota, bool quotaExceeded, nuint contextFree,
        nuint contextLargestFree)
        : base(quotaExceeded
            ? string.Create(CultureInfo.InvariantCulture, $"Client '{clientName}' may not use {requested} bytes more: it uses {inUse} of its quota of {quota}.")
            : string.Create(CultureInfo.InvariantCulture, $"Client '{clientName}' found no room for {requested} bytes: its context has {contextFree} free, the largest piece {contextLargestFree}."))
    {
        ClientName = clientName;
        Requested = requested;
        InUse = inUse;
        Quota = quota;
        QuotaExceeded = quotaExceeded;
        ContextFree = contextFree;
    }

    /// <summary>The client's name.</summary>
    public string ClientName { get; }

    /// <summary>What was asked for, in bytes, as rounded up to a block.</summary>
    public nuint Requested { get; }

    /// <summary>What the client used then.</summary>
    public nuint InUse { get; }

    /// <summary>The client's quota; 0: none.</summary>
    public nuint Quota { get; }

    /// <summary>True if the quota stood in the way, false if the context had no room.</summary>
    public bool QuotaExceeded { get; }

    /// <summary>What no client of the context held then.</summary>
    public nuint ContextFree { get; }
}
