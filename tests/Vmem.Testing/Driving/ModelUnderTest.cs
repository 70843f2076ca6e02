using System.Runtime.InteropServices;
using Vmem.Testing.Generation;
using Vmem.Testing.Model;

namespace Vmem.Testing.Driving;

/// <summary>
/// The model in the role of the arena. The driver must find no divergence in it; and a subclass that overrides one method wrongly is a
/// planted fault, which the driver must find.
/// </summary>
public partial class ModelUnderTest(ArenaLayout layout) : IArenaUnderTest
{
    private readonly ArenaModel _model = new(layout.Top, layout.Quantum, layout.Policy, long.MaxValue) { ReuseDelay = layout.ReuseDelay };
    private readonly List<(int Start, bool IsLive)> _handles = [];
    private long _peakInUse;
    private long _allocations;
    private long _frees;
    private long _failures;

    public long MaxAmount => long.MaxValue;

    public bool FreesInParts => false;

    public ReproductionWriter? Journal { get; set; }

    protected ArenaModel Model => _model;

    public virtual Outcome Allocate(int size, FitPolicy policy, int flavor) => AllocateConstrained(size, default, policy, flavor);

    public virtual Outcome AllocateConstrained(int size, in ModelConstraints constraints, FitPolicy policy, int flavor)
    {
        Journal?.Line($"AllocateConstrained({size}, {constraints}, {policy});");
        Outcome outcome = _model.FindPlace(size, constraints, policy);
        if (outcome.Kind == OutcomeKind.Done)
        {
            _model.Occupy(outcome.Value, size, policy, constraints: constraints);
            _allocations++;
            NotePeak();
        }

        _failures += outcome.Kind == OutcomeKind.Refused ? 1 : 0;
        return outcome;
    }

    public virtual Outcome AllocateHandle(int size, FitPolicy policy, int flavor)
    {
        Outcome outcome = Allocate(size, policy, flavor);
        if (outcome.Kind == OutcomeKind.Done)
        {
            _handles.Add((outcome.Value, true));
        }

        return outcome;
    }

    public virtual Outcome AllocateMany(int size, Span<int> starts, bool allOrNothing)
    {
        if (allOrNothing && !_model.IsBadSize(size) && !_model.HasRoomForAll(size, starts.Length))
        {
            return Outcome.Done();
        }

        for (int i = 0; i < starts.Length; i++)
        {
            Outcome outcome = Allocate(size, _model.Policy, 0);
            if (outcome.Kind != OutcomeKind.Done)
            {
                return outcome.Kind == OutcomeKind.BadArgument ? outcome : Outcome.Done(i);
            }

            starts[i] = outcome.Value;
        }

        return Outcome.Done(starts.Length);
    }

    public virtual Outcome AllocatePieces(int total, int least, Span<ModelSegment> pieces)
    {
        if (_model.IsBadSize(total) || _model.RoundUp(least) > _model.RoundUp(total))
        {
            return Outcome.BadArgument;
        }

        List<int> sizes = _model.DividePieces(total, least, pieces.Length);
        for (int i = 0; i < sizes.Count; i++)
        {
            int start = _model.FindPlace(sizes[i], default, i < sizes.Count - 1 ? FitPolicy.FirstFit : FitPolicy.BestFit).Value;
            pieces[i] = new ModelSegment(start, sizes[i], SegmentKind.Allocated);
            _model.Occupy(start, sizes[i], FitPolicy.BestFit);
            _allocations++;
            NotePeak();
        }

        _failures += sizes.Count == 0 ? 1 : 0;
        return sizes.Count == 0 ? Outcome.Refused : Outcome.Done(sizes.Count);
    }

    public virtual Outcome Free(int start, int size, int flavor)
    {
        Journal?.Line($"Free({start}, {size});");
        Outcome outcome = _model.JudgeFree(start, size);
        if (outcome.Kind == OutcomeKind.Done)
        {
            _model.Release(start);
            _frees++;
            EndHandle(start);
        }

        return outcome;
    }

    public virtual Outcome FreeHandle(int ordinal) =>
        ordinal < 0 ? Outcome.BadFree(InvalidFreeReason.NotAllocated)
        : !_handles[ordinal].IsLive ? Outcome.BadFree(InvalidFreeReason.AlreadyFree)
        : Free(_handles[ordinal].Start, SizeAt(_handles[ordinal].Start), 0);

    public virtual Outcome FreeMany(ReadOnlySpan<int> starts, int size)
    {
        HashSet<int> seen = [];
        foreach (int start in starts)
        {
            Outcome judgement = _model.JudgeFree(start, size);
            bool isByHandle = _handles.Contains((start, true));
            if (judgement.Kind != OutcomeKind.Done || isByHandle || !seen.Add(start))
            {
                return judgement.Kind == OutcomeKind.Done ? Outcome.BadFree(InvalidFreeReason.AlreadyFree) : judgement;
            }
        }

        foreach (int start in starts)
        {
            Free(start, size, 0);
        }

        return Outcome.Done();
    }

    public virtual Outcome FreeLater(int start, int size, int delay, int fence)
    {
        Outcome outcome = _model.JudgeFree(start, size);
        if (outcome.Kind == OutcomeKind.Done)
        {
            _model.Rest(start, delay, fence);
            _frees++;
            EndHandle(start);
        }

        return outcome;
    }

    public virtual Outcome FreeHandleLater(int ordinal, int delay, int fence) =>
        FreeLater(_handles[ordinal].Start, SizeAt(_handles[ordinal].Start), delay, fence);

    public virtual void CompleteFence(int fence) => _model.CompleteFence(fence);

    public virtual void Advance(int milliseconds) => _model.Advance(milliseconds);

    public virtual Outcome Extend(int start, int oldSize, int newSize)
    {
        Outcome outcome = _model.Extend(start, oldSize, newSize);
        NotePeak();
        return outcome;
    }

    public virtual Outcome AddSpan(int start, int size) => _model.AddSpan(start, size);

    public virtual Outcome RemoveSpan(int start, int size) => _model.RemoveSpan(start, size);

    public virtual Outcome Reap() => Outcome.Done();

    public virtual void SnapshotAndRestore(int flavor)
    {
        _model.ForgetHandles();
        CollectionsMarshal.AsSpan(_handles).Clear();
    }

    public virtual List<(int Start, int Size)> FreedOrder() => _model.FreedOrder();

    public virtual bool Contains(int value) => _model.Contains(value);

    public virtual bool TryGetSegment(int value, out ModelSegment segment) => _model.TryGetSegment(value, out segment);

    public virtual ModelReport Explain(int size, in ModelConstraints constraints) => _model.Explain(size, constraints);

    public virtual void Validate()
    {
    }

    public virtual void CopySegments(List<ModelSegment> segments) => _model.CopySegments(segments);

    public virtual ModelStatistics GetStatistics() =>
        _model.MeasureAmounts() with { PeakInUse = _peakInUse, Allocations = _allocations, Frees = _frees, Failures = _failures };

    public void Dispose() => GC.SuppressFinalize(this);

    private void EndHandle(int start)
    {
        int handle = _handles.FindIndex(entry => entry == (start, true));
        if (handle >= 0)
        {
            _handles[handle] = (start, false);
        }
    }

    private int SizeAt(int start) => _model.TryGetSegment(start, out ModelSegment segment) ? segment.Size : 0;

    private void NotePeak() => _peakInUse = Math.Max(_peakInUse, _model.MeasureAmounts().InUse);
}
