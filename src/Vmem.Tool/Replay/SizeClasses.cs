using System.Numerics;

namespace Vmem.Tool.Replay;

/// <summary>
/// Sizes in classes that are no allocator's own, but as fine as those of most: steps of 16 bytes up to 128, then four for each doubling.
/// Bins by powers of two would hide what is to be seen: which sizes lie badly in the classes of an allocator.
/// </summary>
internal static class SizeClasses
{
    private const int StepShift = 4;
    private const int StepsEndShift = 7;
    private const int Steps = 1 << (StepsEndShift - StepShift);
    private const int PartShift = 2;
    private const int Parts = 1 << PartShift;

    /// <summary>How many there are.</summary>
    public const int Count = Steps + ((64 - StepsEndShift) * Parts);

    /// <summary>The class of a size; of 0 the first.</summary>
    public static int IndexOf(ulong size)
    {
        ulong last = size - (size == 0 ? 0UL : 1);
        if (last >> StepsEndShift == 0)
        {
            return (int)(last >> StepShift);
        }

        int log = BitOperations.Log2(last);
        return Steps + ((log - StepsEndShift) * Parts) + (int)((last >> (log - PartShift)) & (Parts - 1));
    }

    /// <summary>The least size of a class.</summary>
    public static ulong Least(int index) => index == 0 ? 0 : Most(index - 1) + 1;

    /// <summary>The largest size of a class.</summary>
    public static ulong Most(int index)
    {
        if (index < Steps)
        {
            return (ulong)(index + 1) << StepShift;
        }

        (int doubling, int part) = Math.DivRem(index - Steps, Parts);

        // Of the last class 2^64, which wraps to 0.
        ulong end = (ulong)(Parts + part + 1) << (doubling + StepsEndShift - PartShift);
        return end == 0 ? ulong.MaxValue : end;
    }
}
