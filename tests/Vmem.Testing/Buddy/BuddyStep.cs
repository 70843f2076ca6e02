namespace Vmem.Testing.Buddy;

/// <summary>What a step of a test sequence does.</summary>
public enum BuddyStepKind
{
    Allocate,
    Free,
    FreeWrong,
    Resize,
    Reset,
    Ask,
}

/// <summary>One step. It means something in every state, so that a shrinker may drop any.</summary>
/// <param name="Kind">What to do.</param>
/// <param name="Size">A size in values.</param>
/// <param name="Target">Which live block, modulo how many there are.</param>
/// <param name="Offset">An offset from the start of the range, which may lie outside of it.</param>
public readonly record struct BuddyStep(BuddyStepKind Kind, long Size, int Target, long Offset);
