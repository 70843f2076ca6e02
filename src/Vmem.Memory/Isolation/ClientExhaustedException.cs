using System.Globalization;

namespace Vmem.Memory;

/// <summary>A client's request was refused: its quota is used up, its context has no room, or the process no memory.</summary>
public sealed class ClientExhaustedException : OutOfMemoryException
{
    /// <param name="client">Who asked.</param>
    /// <param name="requested">For how much.</param>
    /// <param name="refuser">Whose quota stood in the way: his own, or that of a client that he is within; null if none did.</param>
    /// <param name="contextFree">What no client held.</param>
    /// <param name="contextLargestFree">The largest piece of it.</param>
    internal ClientExhaustedException(
        MemoryClient client, nuint requested, MemoryClient? refuser, nuint contextFree, nuint contextLargestFree)
        : base($"Client '{client.Name}' {Why(client, requested, refuser, contextFree, contextLargestFree)}")
    {
        ClientName = client.Name;
        Requested = requested;
        InUse = client.InUse;
        Quota = client.Quota;
        QuotaExceeded = refuser is not null;
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

    /// <summary>True if a quota stood in the way, the client's or that of one that it is within; false if the context had no
    /// room.</summary>
    public bool QuotaExceeded { get; }

    /// <summary>What no client of the context held then.</summary>
    public nuint ContextFree { get; }

    private static string Why(MemoryClient client, nuint requested, MemoryClient? refuser, nuint free, nuint largest)
    {
        if (refuser is null && largest >= requested)
        {
            MemoryBudget budget = MemoryBudget.Default;
            return string.Create(CultureInfo.InvariantCulture, $"found no memory for {requested} bytes: its context has room, but the process has not: of the {budget.Limit} bytes that {nameof(MemoryBudget)}.{nameof(MemoryBudget.Limit)} allows the process, {budget.Charged} are in use.");
        }

        if (refuser is null)
        {
            return string.Create(CultureInfo.InvariantCulture, $"found no room for {requested} bytes: its context has {free} free, the largest piece {largest}.");
        }

        string who = refuser == client ? "it" : $"'{refuser.Name}', of which it is a part,";
        return requested > refuser.Quota - nuint.Min(refuser.InUse, refuser.Quota)
            ? string.Create(CultureInfo.InvariantCulture, $"may not use {requested} bytes more: {who} uses {refuser.InUse} of its quota of {refuser.Quota}.")
            : string.Create(CultureInfo.InvariantCulture, $"may not use {requested} bytes more: {who} uses {refuser.InUse} of its quota of {refuser.Quota}, but its blocks lie so scattered that it holds {refuser.Held}, which is as much as it may keep from others.");
    }
}
