using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Vmem.Checks;

namespace Vmem.Caching;

/// <summary>Watches over objects: none comes in that lies in a magazine of the thread that returns it.</summary>
/// <remarks>
/// Nothing can be written into an object, or beside it, so what was returned twice is found only by looking for it. Mostly the same
/// thread returns it twice, and soon: then it lies in one of two magazines. References are compared as numbers, several at a time. The
/// collector may move the object meanwhile: so what seems to lie there is looked for once more by reference
/// (<see cref="MagazinePair{TItem}.Holds"/>), and once in a very long while a second return is not found. Nor is one while the thread's
/// magazines are claimed, for statistics or the upkeep.
/// <para>Rejected: a table of all objects that are out, which is what an audit has, and costs a lock.</para>
/// </remarks>
/// <param name="searches">False: the caller is trusted.</param>
internal readonly struct SlotGuard(bool searches) : IItemGuard<Slot>
{
    public bool Searches => searches;

    public bool TryTake(Slot item) => true;

    public bool TryGive(Slot item) => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool SeemsAmong(Slot[] items, int rounds, Slot item)
    {
        Invariant.Assert(rounds <= items.Length, "a magazine holds at most its capacity");
        ref nint first = ref Unsafe.As<Slot, nint>(ref MemoryMarshal.GetArrayDataReference(items));
        return MemoryMarshal.CreateReadOnlySpan(ref first, rounds).Contains(Unsafe.As<Slot, nint>(ref item));
    }
}
