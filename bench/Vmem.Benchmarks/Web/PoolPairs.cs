using System.Buffers;
using System.Diagnostics;
using Vmem.Benchmarks.Measurement;

namespace Vmem.Benchmarks.Web;

/// <summary>What it costs to rent a block of a server's pool and to give it back.</summary>
internal static class PoolPairs
{
    private const int Batches = 20_000;
    private const int Burst = 50;                 // blocks of an answer of 200 KB

    /// <summary>What is done, and how: nanoseconds a block.</summary>
    public static IReadOnlyList<(string What, Func<ServerSubject, double> Measure)> All =>
    [
        ("one at a time", static server => RunAlone(server.Pool, 1)),
        ($"{Burst} at a time", static server => RunAlone(server.Pool, Burst)),
        ("one at a time, to another thread", static server => HandOver(server.Pool, 1)),
        ($"{Burst} at a time, to another thread", static server => HandOver(server.Pool, Burst)),
    ];

    private static double RunAlone(MemoryPool<byte> pool, int burst)
    {
        IMemoryOwner<byte>[] owners = new IMemoryOwner<byte>[burst];
        int batches = Batches / burst * 10;
        long begin = Stopwatch.GetTimestamp();
        for (int batch = 0; batch < batches; batch++)
        {
            Rent(pool, owners);
            GiveBack(owners);
        }

        return Clock.NanosecondsSince(begin) / ((double)batches * burst);
    }

    private static double HandOver(MemoryPool<byte> pool, int burst)
    {
        const int Slots = 8;
        IMemoryOwner<byte>[][] ring = [.. Enumerable.Range(0, Slots).Select(_ => new IMemoryOwner<byte>[burst])];
        using SemaphoreSlim free = new(Slots);
        using SemaphoreSlim full = new(0);
        int given = 0;
        int taken = 0;
        int batches = Math.Max(Batches / burst * 2, 10 * Slots);
        CrewTimes times = Crew.HandOver(
            settlingBatches: Slots,
            batches,
            give: () =>
            {
                free.Wait();
                Rent(pool, ring[given++ % Slots]);
                _ = full.Release();
            },
            take: () =>
            {
                full.Wait();
                GiveBack(ring[taken++ % Slots]);
                _ = free.Release();
            });
        return times.Nanoseconds / ((double)batches * burst);
    }

    private static void Rent(MemoryPool<byte> pool, IMemoryOwner<byte>[] owners)
    {
        for (int i = 0; i < owners.Length; i++)
        {
            owners[i] = pool.Rent(4096);
            owners[i].Memory.Span[0] = 1;
        }
    }

    private static void GiveBack(IMemoryOwner<byte>[] owners)
    {
        foreach (IMemoryOwner<byte> owner in owners)
        {
            owner.Dispose();
        }
    }
}
