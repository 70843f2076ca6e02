using System.Buffers;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.DependencyInjection;
using Vmem.Memory;

namespace Vmem.AspNetCore.Pools;

/// <summary>The pools that a server asks for: all of them are one.</summary>
/// <remarks>Kestrel asks for a pool for each of its queues of input and output, one a processor, so that their threads do not meet. Ours
/// has magazines for each thread, and a limit makes sense only for all together. Rejected: a pool for each, as each keeps for itself what
/// another needs.</remarks>
internal sealed class ServerPools : IMemoryPoolFactory<byte>, IDisposable
{
    private readonly PinnedMemoryPool<byte> _pool;
    private readonly ServerPoolMetrics _metrics;

    public ServerPools([FromKeyedServices(VmemWebHost.PoolKey)] PinnedMemoryPool<byte> pool)
    {
        _pool = pool;
        _metrics = new ServerPoolMetrics(pool);
    }

    public MemoryPool<byte> Create(MemoryPoolOptions? options = null) => new SharedPool(_pool);

    public void Dispose() => _metrics.Dispose();

    /// <summary>One queue's view. It ends without the pool: others use that.</summary>
    private sealed class SharedPool(PinnedMemoryPool<byte> pool) : MemoryPool<byte>
    {
        private const int BlockLength = 4096 - ServerPool.Stagger;

        private volatile bool _disposed;

        /// <summary>One block, as with the stock pool: Kestrel asks for as much, and for a page if it can be had, which is two of ours.
        /// What an application wants beyond it has from <see cref="ArrayPool{T}.Shared"/>, through the pipes.</summary>
        public override int MaxBufferSize => BlockLength;

        public override IMemoryOwner<byte> Rent(int minBufferSize = -1)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            return pool.Rent(minBufferSize);
        }

        protected override void Dispose(bool disposing) => _disposed = true;
    }
}
