using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Vmem.Benchmarks.Measurement;

namespace Vmem.Benchmarks.Web;

/// <summary>Clients of a server in a process of their own: a process has 20,000 descriptors on most machines, and both ends of 10,000
/// connections would need them all.</summary>
internal sealed class Visitors : IDisposable
{
    public const string Verb = "visitors";

    private readonly Process _process;

    /// <summary>Connects, and sends half of a request by each connection: the server keeps a block for it.</summary>
    public Visitors(int port, int count)
    {
        _process = ChildProcess.Start(Verb, port.ToString(CultureInfo.InvariantCulture), count.ToString(CultureInfo.InvariantCulture));
        Count = int.Parse(_process.StandardOutput.ReadLine() ?? "0", CultureInfo.InvariantCulture);
    }

    /// <summary>How many there are.</summary>
    public int Count { get; }

    /// <summary>All of them hang up.</summary>
    public void Dispose()
    {
        _process.StandardInput.Close();
        _process.WaitForExit();
        _process.Dispose();
    }

    /// <summary>What the child does: it stays until its input ends.</summary>
    public static int Run(int port, int count)
    {
        List<Socket> sockets = [];
        for (int i = 0; i < count; i++)
        {
            Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            sockets.Add(socket);
            socket.Connect(IPAddress.Loopback, port);
            _ = socket.Send("GET / HTTP"u8);
        }

        Console.WriteLine(sockets.Count.ToString(CultureInfo.InvariantCulture));
        _ = Console.In.ReadToEnd();
        sockets.ForEach(static socket => socket.Dispose());
        return 0;
    }
}
