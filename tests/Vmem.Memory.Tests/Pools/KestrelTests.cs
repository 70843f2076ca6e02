using System.Buffers;
using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Vmem.Memory.Tests.Pools;

/// <summary>Kestrel with the heap under it serves real HTTP, and gives every block back.</summary>
public class KestrelTests
{
    private const int Clients = 32;
    private const int RequestsEach = 20;
    private const int LargestBody = 300_000;

    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(2);

    /// <summary>Bodies of all sizes go in and come back.</summary>
    [Theory]
    [InlineData(HttpProtocols.Http1, true)]
    [InlineData(HttpProtocols.Http2, true)]
    [InlineData(HttpProtocols.Http1, false)]
    public async Task Kestrel_serves_over_the_heap_and_leaves_nothing_in_it(HttpProtocols protocol, bool recycle)
    {
        using NativeHeap heap = new();
        using NativeMemoryPool<byte> pool = new(heap, new NativeMemoryPoolOptions { RecycleOwners = recycle });
        await ServeAsync(protocol, services => services.AddSingleton<IConnectionListenerFactory>(new HeapTransport(pool)), isEcho: true);
        Assert.InRange(pool.GetStatistics().Rents, Clients * RequestsEach, long.MaxValue);
        AssertAllIsBack(heap, [pool]);
    }

    /// <summary>The transport that comes with Kestrel sends from arrays whatever does not fit into one block: so answers must be short.
    /// What comes in may be long.</summary>
    [Fact]
    public async Task Kestrels_own_transport_takes_the_pool_for_what_comes_in()
    {
        using NativeHeap heap = new();
        HeapPools pools = new(heap);
        await ServeAsync(HttpProtocols.Http1, services => services.AddSingleton<IMemoryPoolFactory<byte>>(pools), isEcho: false);
        Assert.NotEmpty(pools.Made);
        Assert.InRange(pools.Made.Sum(pool => pool.GetStatistics().Rents), Clients * RequestsEach, long.MaxValue);
        AssertAllIsBack(heap, pools.Made);
    }

    private static async Task ServeAsync(HttpProtocols protocol, Action<IServiceCollection> use, bool isEcho)
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore();
        builder.WebHost.ConfigureKestrel(options => options.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = protocol));
        builder.Services.AddRoutingCore();
        use(builder.Services);
        await using WebApplication server = builder.Build();
        server.MapPost("/{number}", context => AnswerAsync(context, isEcho));
        await server.StartAsync(TestContext.Current.CancellationToken);
        using (HttpClient client = new(new SocketsHttpHandler { MaxConnectionsPerServer = Clients }))
        {
            client.BaseAddress = new Uri(server.Urls.Single());
            Version version = protocol == HttpProtocols.Http2 ? HttpVersion.Version20 : HttpVersion.Version11;
            await Task.WhenAll(Enumerable.Range(0, Clients).Select(number => Task.Run(() => AskAsync(client, version, number, isEcho))))
                .WaitAsync(s_patience);
        }

        await server.StopAsync(TestContext.Current.CancellationToken);
    }

    /// <summary>What comes back is what was sent, and the server has taken the same hash of it.</summary>
    private static async Task AskAsync(HttpClient client, Version version, int number, bool isEcho)
    {
        Random random = new(number);
        for (int i = 0; i < RequestsEach; i++)
        {
            byte[] body = new byte[random.Next(3) == 0 ? random.Next(LargestBody) : random.Next(5_000)];
            random.NextBytes(body);
            using HttpRequestMessage request = new(HttpMethod.Post, $"/{number}")
            {
                Content = new ByteArrayContent(body),
                Version = version,
                VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            };
            using HttpResponseMessage response = await client.SendAsync(request);
            byte[] answer = await response.Content.ReadAsByteArrayAsync();
            byte[] hash = SHA256.HashData(body);
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
            Assert.True(answer.AsSpan().SequenceEqual(isEcho ? body : hash), $"Request {i} of client {number}, of {body.Length} bytes, came back as {answer.Length} others.");
            Assert.Equal(Convert.ToHexString(hash), response.Headers.GetValues("X-Hash").Single());
            Assert.Equal($"{number}", response.Headers.GetValues("X-Client").Single());
        }
    }

    private static async Task AnswerAsync(HttpContext context, bool isEcho)
    {
        using NativeBufferWriter body = new(NativeHeap.Shared);
        int read;
        while ((read = await context.Request.Body.ReadAsync(body.GetMemory(1_000))) > 0)
        {
            body.Advance(read);
        }

        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (ReadOnlyMemory<byte> part in body.WrittenSequence)
        {
            hash.AppendData(part.Span);
        }

        byte[] digest = hash.GetHashAndReset();
        context.Response.Headers["X-Hash"] = Convert.ToHexString(digest);
        context.Response.Headers["X-Client"] = (string?)context.Request.RouteValues["number"];
        foreach (ReadOnlyMemory<byte> part in isEcho ? body.WrittenSequence : new ReadOnlySequence<byte>(digest))
        {
            context.Response.BodyWriter.Write(part.Span);
            await context.Response.BodyWriter.FlushAsync();
        }
    }

    private static void AssertAllIsBack(NativeHeap heap, IEnumerable<NativeMemoryPool<byte>> pools)
    {
        Assert.All(pools, pool => Assert.Equal((0, 0), (pool.GetStatistics().Outstanding, pool.GetStatistics().StrayDisposals)));
        Assert.Equal(0, heap.GetStatistics().LiveBlocks);
        heap.Validate();
    }

    private sealed class HeapPools(NativeHeap heap) : IMemoryPoolFactory<byte>
    {
        public ConcurrentBag<NativeMemoryPool<byte>> Made { get; } = [];

        public MemoryPool<byte> Create(MemoryPoolOptions? options = null)
        {
            NativeMemoryPool<byte> pool = new(heap, new NativeMemoryPoolOptions { Name = options?.Owner ?? "kestrel" });
            Made.Add(pool);
            return pool;
        }
    }
}
