using System.Collections.Concurrent;
using CsCheck;
using Xunit;

namespace Vmem.Memory.Tests.Blocks;

/// <summary>What calls that run side by side leave behind, some order of the same calls leaves behind, too. A failure names a seed for the
/// parameter <c>seed</c>.</summary>
public sealed unsafe class LinearizabilityTests : IDisposable
{
    private const int Samples = 40;

    private readonly ConcurrentBag<IDisposable> _made = [];

    /// <summary>A small block, one of the pages', and a large one; beside them memory goes back.</summary>
    [Fact]
    public void Calls_of_a_heap_have_an_order() => Gen.Const(() => Keep(new HeapCalls())).SampleParallel(
        Gen.Int[0, 2].Operation<HeapCalls>(static (calls, kind) => calls.Take(kind)),
        Gen.Int[0, 2].Operation<HeapCalls>(static (calls, kind) => calls.Give(kind)),
        Gen.Const(0).Operation<HeapCalls>(static (calls, _) => calls.Trim()),
        equal: static (parallel, ordered) => parallel.Outcome() == ordered.Outcome(),
        iter: Samples);

    /// <summary>Two clients of a block that is too small for both; either may be deleted while it is used.</summary>
    [Fact]
    public void Calls_of_clients_have_an_order() => Gen.Const(() => Keep(new ClientCalls())).SampleParallel(
        Gen.Int[0, 1].Operation<ClientCalls>(static (calls, client) => calls.Take(client)),
        Gen.Int[0, 1].Operation<ClientCalls>(static (calls, client) => calls.Give(client)),
        Gen.Int[0, 1].Operation<ClientCalls>(static (calls, client) => calls.Delete(client)),
        equal: static (parallel, ordered) => parallel.Outcome() == ordered.Outcome(),
        iter: Samples);

    public void Dispose()
    {
        foreach (IDisposable calls in _made)
        {
            calls.Dispose();
        }
    }

    private TCalls Keep<TCalls>(TCalls calls)
        where TCalls : IDisposable
    {
        _made.Add(calls);
        return calls;
    }

    private sealed class HeapCalls : IDisposable
    {
        private static readonly nuint[] s_sizes = [24, 100_000, 4 << 20];

        private readonly NativeHeap _heap = new();
        private readonly ConcurrentQueue<nuint>[] _held = [new(), new(), new()];

        public void Take(int kind) => _held[kind].Enqueue((nuint)_heap.Allocate(s_sizes[kind]));

        public void Give(int kind)
        {
            if (_held[kind].TryDequeue(out nuint block))
            {
                _heap.Free((void*)block);
            }
        }

        public void Trim() => _heap.Trim();

        public string Outcome()
        {
            _heap.Validate();
            Assert.All(_held, held => Assert.Equal(held.Count, held.Distinct().Count()));
            Assert.Equal(_held.Sum(held => held.Count), _heap.GetStatistics().LiveBlocks);
            return string.Join(' ', _held.Select(held => held.Count));
        }

        public void Dispose() => _heap.Dispose();
    }

    private sealed class ClientCalls : IDisposable
    {
        private const int BlockSize = 4_096;

        private readonly MemoryContext _context = new(3 * BlockSize, new MemoryContextOptions
        {
            BlockSize = BlockSize,
            Features = MemoryContextFeatures.ZeroOnHandOver | MemoryContextFeatures.Synchronized,
        });

        private readonly MemoryClient[] _clients;
        private readonly ConcurrentQueue<nuint>[] _held = [new(), new()];
        private readonly int[] _failed = new int[2];
        private readonly int[] _refused = new int[2];

        public ClientCalls()
        {
            _clients = [_context.CreateClient("first"), _context.CreateClient("second")];
            Take(0);
            Take(1);
        }

        public void Take(int client) => Call(client, () =>
        {
            if (_clients[client].TryAllocate(BlockSize, out void* block))
            {
                _held[client].Enqueue((nuint)block);
            }
            else
            {
                Interlocked.Increment(ref _failed[client]);
            }
        });

        /// <summary>A block of a client that has been deleted is nobody's.</summary>
        public void Give(int client) => Call(client, () =>
        {
            if (_held[client].TryDequeue(out nuint block))
            {
                _clients[client].Free((void*)block);
            }
        });

        public void Delete(int client) => _clients[client].Dispose();

        public string Outcome()
        {
            _context.Validate();
            return string.Join("; ", Enumerable.Range(0, 2).Select(
                client => $"{_held[client].Count} held, {_failed[client]} failed, {_refused[client]} refused")) +
                $"; {_context.GetStatistics().LargestFree} free";
        }

        public void Dispose() => _context.Dispose();

        private void Call(int client, Action call)
        {
            try
            {
                call();
            }
            catch (ObjectDisposedException)
            {
                Interlocked.Increment(ref _refused[client]);
            }
        }
    }
}
