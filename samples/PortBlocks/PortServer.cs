using System.Net;
using System.Net.Sockets;
using Vmem.Leasing;

namespace Vmem.Samples;

/// <summary>A server that needs four ports side by side, as a media relay does. It really binds them: an overlap would be an error of the
/// system.</summary>
internal static class PortServer
{
    public const string ArenaName = "ports";

    private const ushort First = 21000;
    private const ushort Ports = 16;
    private const ushort BlockSize = 4;

    public static TimeSpan Ttl { get; } = TimeSpan.FromHours(1);

    public static async Task RunAsync(string file, string owner)
    {
        await using var store = new SqliteLeaseStore(file);
        await using LeaseSession session = await LeaseSession.OpenAsync(store, new() { Owner = owner, Ttl = Ttl });
        LeasedArenaOptions<ushort> options = new() { SpanSize = BlockSize, Stock = 0, Definition = new() { Start = First, Size = Ports } };
        await using LeasedArena<ushort> ports = await LeasedArena<ushort>.OpenAsync(session, ArenaName, options);
        LeasedRange<ushort> block = await ports.AllocateAsync(BlockSize);
        List<TcpListener> listeners = [];
        for (int i = 0; i < BlockSize; i++)
        {
            TcpListener listener = new(IPAddress.Loopback, block.Start + i);
            listener.Start();
            listeners.Add(listener);
        }

        Console.WriteLine($"{owner}: ports {block.Start} to {block.Start + BlockSize - 1}, fence {block.Fence}");
        Console.ReadLine();                                    // until it is told to stop
        listeners.ForEach(listener => listener.Dispose());
        ports.Free(block, clean: true);                        // nobody uses them any more
    }
}
