using Vmem.Testing.Model;

namespace Vmem.Testing.Driving;

public partial interface IArenaUnderTest
{
    Outcome AllocateAt(int start, int size);

    Outcome AllocateAtMany(IReadOnlyList<(int Start, int Size)> ranges);

    /// <summary>The outcome's value is how much was taken.</summary>
    Outcome Reserve(int start, int size, List<(int Start, int Size)>? pieces);

    Outcome JoinSpan(int start, int size);

    Outcome GrowSpan(int start, int oldSize, int newSize);

    Outcome Drain(int start);

    Outcome StopDraining(int start);

    Outcome Split(int start, int size, int at);

    Outcome FreePart(int start, int size, int partStart, int partSize);

    Outcome Move(int start, int size, int newStart);

    bool IsAllocated(int start);

    Outcome FreeStart(int start);

    /// <summary>Ordinal -1 is the default handle.</summary>
    Outcome FreeHandles(IReadOnlyList<int> ordinals);
}
