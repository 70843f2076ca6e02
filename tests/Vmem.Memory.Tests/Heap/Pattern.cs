namespace Vmem.Memory.Tests.Heap;

/// <summary>What a test writes all over a block, so that another's write is noticed: a byte that follows from the block's number, and at
/// the beginning the number itself.</summary>
internal static unsafe class Pattern
{
    public static void Write(void* block, nuint size, int number)
    {
        for (nuint done = 0; done < size; done += int.MaxValue)
        {
            Part(block, size, done).Fill((byte)(number | 1));
        }

        if (size >= sizeof(int))
        {
            *(int*)block = number;
        }
    }

    /// <summary>Is it all there, as far as this?</summary>
    public static bool Holds(void* block, nuint size, int number)
    {
        nuint from = 0;
        if (size >= sizeof(int))
        {
            if (*(int*)block != number)
            {
                return false;
            }

            from = sizeof(int);
        }

        return IsAll((byte*)block + from, size - from, (byte)(number | 1));
    }

    public static bool IsZero(void* block, nuint size) => IsAll(block, size, 0);

    private static bool IsAll(void* block, nuint size, byte value)
    {
        for (nuint done = 0; done < size; done += int.MaxValue)
        {
            if (Part(block, size, done).ContainsAnyExcept(value))
            {
                return false;
            }
        }

        return true;
    }

    private static Span<byte> Part(void* block, nuint size, nuint done) =>
        new((byte*)block + done, (int)nuint.Min(size - done, int.MaxValue));
}
