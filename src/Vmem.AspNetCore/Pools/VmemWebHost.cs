using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Vmem.AspNetCore.Pools;
using Vmem.Memory;

namespace Vmem.AspNetCore;

/// <summary>Puts Vmem under a web server.</summary>
public static class VmemWebHost
{
    /// <summary>The key of the server's pool among the services, and its name in messages and metrics. A service asks for
    /// <c>[FromKeyedServices(VmemWebHost.PoolKey)] PinnedMemoryPool&lt;byte&gt;</c>.</summary>
    public const string PoolKey = "kestrel";

    /// <summary>Gives Kestrel a pool of pinned slabs, which it uses by its own transport.</summary>
    /// <param name="builder">The web host.</param>
    /// <param name="limit">The most bytes that the pool may take, at least a slab of 1 MiB; 0: no limit.</param>
    /// <returns>The web host.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The limit is negative, or less than a slab.</exception>
    public static IWebHostBuilder UseVmemPool(this IWebHostBuilder builder, long limit = 0)
    {
        ServerPool.CheckLimit(limit);
        return builder.UseVmemPool(options => options.Limit = limit);
    }

    /// <summary>The same, with all options.</summary>
    /// <param name="builder">The web host.</param>
    /// <param name="configure">Sets the options.</param>
    /// <returns>The web host.</returns>
    /// <remarks>All pools that the server asks for share one <see cref="PinnedMemoryPool{T}"/>, so the limit is that of the server. The
    /// host disposes of it. Wrong options are an <see cref="ArgumentException"/> when the server starts. To be called after Kestrel was
    /// chosen, as by the builders of <c>WebApplication</c>: a call of <c>UseKestrelCore</c> that follows would bring back the stock pool,
    /// and the server refuses to start then.</remarks>
    public static IWebHostBuilder UseVmemPool(this IWebHostBuilder builder, Action<VmemPoolOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(configure);
        VmemPoolOptions options = new();
        configure(options);
        return builder.ConfigureServices(services =>
        {
            services.RemoveAllKeyed<PinnedMemoryPool<byte>>(PoolKey);
            services.AddKeyedSingleton(PoolKey, (provider, _) => ServerPool.Create(options, provider));
            services.Replace(ServiceDescriptor.Singleton<IMemoryPoolFactory<byte>, ServerPools>());
            services.TryAddEnumerable(ServiceDescriptor.Singleton<IStartupFilter, PoolCheck>());
        });
    }
}
