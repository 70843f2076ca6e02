using System.Diagnostics.CodeAnalysis;

namespace Vmem.Memory.Isolation;

/// <summary>The marks that a client has set and not released, and what is to be done when it goes back to one.</summary>
/// <remarks>
/// <para>
/// <b>How going back works.</b> A mark seals all regions that the client has: nothing more is given out from them, so that what is
/// allocated later lies in regions that were taken later. Going back is then to return these, whatever is in them, as a client that ends
/// returns all: O(regions), and no block is looked at. What is free in a sealed region lies idle until then; each mark costs a granule at
/// least. Freeing a block of a sealed region puts it back into the region's tree, not into a cache that would hand it out again.
/// </para>
/// <para>Rejected: a number for each block, of the mark that it came after. Going back would look at all blocks, and every allocation would
/// write one byte more.</para>
/// </remarks>
internal struct Checkpoints
{
    private List<ulong>? _marks;
    private LinkedList<Cleanup>? _cleanups;       // the latest is the last
    private ulong _last;

    /// <summary>How many marks are set.</summary>
    public readonly int Count => _marks?.Count ?? 0;

    /// <summary>Sets a mark. Throws <see cref="OutOfMemoryException"/>; nothing has changed then.</summary>
    /// <returns>Its number, which no other mark of the client ever has.</returns>
    public ulong Add()
    {
        (_marks ??= []).Add(_last + 1);
        return ++_last;
    }

    /// <summary>The number of the last mark that is set; 0 if none is.</summary>
    public readonly ulong Last => Count == 0 ? 0 : _marks![^1];

    /// <summary>What was allocated when this many marks were set, or more, came after this one; of 0, which is no mark, that is all. -1 if
    /// the mark is not set (any more).</summary>
    public readonly int MarksAfter(ulong number) =>
        number == 0 ? 0 : _marks?.BinarySearch(number) is { } place and >= 0 ? place + 1 : -1;

    /// <summary>A mark ends, and all that were set after it.</summary>
    /// <param name="marks">What <see cref="MarksAfter"/> said of it.</param>
    public readonly void Cut(int marks) => _marks?.RemoveRange(Math.Max(marks - 1, 0), Count - Math.Max(marks - 1, 0));

    /// <summary>Something is to be done when the client goes back behind this moment.</summary>
    /// <returns>For <see cref="Unregister"/>.</returns>
    public LinkedListNode<Cleanup> Register(Action run) => (_cleanups ??= []).AddLast(new Cleanup(Count, run));

    /// <summary>It need not be done any more, or is being done.</summary>
    public readonly void Unregister(LinkedListNode<Cleanup> cleanup)
    {
        if (cleanup.List is not null)
        {
            _cleanups!.Remove(cleanup);
        }
    }

    /// <summary>Whether anything is left that was registered when at least so many marks were set.</summary>
    public readonly bool HasCleanups(int marks) => _cleanups?.Last is { } last && last.Value.Marks >= marks;

    /// <summary>Takes out what was registered last, if that was when at least so many marks were set.</summary>
    public readonly bool TryTake(int marks, [NotNullWhen(true)] out Action? run)
    {
        run = HasCleanups(marks) ? _cleanups!.Last!.Value.Run : null;
        if (run is not null)
        {
            _cleanups!.RemoveLast();
        }

        return run is not null;
    }

    /// <param name="Marks">How many marks were set when it was registered.</param>
    /// <param name="Run">What is to be done.</param>
    internal readonly record struct Cleanup(int Marks, Action Run);
}
