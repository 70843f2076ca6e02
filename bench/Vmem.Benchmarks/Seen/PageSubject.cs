using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Vmem.AspNetCore;

namespace Vmem.Benchmarks.Seen;

/// <summary>The live page, and a reader of its events in the same process.</summary>
internal sealed class PageSubject : IDisposable
{
    private readonly WebApplication _app;
    private Socket? _reader;
    private Task _reading = Task.CompletedTask;
    private long _bytes;

    public PageSubject()
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(static options =>
            options.Listen(IPAddress.Loopback, 0, static listen => listen.Protocols = HttpProtocols.Http1));
        builder.Services.AddRoutingCore();
        _app = builder.Build();
        _app.MapVmem(configure: static options => options.Enabled = true);
        _app.StartAsync().GetAwaiter().GetResult();
    }

    /// <summary>What came of the events so far.</summary>
    public long Bytes => Interlocked.Read(ref _bytes);

    /// <summary>Begins to read events.</summary>
    public void Look()
    {
        _reader = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        _reader.Connect(IPAddress.Loopback, new Uri(_app.Urls.Single()).Port);
        _reader.Send("GET /vmem/events HTTP/1.1\r\nHost: here\r\n\r\n"u8);
        _reading = ReadAsync(_reader);
    }

    public void Dispose()
    {
        _reader?.Dispose();
        _reading.GetAwaiter().GetResult();
        _app.DisposeAsync().AsTask().GetAwaiter().GetResult();
    }

    private async Task ReadAsync(Socket reader)
    {
        byte[] buffer = new byte[64 << 10];
        try
        {
            for (int read = 1; read > 0;)
            {
                read = await reader.ReceiveAsync(buffer).ConfigureAwait(false);
                _ = Interlocked.Add(ref _bytes, read);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // It has seen enough.
        }
    }
}
