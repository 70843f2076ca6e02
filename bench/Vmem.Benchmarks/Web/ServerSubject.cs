using System.Buffers;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Vmem.AspNetCore;

namespace Vmem.Benchmarks.Web;

/// <summary>Kestrel over one pool, and clients in the same process that ask as fast as they are answered.</summary>
internal sealed class ServerSubject : IAsyncDisposable
{
    private const int Connections = 16;

    private static readonly byte[] s_hello = "hello, world"u8.ToArray();
    private static readonly byte[] s_long = new byte[200_000];

    private readonly WebApplication _app;
    private readonly IPEndPoint _address;

    private ServerSubject(string name, WebApplication app)
    {
        Name = name;
        _app = app;
        Pool = app.Services.GetRequiredService<IMemoryPoolFactory<byte>>().Create();
        _address = new IPEndPoint(IPAddress.Loopback, new Uri(app.Urls.Single()).Port);
    }

    public string Name { get; }

    public int Port => _address.Port;

    /// <summary>A pool as the server's transport has it.</summary>
    public MemoryPool<byte> Pool { get; }

    public static ServerSubject Start(string name, Action<IWebHostBuilder> configure)
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore();
        configure(builder.WebHost);
        builder.WebHost.ConfigureKestrel(static options =>
            options.Listen(IPAddress.Loopback, 0, static listen => listen.Protocols = HttpProtocols.Http1));
        WebApplication app = builder.Build();
        app.Run(static context =>
        {
            byte[] answer = context.Request.Path.Value == "/long" ? s_long : s_hello;
            context.Response.ContentLength = answer.Length;
            return context.Response.Body.WriteAsync(answer).AsTask();
        });
        app.StartAsync().GetAwaiter().GetResult();
        return new ServerSubject(name, app);
    }

    /// <summary>Requests a second, and the processor time of each: that of its client, which is in the same process, is in it.</summary>
    public ServerTurn Measure(string path, double seconds)
    {
        TimeSpan processor = Environment.CpuUsage.TotalTime;
        int collections = GC.CollectionCount(0);
        long end = Stopwatch.GetTimestamp() + (long)(seconds * Stopwatch.Frequency);
        long start = Stopwatch.GetTimestamp();
        IEnumerable<Task<long>> clients = Enumerable.Range(0, Connections).Select(_ => Task.Run(() => AskAsync(path, end)));
        long requests = Task.WhenAll(clients).GetAwaiter().GetResult().Sum();
        double elapsed = Stopwatch.GetElapsedTime(start).TotalSeconds;
        processor = Environment.CpuUsage.TotalTime - processor;
        return new ServerTurn(requests / elapsed, processor.TotalMicroseconds / requests, GC.CollectionCount(0) - collections);
    }

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();

    private async Task<long> AskAsync(string path, long end)
    {
        byte[] request = [.. "GET "u8, .. System.Text.Encoding.ASCII.GetBytes(path), .. " HTTP/1.1\r\nHost: here\r\n\r\n"u8];
        byte[] answer = new byte[64 << 10];
        int body = path == "/long" ? s_long.Length : s_hello.Length;
        using Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(_address);
        long requests = 0;
        for (; Stopwatch.GetTimestamp() < end; requests++)
        {
            await socket.SendAsync(request);
            int read = await socket.ReceiveAsync(answer);
            int head = answer.AsSpan(0, read).IndexOf("\r\n\r\n"u8) + 4;
            for (int left = body - (read - head); left > 0;)
            {
                left -= await socket.ReceiveAsync(answer);
            }
        }

        return requests;
    }
}
