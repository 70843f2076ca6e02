using System.Buffers;
using System.Reflection;
using Xunit;

namespace Vmem.Memory.Tests.Isolation;

/// <summary>Blocks behind <see cref="IMemoryOwner{T}"/>: who keeps one too long is told so, and frees nobody else's memory.</summary>
public class OwnerTests
{
    [Fact]
    public void An_owner_holds_a_block_as_long_as_it_is_used()
    {
        using MemoryContext context = new(1 << 20);
        using MemoryClient client = context.CreateClient("client");
        using (IMemoryOwner<int> owner = client.Rent<int>(100))
        {
            Assert.Equal(100, owner.Memory.Length);
            Assert.Equal((nuint)512, client.InUse);
            owner.Memory.Span.Fill(7);
            Assert.Equal(7, owner.Memory.Slice(50, 10).Span[9]);
            context.Validate();
        }

        Assert.Equal((nuint)0, client.InUse);
        Assert.Equal(1, client.GetStatistics().Frees);
    }

    [Fact]
    public void A_disposed_owner_has_no_memory()
    {
        using MemoryContext context = new(1 << 20);
        using MemoryClient client = context.CreateClient("client");
        IMemoryOwner<byte> owner = client.Rent<byte>(100);
        Memory<byte> kept = owner.Memory;
        Memory<byte> slice = kept[10..20];
        owner.Dispose();
        AssertGone(owner, kept, slice);
    }

    [Fact]
    public void A_disposed_client_leaves_its_owners_without_memory()
    {
        using MemoryContext context = new(1 << 20);
        MemoryClient client = context.CreateClient("client");
        IMemoryOwner<byte> owner = client.Rent<byte>(100);
        Memory<byte> kept = owner.Memory;
        client.Dispose();
        AssertGone(owner, kept, kept);
        owner.Dispose();
    }

    [Fact]
    public void A_disposed_context_leaves_its_owners_without_memory()
    {
        MemoryContext context = new(1 << 20);
        IMemoryOwner<byte> owner = context.CreateClient("client").Rent<byte>(100);
        Memory<byte> kept = owner.Memory;
        context.Dispose();
        AssertGone(owner, kept, kept);
        owner.Dispose();
    }

    [Fact]
    public void An_owner_disposed_of_twice_frees_once()
    {
        using MemoryContext context = new(1 << 20);
        using MemoryClient client = context.CreateClient("client");
        IMemoryOwner<byte> first = client.Rent<byte>(100);
        first.Dispose();

        // The next block is likely to lie where the first was.
        using IMemoryOwner<byte> second = client.Rent<byte>(100);
        second.Memory.Span.Fill(9);
        first.Dispose();
        Assert.Equal(1, client.GetStatistics().LiveBlocks);
        Assert.Equal(1, client.GetStatistics().Frees);
        Assert.Equal(-1, second.Memory.Span.IndexOfAnyExcept((byte)9));
    }

    /// <summary>The place may be another client's by then.</summary>
    [Fact]
    public void An_owner_of_a_disposed_client_frees_nothing()
    {
        using MemoryContext context = new(1 << 20);
        MemoryClient gone = context.CreateClient("gone");
        IMemoryOwner<byte>[] owners = [.. Enumerable.Range(0, 20).Select(_ => gone.Rent<byte>(100))];
        gone.Dispose();
        using MemoryClient successor = context.CreateClient("successor");
        IMemoryOwner<byte>[] others = [.. Enumerable.Range(0, 20).Select(_ => successor.Rent<byte>(100))];
        Array.ForEach(owners, owner => owner.Dispose());
        Assert.Equal(20, successor.GetStatistics().LiveBlocks);
        Assert.All(others, other => Assert.Equal(100, other.Memory.Length));
        context.Validate();
    }

    [Fact]
    public unsafe void A_pin_gives_the_blocks_own_address()
    {
        using MemoryContext context = new(1 << 20);
        using MemoryClient client = context.CreateClient("client");
        using IMemoryOwner<int> owner = client.Rent<int>(100);
        owner.Memory.Span[42] = 4_711;
        using (MemoryHandle all = owner.Memory.Pin())
        using (MemoryHandle slice = owner.Memory[42..].Pin())
        {
            Assert.True(client.Owns(all.Pointer));
            Assert.Equal((nuint)512, client.GetSize(all.Pointer));
            Assert.Equal(4_711, *(int*)slice.Pointer);
            Assert.Equal(42, (int*)slice.Pointer - (int*)all.Pointer);
        }

        Assert.Equal(4_711, owner.Memory.Span[42]);
    }

    [Fact]
    public void A_pin_of_what_is_gone_is_refused()
    {
        using MemoryContext context = new(1 << 20);
        using MemoryClient client = context.CreateClient("client");
        IMemoryOwner<int> owner = client.Rent<int>(100);
        Memory<int> kept = owner.Memory;
        owner.Dispose();
        Assert.Throws<ObjectDisposedException>(() => kept.Pin());
    }

    [Fact]
    public void A_pin_outside_the_block_is_refused()
    {
        using MemoryContext context = new(1 << 20);
        using MemoryClient client = context.CreateClient("client");
        using IMemoryOwner<int> owner = client.Rent<int>(100);
        MemoryManager<int> manager = Assert.IsAssignableFrom<MemoryManager<int>>(owner);
        Assert.Throws<ArgumentOutOfRangeException>(() => manager.Pin(101));
        Assert.Throws<ArgumentOutOfRangeException>(() => manager.Pin(-1));
        manager.Pin(100).Dispose();
    }

    /// <summary>What another thread does between the call and the taking of the block. Here the clock of the audit does it.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void An_owner_knows_the_moment_at_which_its_block_was_taken(bool resets)
    {
        IntrudingTime time = new();
        using MemoryContext context = new(1 << 20, new MemoryContextOptions
        {
            Features = MemoryContextFeatures.Synchronized | MemoryContextFeatures.Audit,
            TimeProvider = time,
        });
        using MemoryClient client = context.CreateClient("client");
        MemoryMark mark = default;
        time.Intrusion = resets ? client.Reset : () => mark = client.Mark();
        IMemoryOwner<byte> owner = client.Rent<byte>(100);
        Memory<byte> kept = owner.Memory;
        Assert.Equal(100, kept.Span.Length);
        if (!resets)
        {
            client.Release(mark);
            AssertGone(owner, kept, kept);
        }

        owner.Dispose();
        Assert.Equal((nuint)0, client.InUse);
        context.Validate();
    }

    [Fact]
    public void An_empty_owner_is_one()
    {
        using MemoryContext context = new(1 << 20);
        using MemoryClient client = context.CreateClient("client");
        using (IMemoryOwner<int> owner = client.Rent<int>(0))
        {
            Assert.True(owner.Memory.IsEmpty);
        }

        Assert.Equal((nuint)0, client.InUse);
    }

    /// <summary>A finaliser would free, at any time and on a thread of its own, what others may hold by address.</summary>
    [Fact]
    public void Nothing_has_a_finaliser()
    {
        using MemoryContext context = new(1 << 20);
        using MemoryClient client = context.CreateClient("client");
        using IMemoryOwner<int> owner = client.Rent<int>(1);
        Assert.All(new object[] { context, client, owner }, subject => Assert.False(HasFinaliser(subject.GetType()), $"{subject} has a finaliser."));
    }

    /// <summary>A clock that does something before it tells the time, once.</summary>
    private sealed class IntrudingTime : TimeProvider
    {
        public Action? Intrusion { get; set; }

        public override DateTimeOffset GetUtcNow()
        {
            Action? intrusion = Intrusion;
            Intrusion = null;
            intrusion?.Invoke();
            return base.GetUtcNow();
        }
    }

    private static bool HasFinaliser(Type type) =>
        type.GetMethod("Finalize", BindingFlags.Instance | BindingFlags.NonPublic)!.DeclaringType != typeof(object);

    private static void AssertGone(IMemoryOwner<byte> owner, Memory<byte> kept, Memory<byte> slice)
    {
        Assert.Throws<ObjectDisposedException>(() => owner.Memory);
        Assert.Throws<ObjectDisposedException>(() => kept.Span.Length);
        Assert.Throws<ObjectDisposedException>(() => slice.Span.Length);
        Assert.Throws<ObjectDisposedException>(() => kept.Pin());
    }
}
