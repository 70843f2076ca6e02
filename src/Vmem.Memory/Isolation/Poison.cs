namespace Vmem.Memory.Isolation;

/// <summary>What free memory holds where it is poisoned, and how one finds that it no longer does.</summary>
/// <remarks>With <see cref="MemoryContextFeatures.PoisonOnFree"/> the invariant is simple: every byte of a client's regions that is in no
/// live block holds the value. Regions are filled when they are opened, blocks when they are freed. So a block about to be handed out can be
/// checked whole, however it was split and coalesced meanwhile.</remarks>
internal static unsafe class Poison
{
    public const byte Value = 0xDD;

    /// <summary>Where it is not the value; -1 if it is everywhere.</summary>
    public static long FirstOther(byte* start, nuint length, byte value = Value)
    {
        for (nuint done = 0; done < length;)
        {
            int part = (int)Math.Min(length - done, 1 << 30);
            int found = new ReadOnlySpan<byte>(start + done, part).IndexOfAnyExcept(value);
            if (found >= 0)
            {
                return (long)done + found;
            }

            done += (nuint)part;
        }

        return -1;
    }
}
