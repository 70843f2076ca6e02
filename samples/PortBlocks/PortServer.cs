using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using Vmem.Leasing;

namespace Vmem.Samples;

/// <summary>A server that needs four ports side by side, as a media relay does. It really binds them: an overlap would be an error of the
/// system.</summary>
internal static class PortServer
{
    public const string ArenaName = "ports";

    public const ushort Ports = 16;

    private const ushort BlockSize = 4;

    // Below those that systems give to outgoing connections.
    private const ushort Lowest = 21000;
    private const ushort Highest = 32000;

    public static TimeSpan Ttl { get; } = TimeSpan.FromHours(1);

    /// <summary>The first of so many ports that nobody listens on now.</summary>
    public static ushort FindFree()
    {
        HashSet<int> taken = [.. IPGlobalProperties.GetIPGlobalProperties().GetActiveTcpListeners().Select(listener => listener.Port)];
        ushort first = Lowest;
        while (first < Highest && Enumerable.Range(first, Ports).Any(taken.Contains))
        {
            first += Ports;
        }

        return first;
    }

    public static async Task RunAsync(string file, string owner, ushort first)
    {
        await using var store = new SqliteLeaseStore(file);
        await using LeaseSession session = await LeaseSession.OpenAsync(store, new() { Owner = owner, Ttl = Ttl });
        LeasedArenaOptions<ushort> options = new() { SpanSize = BlockSize, Stock = 0, Definition = new() { Start = first, Size = Ports } };
        await using LeasedArena<ushort> ports = await LeasedArena<ushort>.OpenAsync(session, ArenaName, options);
        LeasedRange<ushort> block = await ports.AllocateAsync(BlockSize);
        List<TcpListener> listeners = [];
        for (int i = 0; i < BlockSize; i++)
        {
            listeners.Add(Bind(block.Start + i));
        }

        Console.WriteLine($"{owner}: ports {block.Start} to {block.Start + BlockSize - 1}, fence {block.Fence}");
        Console.ReadLine();                                    // until it is told to stop
        listeners.ForEach(listener => listener.Dispose());
        ports.Free(block, clean: true);                        // nobody uses them any more
    }

    /// <summary>A lease says what the servers agreed on. A program that does not lease may have taken a port all the same.</summary>
    private static TcpListener Bind(int port)
    {
        TcpListener listener = new(IPAddress.Loopback, port);
        try
        {
            listener.Start();
            return listener;
        }
        catch (SocketException fault) when (fault.SocketErrorCode is SocketError.AddressAlreadyInUse or SocketError.AccessDenied)
        {
            throw new InvalidOperationException($"Port {port} is taken by a program that leases none ({fault.Message}). Begin elsewhere: --first 30000.", fault);
        }
    }
}
