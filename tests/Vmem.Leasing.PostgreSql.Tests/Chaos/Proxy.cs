using System.Net;
using System.Net.Sockets;

namespace Vmem.Leasing.PostgreSql.Tests.Chaos;

/// <summary>Stands between a holder and the server, and can be half-open: connections stay, and nothing passes; or lose an
/// answer.</summary>
internal sealed class Proxy : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    public Proxy(int server)
    {
        Server = server;
        _listener.Start();
        Port = ((IPEndPoint)_listener.LocalEndpoint).Port;
        _ = AcceptAsync();
    }

    public int Port { get; }

    /// <summary>The port to which new connections go.</summary>
    public volatile int Server;

    /// <summary>Nothing passes, and nobody is told.</summary>
    public volatile bool IsFrozen;

    /// <summary>Questions pass. Answers wait.</summary>
    public volatile bool HoldsAnswers;

    /// <summary>The next answer is thrown away, and its connection reset.</summary>
    public volatile bool LosesAnswer;

    public void Dispose()
    {
        _stop.Cancel();
        _listener.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                _ = ServeAsync(await _listener.AcceptTcpClientAsync(_stop.Token));
            }
        }
        catch (Exception fault) when (fault is OperationCanceledException or ObjectDisposedException or SocketException)
        {
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using TcpClient own = client;
        using TcpClient server = new();
        try
        {
            await server.ConnectAsync(IPAddress.Loopback, Server, _stop.Token);
            await Task.WhenAny(
                PassAsync(own.GetStream(), server.GetStream(), isAnswer: false),
                PassAsync(server.GetStream(), own.GetStream(), isAnswer: true));
        }
        catch (Exception fault) when (fault is OperationCanceledException or SocketException or IOException)
        {
        }
    }

    private async Task PassAsync(NetworkStream from, NetworkStream to, bool isAnswer)
    {
        byte[] buffer = new byte[16384];
        try
        {
            while (await from.ReadAsync(buffer, _stop.Token) is > 0 and var count)
            {
                while (IsFrozen || (isAnswer && HoldsAnswers))
                {
                    await Task.Delay(10, _stop.Token);
                }

                if (isAnswer && LosesAnswer)
                {
                    LosesAnswer = false;
                    return;
                }

                await to.WriteAsync(buffer.AsMemory(0, count), _stop.Token);
            }
        }
        catch (Exception fault) when (fault is OperationCanceledException or IOException or ObjectDisposedException)
        {
        }
    }
}
