using System.Numerics;
using System.Runtime.CompilerServices;
using Vmem.Buddy;

namespace Vmem.Tests.Buddy;

/// <summary>What no code but a test may look into, or write to: the words of a buddy tree.</summary>
internal static class BuddyTreeParts
{
    extension(BuddyTree tree)
    {
        /// <summary>All words, guard keys included.</summary>
        public Span<ulong> Bookkeeping => WordsOf(tree);

        /// <summary>Bit k: there is a free block of order k.</summary>
        public ulong FreeOrders => FreeOrdersOf(tree);

        /// <summary>How many words of first groups there are: one for each order of every level.</summary>
        public int OrdersProvided => LevelsOf(tree).Length * BuddyGroup.Orders;
    }

    extension(BuddyAllocator<uint> allocator)
    {
        public BuddyTree Tree => Parts<uint>.TreeOf(allocator);
    }

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_words")]
    private static extern ref ulong[] WordsOf(BuddyTree tree);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_freeOrders")]
    private static extern ref ulong FreeOrdersOf(BuddyTree tree);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_levels")]
    private static extern ref BuddyLevel[] LevelsOf(BuddyTree tree);

    private static class Parts<T>
        where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
    {
        [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_tree")]
        public static extern ref BuddyTree TreeOf(BuddyAllocator<T> allocator);
    }
}
