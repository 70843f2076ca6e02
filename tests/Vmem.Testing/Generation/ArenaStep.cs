using Vmem.Testing.Model;

namespace Vmem.Testing.Generation;

/// <summary>What a step of a test sequence does.</summary>
public enum StepKind
{
    Allocate,
    AllocateConstrained,
    AllocateHandle,
    AllocateMany,
    AllocatePieces,
    Free,
    FreeWrong,
    FreeHandle,
    FreeMany,
    FreeManyWrong,
    Extend,
    AddSpan,
    RemoveSpan,
    Restore,
    Reap,
    Ask,
    FreeAfter,
    FreeAt,
    Advance,
    CompleteFence,
    AllocateAt,
    AllocateAtMany,
    Reserve,
    JoinSpan,
    GrowSpan,
    Split,
    FreePart,
    Move,
    FreeStart,
    FreeHandles,
    Drain,
    StopDraining,
}

/// <summary>
/// One step. It means something in every state, because it points at allocations by index (<see cref="Target"/>, modulo how many there are)
/// and the model foretells the outcome of any arguments, wrong ones included. So a shrinker may drop or simplify any step, and what is
/// left is a sequence still.
/// </summary>
/// <param name="Kind">What to do.</param>
/// <param name="Policy">Under which policy.</param>
/// <param name="Size">A size in units, not rounded.</param>
/// <param name="Target">Which live allocation, span or handle.</param>
/// <param name="Value">An address, for steps that name an arbitrary one.</param>
/// <param name="Count">How many, for the steps on many at once.</param>
/// <param name="Flavor">Which of several equivalent overloads, or which sort of mistake.</param>
/// <param name="Constraints">Where the range may lie.</param>
public readonly record struct ArenaStep(
    StepKind Kind, FitPolicy Policy, int Size, int Target, int Value, int Count, int Flavor, ModelConstraints Constraints);
