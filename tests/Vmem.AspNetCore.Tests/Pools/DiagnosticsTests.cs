using System.Buffers;
using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Vmem.Memory;

namespace Vmem.AspNetCore.Tests.Pools;

/// <summary>The pool under a server is seen where aspnetcore's own is, and says who has its memory.</summary>
public class DiagnosticsTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>Of the stock pool, whatever its version, and of ours: the same instruments, in the same units.</summary>
    [Fact]
    public async Task It_has_the_instruments_of_the_stock_pool()
    {
        ConcurrentDictionary<(string Name, string? Unit), long> stock = await MeasureAsync(isOurs: false);
        ConcurrentDictionary<(string Name, string? Unit), long> ours = await MeasureAsync(isOurs: true);
        Assert.Equal(stock.Keys.Order(), ours.Keys.Order());
        Assert.InRange(ours[("aspnetcore.memory_pool.rented", "By")], 2_000_000, long.MaxValue);
        Assert.InRange(ours[("aspnetcore.memory_pool.allocated", "By")], 1 << 20, long.MaxValue);
        Assert.InRange(ours[("aspnetcore.memory_pool.pooled", "By")], 4_096, long.MaxValue);
    }

    [Fact]
    public async Task An_audited_pool_says_which_code_of_the_server_has_its_memory()
    {
        await using WebServer server = await WebServer.StartAsync(configure: static options => options.Audit = true);
        using TcpClient client = new();
        await client.ConnectAsync(server.Address.Host, server.Address.Port, Token);
        await client.GetStream().WriteAsync("GET /bytes/10 HT"u8.ToArray(), Token);
        await Testing.Time.Eventually.HoldsAsync(() => server.Pool.GetStatistics().Outstanding > 0);
        AuditReport<nuint> report = server.Pool.GetAuditReport();
        Assert.Equal((VmemWebHost.PoolKey, (nuint)1), (report.ArenaName, report.Size));
        Assert.Contains("System.IO.Pipelines.Pipe", Assert.Single(report.Groups).Stack, StringComparison.Ordinal);
    }

    [Fact]
    public void The_last_one_to_be_asked_for_counts_and_wrong_options_are_refused()
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseVmemPool(limit: 1 << 20).UseVmemPool(limit: 5 << 20);
        using (ServiceProvider services = builder.Services.BuildServiceProvider())
        {
            Assert.IsAssignableFrom<MemoryPool<byte>>(services.GetRequiredService<IMemoryPoolFactory<byte>>().Create());
            PinnedMemoryPool<byte> pool = services.GetRequiredKeyedService<PinnedMemoryPool<byte>>(VmemWebHost.PoolKey);
            Assert.Equal((5 << 20) - 16, pool.MaxBufferSize);
        }

        Assert.Throws<ArgumentOutOfRangeException>(() => builder.WebHost.UseVmemPool(limit: -1));
        Assert.Throws<ArgumentOutOfRangeException>(() => builder.WebHost.UseVmemPool(limit: 100_000));      // a slab takes more
        builder.WebHost.UseVmemPool(static options => options.TrimInterval = TimeSpan.Zero);
        using ServiceProvider wrong = builder.Services.BuildServiceProvider();
        Assert.Throws<ArgumentException>(() => wrong.GetRequiredService<IMemoryPoolFactory<byte>>());
    }

    /// <summary>An owner of the server's pool serves one rental, unless somebody takes the risk.</summary>
    [Theory]
    [InlineData(null)]
    [InlineData(false)]
    [InlineData(true)]
    public void A_second_disposal_ends_nobodys_rental_unless_owners_are_recycled(bool? recycles)
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseVmemPool(options => options.RecycleOwners = recycles ?? options.RecycleOwners);
        using ServiceProvider services = builder.Services.BuildServiceProvider();
        using System.Buffers.MemoryPool<byte> pool = services.GetRequiredService<IMemoryPoolFactory<byte>>().Create();
        IMemoryOwner<byte> first = pool.Rent();
        first.Dispose();
        IMemoryOwner<byte> second = pool.Rent();
        first.Dispose();
        PinnedMemoryPoolStatistics seen = services.GetRequiredKeyedService<PinnedMemoryPool<byte>>(VmemWebHost.PoolKey).GetStatistics();
        Assert.Equal(recycles == true ? (0, 0) : (1, 1), (seen.Outstanding, seen.StrayDisposals));
        second.Dispose();
    }

    /// <summary>Kestrel's own factory would take the place of ours, and nobody would see it.</summary>
    [Fact]
    public async Task A_server_that_was_chosen_later_does_not_start_with_another_pool()
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseVmemPool();
        builder.WebHost.UseKestrelCore().UseUrls("http://127.0.0.1:0");
        await using WebApplication app = builder.Build();
        InvalidOperationException fault = await Assert.ThrowsAsync<InvalidOperationException>(() => app.StartAsync(Token));
        Assert.Contains("UseVmemPool", fault.Message, StringComparison.Ordinal);
    }

    /// <summary>The pool is the server's, whoever of it ends first.</summary>
    [Fact]
    public void A_queue_that_ends_leaves_the_pool_to_the_others()
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseVmemPool();
        using ServiceProvider services = builder.Services.BuildServiceProvider();
        IMemoryPoolFactory<byte> factory = services.GetRequiredService<IMemoryPoolFactory<byte>>();
        System.Buffers.MemoryPool<byte> first = factory.Create();
        using System.Buffers.MemoryPool<byte> second = factory.Create();
        first.Dispose();
        Assert.Throws<ObjectDisposedException>(() => first.Rent());
        using (second.Rent())
        {
            Assert.Equal(1, services.GetRequiredKeyedService<PinnedMemoryPool<byte>>(VmemWebHost.PoolKey).GetStatistics().Outstanding);
        }
    }

    private static async Task<ConcurrentDictionary<(string Name, string? Unit), long>> MeasureAsync(bool isOurs)
    {
        ConcurrentDictionary<(string, string?), long> measured = new();
        using MeterListener listener = new();
        listener.InstrumentPublished = (instrument, at) =>
        {
            // Servers of other tests have both: theirs are added, and of the stock pool what went before the first look is missing. It
            // counts, and ours is asked.
            if (instrument.Meter.Name == "Microsoft.AspNetCore.MemoryPool" && instrument.IsObservable == isOurs)
            {
                _ = measured.TryAdd((instrument.Name, instrument.Unit), 0);
                at.EnableMeasurementEvents(instrument);
            }
        };
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) =>
        {
            Assert.Contains(tags.ToArray(), static tag => tag.Key == "aspnetcore.memory_pool.owner" && (string?)tag.Value == "kestrel");
            _ = measured.AddOrUpdate((instrument.Name, instrument.Unit), value, (_, sum) => sum + value);
        });
        listener.Start();
        await using WebServer server = await WebServer.StartAsync(isOurs: isOurs);
        using HttpClient client = server.NewClient(isHttp2: false);
        _ = await client.GetByteArrayAsync(new Uri("/bytes/2000000", UriKind.Relative), Token);
        if (isOurs)
        {
            // The client has its answer before the server has given all of its memory back.
            await Testing.Time.Eventually.HoldsAsync(() => server.Pool.GetStatistics().Dirty >= 4_096);
        }

        listener.RecordObservableInstruments();
        return measured;
    }
}
