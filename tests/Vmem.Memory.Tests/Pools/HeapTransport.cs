using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;

namespace Vmem.Memory.Tests.Pools;

/// <summary>A transport for Kestrel whose pool may be of any memory.</summary>
/// <remarks>Kestrel's own transport hands what leaves in several blocks to the socket as a list of array segments, and aborts the
/// connection ("Buffer backed by array was expected") if a block is no array. Pipes over a network stream send block by block.</remarks>
internal sealed class HeapTransport(MemoryPool<byte> pool) : IConnectionListenerFactory
{
    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        Socket socket = new(endpoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(endpoint);
        socket.Listen();
        return new(new Listener(socket, pool));
    }

    private sealed class Listener(Socket socket, MemoryPool<byte> pool) : IConnectionListener
    {
        private int _connections;

        public EndPoint EndPoint { get; } = socket.LocalEndPoint!;

        public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
        {
            try
            {
                Socket accepted = await socket.AcceptAsync(cancellationToken);
                accepted.NoDelay = true;
                NetworkStream stream = new(accepted, ownsSocket: true);
                PipeReader reader = PipeReader.Create(stream, new StreamPipeReaderOptions(pool, leaveOpen: true));
                PipeWriter writer = PipeWriter.Create(stream, new StreamPipeWriterOptions(pool, leaveOpen: true));
                return new Connection($"{++_connections}", stream, new Ends(reader, writer), pool);
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                return null;                      // it listens no more
            }
        }

        public ValueTask UnbindAsync(CancellationToken cancellationToken = default) => DisposeAsync();

        public ValueTask DisposeAsync()
        {
            socket.Dispose();
            return default;
        }
    }

    private sealed class Connection : DefaultConnectionContext, IMemoryPoolFeature
    {
        private readonly NetworkStream _stream;

        public Connection(string id, NetworkStream stream, IDuplexPipe ends, MemoryPool<byte> pool)
            : base(id, ends, ends)
        {
            _stream = stream;
            MemoryPool = pool;
            LocalEndPoint = stream.Socket.LocalEndPoint;
            RemoteEndPoint = stream.Socket.RemoteEndPoint;
            Features.Set<IMemoryPoolFeature>(this);
        }

        public MemoryPool<byte> MemoryPool { get; }

        public override void Abort(ConnectionAbortedException abortReason)
        {
            _stream.Close();
            base.Abort(abortReason);
        }

        public override async ValueTask DisposeAsync()
        {
            await _stream.DisposeAsync();
            await base.DisposeAsync();
        }
    }

    private sealed record Ends(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}
