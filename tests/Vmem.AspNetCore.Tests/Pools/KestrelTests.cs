using System.Buffers;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Vmem.Memory;
using Vmem.Testing.Time;

namespace Vmem.AspNetCore.Tests.Pools;

/// <summary>Kestrel with our pool under its own transport serves real HTTP, and gives every block back.</summary>
public class KestrelTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(HttpProtocols.Http1, false)]
    [InlineData(HttpProtocols.Http1, true)]
    [InlineData(HttpProtocols.Http2, false)]
    [InlineData(HttpProtocols.Http2, true)]
    public async Task Answers_of_all_sizes_come_whole(HttpProtocols protocols, bool isSecure)
    {
        await using WebServer server = await WebServer.StartAsync(protocols, isSecure);
        using HttpClient client = server.NewClient(protocols == HttpProtocols.Http2);
        foreach (int count in (int[])[1, 100, 4_095, 4_096, 4_097, 65_537, 200_000, 1_000_000, 10_000_000])
        {
            byte[] answer = await client.GetByteArrayAsync(new Uri($"/bytes/{count}", UriKind.Relative), Token);
            Assert.True(answer.AsSpan().SequenceEqual(WebServer.BytesOf(count)), $"An answer of {count} bytes came as {answer.Length} others.");
        }

        await Task.WhenAll(Enumerable.Range(0, 16).Select(number => EchoAsync(client, number)));
        await AssertAllIsBackAsync(server, client);
        Assert.InRange(server.Pool.GetStatistics().Rents, 200, long.MaxValue);
    }

    /// <summary>Blocks are shorter than pages, so that the parts of an answer do not all lie at the same place of their pages.</summary>
    [Fact]
    public async Task Blocks_of_an_answer_are_staggered()
    {
        await using WebServer server = await WebServer.StartAsync();
        using MemoryPool<byte> pool = server.Services.GetRequiredService<IMemoryPoolFactory<byte>>().Create();
        using IMemoryOwner<byte> block = pool.Rent(pool.MaxBufferSize);
        Assert.Equal((4_080, 4_080), (pool.MaxBufferSize, block.Memory.Length));
    }

    /// <summary>Half of the clients hang up in the middle of the request, half in the middle of the answer.</summary>
    [Theory]
    [InlineData(HttpProtocols.Http1)]
    [InlineData(HttpProtocols.Http2)]
    public async Task After_a_thousand_clients_that_hang_up_nothing_is_out(HttpProtocols protocols)
    {
        await using WebServer server = await WebServer.StartAsync(protocols);
        await Parallel.ForAsync(0, 1_000, new ParallelOptions { MaxDegreeOfParallelism = 32, CancellationToken = Token },
            async (number, token) => await HangUpAsync(server.Address, protocols, number, token));
        // One of them may be served late, when no other is left.
        PinnedMemoryPoolStatistics statistics = default!;
        await Eventually.HoldsAsync(() => (statistics = server.Pool.GetStatistics()) is { Outstanding: 0, Rents: >= 1_000 });
        Assert.Equal((0, (nuint)0), (statistics.StrayDisposals, statistics.InUse));
        server.Pool.Validate();
    }

    [Fact]
    public async Task Clients_that_hang_up_in_TLS_leave_nothing_either()
    {
        await using WebServer server = await WebServer.StartAsync(HttpProtocols.Http1, isSecure: true);
        for (int number = 0; number < 40; number++)
        {
            using HttpClient client = server.NewClient(isHttp2: false);
            using HttpResponseMessage response = await client.GetAsync(new Uri("/bytes/3000000", UriKind.Relative),
                HttpCompletionOption.ResponseHeadersRead, Token);
            await using Stream body = await response.Content.ReadAsStreamAsync(Token);
            await body.ReadExactlyAsync(new byte[10_000], Token);
        }

        await Eventually.HoldsAsync(() => server.Pool.GetStatistics().Outstanding == 0);
        server.Pool.Validate();
    }

    /// <summary>A connection for which there is no memory is aborted, and the server goes on.</summary>
    [Fact]
    public async Task At_the_limit_connections_fail_and_the_server_does_not()
    {
        await using WebServer server = await WebServer.StartAsync(configure: static options => options.Limit = 1 << 20);
        List<Socket> idle = [];
        try
        {
            int failed = 0;
            for (int number = 0; number < 600 && failed == 0; number++)
            {
                Socket socket = await ConnectAsync(server.Address, Token);
                idle.Add(socket);
                await socket.SendAsync("GET /bytes/10 HT"u8.ToArray(), Token);           // a block is kept for what comes next
                failed = (int)server.Pool.GetStatistics().Failures;
                Assert.InRange(server.Pool.GetStatistics().Held, 0u, 1u << 20);
            }

            // A busy server may not have come to all of them yet.
            await Eventually.HoldsAsync(() => server.Pool.GetStatistics().Failures > 0);
        }
        finally
        {
            idle.ForEach(static socket => socket.Dispose());
        }

        await Eventually.HoldsAsync(() => server.Pool.GetStatistics().Outstanding == 0);
        using HttpClient client = server.NewClient(isHttp2: false);
        Assert.Equal(WebServer.BytesOf(10), await client.GetByteArrayAsync(new Uri("/bytes/10", UriKind.Relative), Token));
    }

    [Fact]
    public async Task After_many_connections_the_memory_goes_back_within_the_interval()
    {
        ManualTime time = new();
        TimeSpan interval = TimeSpan.FromSeconds(10);
        await using WebServer server = await WebServer.StartAsync(configure: options =>
            (options.TimeProvider, options.TrimInterval) = (time, interval));
        List<Socket> sockets = [];
        try
        {
            for (int number = 0; number < 2_000; number++)
            {
                Socket socket = await ConnectAsync(server.Address, Token);
                sockets.Add(socket);
                await socket.SendAsync("GET /bytes/10 HT"u8.ToArray(), Token);
            }

            await Eventually.HoldsAsync(() => server.Pool.GetStatistics().InUse >= 2_000 * 4_096);
        }
        finally
        {
            sockets.ForEach(static socket => socket.Dispose());
        }

        await Eventually.HoldsAsync(() => server.Pool.GetStatistics().Outstanding == 0);
        Assert.InRange(server.Pool.GetStatistics().Dirty, 2_000u * 4_096, uint.MaxValue);
        time.Advance(interval);
        PinnedMemoryPoolStatistics after = server.Pool.GetStatistics();
        Assert.Equal(0u, after.Dirty);
        Assert.InRange(after.Held, 0u, 1u << 20);
        Assert.InRange(after.Trimmed, 2_000 * 4_096, long.MaxValue);
    }

    private static async Task EchoAsync(HttpClient client, int number)
    {
        Random random = new(number);
        for (int i = 0; i < 10; i++)
        {
            byte[] body = new byte[random.Next(3) == 0 ? random.Next(300_000) : random.Next(5_000)];
            random.NextBytes(body);
            using ByteArrayContent content = new(body);
            using HttpResponseMessage response = await client.PostAsync(new Uri("/echo", UriKind.Relative), content, Token);
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
            Assert.True((await response.Content.ReadAsByteArrayAsync(Token)).AsSpan().SequenceEqual(body), $"Body {i} of client {number} came back as others.");
        }
    }

    private static async Task HangUpAsync(Uri address, HttpProtocols protocols, int number, CancellationToken token)
    {
        using Socket socket = await ConnectAsync(address, token);
        if (protocols == HttpProtocols.Http2)
        {
            // The preface and its settings, and then the head of a frame of data whose rest never comes, or a request for much.
            await socket.SendAsync("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8.ToArray().Concat(new byte[] { 0, 0, 0, 4, 0, 0, 0, 0, 0 }).ToArray(), token);
            await socket.SendAsync(number % 2 == 0 ? [0, 64, 0, 1, 4, 0, 0, 0, 1, 0x82] : Headers("/bytes/1000000"), token);
        }
        else
        {
            string request = number % 2 == 0
                ? $"POST /echo HTTP/1.1\r\nHost: here\r\nContent-Length: 100000\r\n\r\n{new string('x', number * 20)}"
                : "GET /bytes/1000000 HTTP/1.1\r\nHost: here\r\n\r\n";
            await socket.SendAsync(Encoding.ASCII.GetBytes(request), token);
        }

        if (number % 2 != 0)
        {
            _ = await socket.ReceiveAsync(new byte[1_000], token);
        }

        // By a reset, or by an orderly end.
        socket.LingerState = new LingerOption(enable: number % 4 < 2, seconds: 0);
    }

    /// <summary>A frame of HTTP/2 that asks for a path: method GET, scheme http, and the path and the authority as they are.</summary>
    private static byte[] Headers(string path)
    {
        byte[] fields = [0x82, 0x86, 0x04, (byte)path.Length, .. Encoding.ASCII.GetBytes(path), 0x01, 4, .. "here"u8];
        return [0, 0, (byte)fields.Length, 1, 5, 0, 0, 0, 1, .. fields];
    }

    private static async Task<Socket> ConnectAsync(Uri address, CancellationToken token)
    {
        Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, address.Port, token);
        return socket;
    }

    private static async Task AssertAllIsBackAsync(WebServer server, HttpClient client)
    {
        client.Dispose();
        await Eventually.HoldsAsync(() => server.Pool.GetStatistics().Outstanding == 0);
        Assert.Equal(0, server.Pool.GetStatistics().StrayDisposals);
        server.Pool.Validate();
        await server.StopAsync();
    }
}
