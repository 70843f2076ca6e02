using Xunit;

namespace Vmem.Memory.Tests.Callbacks;

/// <summary>A heap and a client as C calls them.</summary>
public unsafe class MemoryFunctionTests
{
    public static TheoryData<bool> Clients => [false, true];

    [Theory]
    [MemberData(nameof(Clients))]
    public void They_do_what_C_says(bool client)
    {
        using Target target = new(client);
        MemoryFunctions c = target.Functions;
        byte* block = (byte*)c.Malloc(c.Context, 100);
        Assert.True(c.UsableSize(c.Context, block) >= 100);
        new Span<byte>(block, 100).Fill(5);
        block = (byte*)c.Realloc(c.Context, block, 10_000);
        Assert.True(new ReadOnlySpan<byte>(block, 100).IndexOfAnyExcept((byte)5) < 0);
        c.Free(c.Context, block);
        c.Free(c.Context, null);
        Assert.Equal(0u, c.UsableSize(c.Context, null));

        byte* zeroed = (byte*)c.Calloc(c.Context, 30, 33);
        Assert.True(new ReadOnlySpan<byte>(zeroed, 990).IndexOfAnyExcept((byte)0) < 0);
        Assert.True(c.Calloc(c.Context, nuint.MaxValue / 2, 3) is null, "No number holds the product.");
        c.Free(c.Context, zeroed);

        void* lua = c.LuaAlloc(c.Context, null, 5, 64);
        lua = c.LuaAlloc(c.Context, lua, 64, 640);
        Assert.True(c.UsableSize(c.Context, lua) >= 640);
        Assert.True(c.LuaAlloc(c.Context, lua, 640, 0) is null);
        Assert.True(c.LuaAlloc(c.Context, null, 0, 0) is null);

        void* z = c.ZAlloc(c.Context, 10, 100);
        Assert.True(c.UsableSize(c.Context, z) >= 1_000);
        c.Free(c.Context, z);
        Assert.Equal((0, 0), (target.LiveBlocks, target.Refused));
    }

    [Theory]
    [MemberData(nameof(Clients))]
    public void A_shortage_is_null_and_nothing_is_lost(bool client)
    {
        using Target target = new(client);
        MemoryFunctions c = target.Functions;
        void* block = c.Malloc(c.Context, 100);
        Assert.True(c.Malloc(c.Context, 1 << 30) is null);
        Assert.True(c.Calloc(c.Context, 1 << 15, 1 << 15) is null);
        Assert.True(c.Realloc(c.Context, block, 1 << 30) is null);
        Assert.True(c.ZAlloc(c.Context, uint.MaxValue, uint.MaxValue) is null);
        Assert.Equal((1, 0), (target.LiveBlocks, target.Refused));
        c.Free(c.Context, block);
        Assert.Equal(0, target.LiveBlocks);
    }

    [Theory]
    [MemberData(nameof(Clients))]
    public void A_wrong_call_is_counted_and_told_and_no_exception_leaves(bool client)
    {
        List<Exception> told = [];
        using Target target = new(client, e =>
        {
            told.Add(e);
            throw new InvalidOperationException("of the test");
        });
        MemoryFunctions c = target.Functions;
        byte* block = (byte*)c.Malloc(c.Context, 100_000);
        c.Free(c.Context, block + 48);
        Assert.True(c.Realloc(c.Context, block + 48, 10) is null);
        Assert.Equal(0u, c.UsableSize(c.Context, block + 48));
        Assert.Equal((3, 1), (target.Refused, target.LiveBlocks));
        Assert.All(told, e => Assert.IsType<InvalidFreeException>(e));
        Assert.Equal(3, told.Count);
        c.Free(c.Context, block);
        Assert.Equal(0, target.LiveBlocks);
    }

    /// <summary>However late a library calls, it finds nobody, and never another.</summary>
    [Theory]
    [MemberData(nameof(Clients))]
    public void A_context_ends_with_its_heap_or_client(bool client)
    {
        Target target = new(client);
        MemoryFunctions old = target.Functions;
        void* block = old.Malloc(old.Context, 100);
        target.Dispose();
        using Target next = new(client);
        MemoryFunctions c = next.Functions;
        void* its = c.Malloc(c.Context, 100);
        Assert.True(old.Malloc(old.Context, 100) is null);
        Assert.True(old.Calloc(old.Context, 1, 100) is null);
        Assert.True(old.Realloc(old.Context, block, 200) is null);
        Assert.Equal(0u, old.UsableSize(old.Context, block));
        old.Free(old.Context, block);
        old.Free(old.Context, its);
        Assert.Equal((1, 0), (next.LiveBlocks, next.Refused));
        c.Free(c.Context, its);
        Assert.True(c.Malloc(null, 100) is null, "No context is none.");
    }

    [Fact]
    public void The_context_is_always_the_same_also_for_threads_that_ask_at_once()
    {
        using NativeHeap heap = new();
        nint[] contexts = new nint[8];
        Parallel.For(0, contexts.Length, i => contexts[i] = (nint)heap.Functions.Context);
        Assert.Single(contexts.Distinct());
        using NativeHeap other = new();
        Assert.NotEqual(contexts[0], (nint)other.Functions.Context);
    }

    [Fact]
    public void A_heap_that_has_ended_has_no_functions()
    {
        NativeHeap heap = new();
        heap.Dispose();
        Assert.Throws<ObjectDisposedException>(() => heap.Functions.Context is null);
    }

    private sealed class Target : IDisposable
    {
        private readonly NativeHeap? _heap;
        private readonly MemoryContext? _context;
        private readonly MemoryClient? _client;

        public Target(bool client, Action<Exception>? refused = null)
        {
            if (client)
            {
                _context = new MemoryContext(16 << 20, new MemoryContextOptions { CallbackRefused = refused });
                _client = _context.CreateClient("client");
            }
            else
            {
                _heap = new NativeHeap(new NativeHeapOptions { Limit = 64 << 20, CallbackRefused = refused });
            }
        }

        public MemoryFunctions Functions => _client?.Functions ?? _heap!.Functions;

        public long LiveBlocks => _client?.GetStatistics().LiveBlocks ?? _heap!.GetStatistics().LiveBlocks;

        public long Refused => _client?.GetStatistics().RefusedCallbacks ?? _heap!.GetStatistics().RefusedCallbacks;

        public void Dispose()
        {
            _heap?.Dispose();
            _client?.Dispose();
            _context?.Dispose();
        }
    }
}
