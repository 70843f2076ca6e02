using Vmem.Testing.Model;

namespace Vmem.Testing.Driving;

/// <summary>
/// An arena as the driver sees it: on the model's number line, with exceptions turned into outcomes. The driver can so be pointed at an
/// arena of any integer type, and at
/// arenas with planted faults, which is how the driver itself is tested.
/// </summary>
public partial interface IArenaUnderTest : IDisposable
{
    /// <summary>The largest amount that the integer type holds, or <see cref="long.MaxValue"/> if that is less.</summary>
    long MaxAmount { get; }

    /// <summary>Where the calls are written down as C#, while a reproduction is made.</summary>
    ReproductionWriter? Journal { get; set; }

    Outcome Allocate(int size, FitPolicy policy, int flavor);

    Outcome AllocateConstrained(int size, in ModelConstraints constraints, FitPolicy policy, int flavor);

    /// <summary>The handle is remembered under the next ordinal, beginning with 0, if the call succeeded.</summary>
    Outcome AllocateHandle(int size, FitPolicy policy, int flavor);

    /// <summary>The outcome's value is how many there were.</summary>
    Outcome AllocateMany(int size, Span<int> starts, bool allOrNothing);

    /// <summary>The outcome's value is how many there were, or <see cref="Outcome.Refused"/>.</summary>
    Outcome AllocatePieces(int total, int least, Span<ModelSegment> pieces);

    Outcome Free(int start, int size, int flavor);

    /// <summary>Ordinal -1 is the default handle.</summary>
    Outcome FreeHandle(int ordinal);

    Outcome FreeMany(ReadOnlySpan<int> starts, int size);

    /// <summary>Whether a batch may be freed in parts, and so in another order.</summary>
    bool FreesInParts { get; }

    /// <summary>Until the fence, or if that is -1 for so many milliseconds.</summary>
    Outcome FreeLater(int start, int size, int delay, int fence);

    Outcome FreeHandleLater(int ordinal, int delay, int fence);

    void CompleteFence(int fence);

    void Advance(int milliseconds);

    Outcome Extend(int start, int oldSize, int newSize);

    Outcome AddSpan(int start, int size);

    Outcome RemoveSpan(int start, int size);

    Outcome Reap();

    /// <summary>Replaces the arena by one restored from its snapshot.</summary>
    void SnapshotAndRestore(int flavor);

    /// <summary>What is free, in the order in which it was freed; empty where nobody goes by that.</summary>
    List<(int Start, int Size)> FreedOrder();

    bool Contains(int value);

    bool TryGetSegment(int value, out ModelSegment segment);

    ModelReport Explain(int size, in ModelConstraints constraints);

    void Validate();

    void CopySegments(List<ModelSegment> segments);

    ModelStatistics GetStatistics();
}
