using System.Runtime.CompilerServices;

namespace Vmem.Leasing.Stores;

/// <summary>The whole audit of an arena, for engines that have no shorter way.</summary>
internal static class LeaseAuditPages
{
    private const int PageSize = 10_000;                       // arbitrary: it bounds the memory of one call

    public static async IAsyncEnumerable<LeaseAuditEntry> ReadAsync(LeaseStore store, int arena,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        long after = 0;
        while (await store.ReadAuditAsync(arena, after, PageSize, cancellationToken).ConfigureAwait(false) is { Count: > 0 } page)
        {
            foreach (LeaseAuditEntry entry in page)
            {
                yield return entry;
            }

            after = page[^1].Number;
        }
    }
}
