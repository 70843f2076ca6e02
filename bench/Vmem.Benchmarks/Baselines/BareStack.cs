using System.Runtime.CompilerServices;

namespace Vmem.Benchmarks.Baselines;

/// <summary>The floor under every thread-local cache: an array used as a stack, found through thread-static fields, with nothing around it:
/// no sizes, no statistics, nobody who could ever look at it.</summary>
internal static class BareStack
{
    private const int Capacity = 64;

    [ThreadStatic]
    private static ulong[]? t_items;

    [ThreadStatic]
    private static int t_count;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Pop()
    {
        ulong[]? items = t_items;
        int top = t_count - 1;
        if (items is not null && (uint)top < (uint)items.Length)
        {
            t_count = top;
            return items[top];
        }

        return Fill();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Push(ulong item)
    {
        ulong[]? items = t_items;
        int count = t_count;
        if (items is not null && (uint)count < (uint)items.Length)
        {
            items[count] = item;
            t_count = count + 1;
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static ulong Fill()
    {
        t_items = new ulong[Capacity];
        t_count = Capacity / 2;
        return 0;
    }
}

/// <summary>The same behind an instance and a condition, as any real cache is: the JIT cannot move the look-up of the thread's field out
/// of the caller's loop.</summary>
internal sealed class BareCache(ulong max)
{
    private const int Capacity = 64;

    private readonly ulong _max = max;

    [ThreadStatic]
    private static Items? t_items;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong Pop(ulong size)
    {
        if (size <= _max && t_items is { } mine)
        {
            int top = mine.Count - 1;
            ulong[] items = mine.Array;
            if ((uint)top < (uint)items.Length)
            {
                mine.Count = top;
                return items[top];
            }
        }

        return Fill();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Push(ulong item, ulong size)
    {
        if (size <= _max && t_items is { } mine)
        {
            int count = mine.Count;
            ulong[] items = mine.Array;
            if ((uint)count < (uint)items.Length)
            {
                items[count] = item;
                mine.Count = count + 1;
            }
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static ulong Fill()
    {
        t_items = new Items { Count = Capacity / 2 };
        return 0;
    }

    private sealed class Items
    {
        public readonly ulong[] Array = new ulong[Capacity];
        public int Count;
    }
}
