using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;

namespace Vmem.AspNetCore.Pools;

/// <summary>A server starts with the pool that was asked for, or not at all.</summary>
internal sealed class PoolCheck(IMemoryPoolFactory<byte> factory) : IStartupFilter
{
    public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => factory is ServerPools
        ? next
        : throw new InvalidOperationException(
            $"The server's pools come from {factory.GetType()}, though UseVmemPool was called: call it after UseKestrel or UseKestrelCore.");
}
