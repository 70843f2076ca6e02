namespace Vmem.Memory.Poisoning;

/// <summary>Bytes beside a block that no code should write.</summary>
/// <remarks>
/// <para>
/// A client guards what rounding adds behind a block, and at least <see cref="Least"/> bytes. How long the request was is kept with the
/// region, not in the guard: an overrun may destroy the pattern but not the knowledge of where it begins. There is none in front of a
/// block, which would cost its alignment; what runs under a block runs over the one before it.
/// </para>
/// <para>A heap with debugging guards both sides of a block: its red zones (<see cref="Heap.Debugging.PaddedBlocks"/>).</para>
/// </remarks>
internal static class GuardBytes
{
    public const nuint Least = 8;

    public static void Set(nuint start, nuint end) => Pattern.Fill(start, end, Pattern.Guard);

    /// <summary>The first byte that was overwritten; false if none was.</summary>
    public static bool TryFindBroken(nuint start, nuint end, out nuint address) =>
        Pattern.TryFindOther(start, end, Pattern.Guard, out address);
}
