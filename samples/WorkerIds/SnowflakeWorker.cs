using System.Runtime.InteropServices;
using Vmem.Leasing;

namespace Vmem.Samples;

/// <summary>A process that makes IDs: 41 bits of milliseconds, 10 of the worker's number, 12 of a count within the millisecond.</summary>
internal static class SnowflakeWorker
{
    // Of the 4,096 that fit into a millisecond: so that the sample takes a while.
    private const int PerMillisecond = 256;

    public static async Task RunAsync(string file, string output, long wanted, int bits)
    {
        await using var store = new SqliteLeaseStore(file);
        await store.GetInfoAsync();                            // opens the file before any time is measured
        await using LeaseSession session = await LeaseSession.OpenAsync(store, new() { Ttl = TimeSpan.FromSeconds(6) });
        await using WorkerId worker = await LeaseAsync(session, bits);
        await worker.PastWatermarkAsync();                     // nobody who had the number before can have used a later time
        await using FileStream ids = new(output, FileMode.CreateNew, FileAccess.Write, FileShare.Read, bufferSize: 0);
        Console.WriteLine($"number {worker.Value}");
        long[] batch = new long[PerMillisecond];
        long last = 0;
        for (long made = 0; made < wanted; made += batch.Length)
        {
            while (session.State == LeaseState.Suspended)      // the disk is slow: stop until the store has answered
            {
                await Task.Delay(10);
            }

            long now = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();
            while (now <= last)                                // each millisecond once; a clock that goes back has to catch up
            {
                now = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();
            }

            last = now;
            session.ThrowIfInvalid();                          // before each use
            for (int i = 0; i < batch.Length; i++)
            {
                batch[i] = (now << 22) | ((long)worker.Value << 12) | (long)i;
            }

            ids.Write(MemoryMarshal.AsBytes<long>(batch));
        }
    }

    /// <summary>All numbers may be taken for a moment: by one that was killed and is yet to be swept.</summary>
    private static async Task<WorkerId> LeaseAsync(LeaseSession session, int bits)
    {
        while (true)
        {
            try
            {
                return await WorkerId.LeaseAsync(session, "snowflake", bits);
            }
            catch (LeaseExhaustedException)
            {
                await Task.Delay(50);
            }
        }
    }
}
