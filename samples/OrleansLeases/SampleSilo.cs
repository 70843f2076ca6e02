using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans.LeaseProviders;
using Orleans.Streams;
using Vmem.Leasing;

namespace Vmem.Samples;

/// <summary>A silo of this machine, with a store of its own over the cluster's file, as a process of its own would have.</summary>
internal sealed class SampleSilo : IAsyncDisposable
{
    public const int Queues = 8;

    private readonly IHost _host;
    private readonly SqliteLeaseStore _store;

    private SampleSilo(IHost host, SqliteLeaseStore store, IPEndPoint address) => (_host, _store, Address) = (host, store, address);

    public IPEndPoint Address { get; }

    public IStreamProvider Streams => _host.Services.GetRequiredService<IClusterClient>().GetStreamProvider(Numbers.Name);

    /// <summary>Starts one.</summary>
    /// <param name="file">The file of leases.</param>
    /// <param name="name">Who it is, for people.</param>
    /// <param name="cluster">The first silo's address. Null: it is the first.</param>
    public static async Task<SampleSilo> StartAsync(string file, string name, IPEndPoint? cluster = null)
    {
        var store = new SqliteLeaseStore(file);
        (int own, int gateway) = FreePorts();
        IPEndPoint address = new(IPAddress.Loopback, own);
        HostApplicationBuilder builder = Host.CreateApplicationBuilder();
        builder.Logging.SetMinimumLevel(LogLevel.Critical);
        builder.Services.AddSingleton<ILeaseProvider>(new StoreLeaseProvider(store, name, TimeProvider.System));
        builder.UseOrleans(silo => silo
            .UseLocalhostClustering(own, gateway, cluster ?? address)
            .AddMemoryStreams(Numbers.Name, streams =>
            {
                streams.ConfigurePartitioning(Queues);
                streams.ConfigureStreamPubSub(StreamPubSubType.ImplicitOnly);
                streams.UseLeaseBasedQueueBalancer(balancer => balancer.Configure(options =>
                {
                    options.LeaseCategory = Numbers.Name;
                    options.LeaseAcquisitionPeriod = TimeSpan.FromMilliseconds(100);   // 30 s, unless set
                }));
            }));
        IHost host = builder.Build();
        await host.StartAsync();
        return new SampleSilo(host, store, address);
    }

    /// <summary>Stops it: it gives its queues back.</summary>
    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync();
        _host.Dispose();
        await _store.DisposeAsync();
    }

    // Both at once, or they may be the same.
    private static (int Own, int Gateway) FreePorts()
    {
        using TcpListener own = new(IPAddress.Loopback, 0);
        using TcpListener gateway = new(IPAddress.Loopback, 0);
        own.Start();
        gateway.Start();
        return (PortOf(own), PortOf(gateway));
    }

    private static int PortOf(TcpListener listener) => ((IPEndPoint)listener.LocalEndpoint).Port;
}
