using Xunit;

namespace Vmem.Memory.Tests.Isolation.Concurrency;

/// <summary>What happens to a call in whose midst another thread does something.</summary>
public unsafe class MidCallTests
{
    private const int BlockSize = 64 * 1_024;

    /// <summary>The copy takes some milliseconds, in which the client's memory becomes another's.</summary>
    [Fact]
    public void A_block_that_moves_is_not_copied_into_memory_that_became_another_clients()
    {
        const int Size = 32 << 20;
        using MemoryContext context = Create(MemoryContextFeatures.None, (2 * Size) + (4 * BlockSize));
        for (int round = 0; round < 5; round++)
        {
            MemoryClient leaving = context.CreateClient("leaving");
            void* block = leaving.Allocate(Size);
            new Span<byte>(block, Size).Fill(0xAA);
            _ = leaving.Allocate(BlockSize);      // so that the block cannot grow where it is
            Thread mover = new(() =>
            {
                try
                {
                    _ = leaving.Reallocate(block, Size + BlockSize);
                }
                catch (ObjectDisposedException)
                {
                }
            });
            mover.Start();
            while (leaving.InUse < 2 * Size && mover.IsAlive)
            {
                Thread.Yield();
            }

            leaving.Dispose();
            using MemoryClient next = context.CreateClient("next");
            byte* others = (byte*)next.Allocate(context.Size);
            Span<byte> last = new(others + (2 * Size), BlockSize);
            last.Fill(0xBB);
            mover.Join();
            Assert.Equal(-1, last.IndexOfAnyExcept((byte)0xBB));
        }
    }

    private static MemoryContext Create(MemoryContextFeatures features, int size) =>
        new((nuint)size, new MemoryContextOptions { BlockSize = BlockSize, Features = features | MemoryContextFeatures.Synchronized });
}
