using Npgsql;

namespace Vmem.Leasing.PostgreSql.Tests.Chaos;

/// <summary>Leases a span of eight values, uses them for as long as it may, and starts again: one that obeys the rules, or one that waits
/// to be told that its lease is gone.</summary>
internal sealed class Holder(NpgsqlDataSource source, UseLog log, bool looksAtDeadline)
{
    public const int SpanSize = 8;
    public const string ArenaName = "slots";

    private const string LogVariable = "VMEM_CHAOS_LOG";
    private const string SourceVariable = "VMEM_CHAOS_SOURCE";

    /// <summary>The shortest that there is: what takes 30 s in life takes 1 s here.</summary>
    public static readonly TimeSpan Ttl = TimeSpan.FromSeconds(1);

    /// <summary>What is left when it no longer pauses between uses: the last of them is as near to its deadline as can be.</summary>
    private static readonly TimeSpan s_end = TimeSpan.FromMilliseconds(5);

    private static readonly LeaseSessionOptions s_options = new() { Owner = "chaos", Ttl = Ttl };

    /// <summary>In a process of its own, until it is killed.</summary>
    public static async Task RunAloneAsync()
    {
        await using NpgsqlDataSource source = NpgsqlDataSource.Create(Environment.GetEnvironmentVariable(SourceVariable)!);
        using UseLog log = new(Environment.GetEnvironmentVariable(LogVariable)!);
        await new Holder(source, log, looksAtDeadline: true).RunAsync(CancellationToken.None);
    }

    public static IEnumerable<(string, string)> EnvironmentOf(string connection, string folder) =>
        [(SourceVariable, connection), (LogVariable, folder)];

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                await HoldOnceAsync(cancellationToken);
            }
            catch (Exception) when (!cancellationToken.IsCancellationRequested)
            {
                await Task.Delay(20, CancellationToken.None);  // the server is away, or the lease was lost: once more
            }
            catch (Exception) when (cancellationToken.IsCancellationRequested)
            {
                return;
            }
        }
    }

    private async Task HoldOnceAsync(CancellationToken cancellationToken)
    {
        PostgreSqlLeaseStore store = new(source, migrates: false);
        await using LeaseSession session = await LeaseSession.OpenAsync(store, s_options, cancellationToken);
        LeasedArenaOptions<uint> spans = new() { SpanSize = SpanSize, Stock = 0 };
        LeasedArena<uint> arena = await LeasedArena<uint>.OpenAsync(session, ArenaName, spans, cancellationToken);
        LeasedRange<uint> range = await arena.AllocateAsync(SpanSize, default, cancellationToken);
        SpanUses uses = new(log, range.Start, range.Fence);
        while (!cancellationToken.IsCancellationRequested)
        {
            do
            {
                if (!uses.Add(_ => looksAtDeadline ? session.IsValid : !session.Lost.IsCancellationRequested))
                {
                    return;
                }
            }
            while (looksAtDeadline && session.Remaining < s_end);

            await Task.Delay(1, CancellationToken.None);
        }
    }
}
