// Theory. The driver walks an arena and the model side by side. For each step it asks the model for the one right outcome, makes the call,
// and compares; instant fit alone is free to choose, and its choice is judged (a valid place; a refusal only if there is none) and then
// followed. After every step, also one that was meant to fail, all segments and all statistics are compared and the arena's own Validate()
// is run: a wrong call must leave no trace.
//
// With quantum caches the arena is free to choose under every policy, and what it keeps in a cache counts as free; which requests fail is
// laid down all the same. Wrong frees of cached sizes are left out: they are found by audited arenas only.
using System.Runtime.InteropServices;
using Vmem.Testing.Generation;
using Vmem.Testing.Model;

namespace Vmem.Testing.Driving;

/// <summary>Runs steps against an arena and the model, and throws <see cref="DivergenceException"/> at the first difference.</summary>
public sealed partial class ArenaDriver
{
    private const int MaxSpans = 8;
    private const int MaxAddedQuanta = 32;

    private readonly IArenaUnderTest _arena;
    private readonly ArenaModel _model;
    private readonly StateComparison _state;
    private readonly List<bool> _isHandleLive = [];
    private readonly int _cacheMax;

    public ArenaDriver(ArenaLayout layout, IArenaUnderTest arena)
    {
        _arena = arena;
        _model = new ArenaModel(layout.Top, layout.Quantum, layout.Policy, arena.MaxAmount)
        {
            ReuseDelay = layout.ReuseDelay,
            CutsRestsShort = layout.CutRestsShort,
        };
        _cacheMax = layout.CacheMax;
        _state = new StateComparison(_model, arena, hasCaches: _cacheMax > 0);
        if (layout.IsWhole)
        {
            _ = _model.AddSpan(0, layout.Top);
        }

        foreach (ModelSegment span in layout.IsWhole ? [] : layout.Spans)
        {
            Agree("AddSpan", _model.AddSpan(span.Start, span.Size), arena.AddSpan(span.Start, span.Size));
        }

        _state.Check();
    }

    /// <summary>Does one step and checks everything.</summary>
    public void Execute(in ArenaStep step)
    {
        switch (step.Kind)
        {
            case StepKind.Allocate:
                Settle(step, default, -1, _arena.Allocate(step.Size, PolicyOf(step), step.Flavor));
                break;
            case StepKind.AllocateConstrained:
                Settle(step, step.Constraints, -1, _arena.AllocateConstrained(step.Size, step.Constraints, PolicyOf(step), step.Flavor));
                break;
            case StepKind.AllocateHandle:
                Settle(step, default, _isHandleLive.Count, _arena.AllocateHandle(step.Size, PolicyOf(step), step.Flavor));
                break;
            case StepKind.AllocateMany:
                AllocateMany(step);
                break;
            case StepKind.AllocatePieces:
                AllocatePieces(step);
                break;
            case StepKind.Free:
                Free(step);
                break;
            case StepKind.FreeWrong:
                FreeWrong(step);
                break;
            case StepKind.FreeHandle:
                FreeHandle(step);
                break;
            case StepKind.FreeMany:
            case StepKind.FreeManyWrong:
                FreeMany(step);
                break;
            case StepKind.Extend:
                Extend(step);
                break;
            case StepKind.FreeAfter:
            case StepKind.FreeAt:
                FreeLater(step);
                break;
            case StepKind.Advance:
            case StepKind.CompleteFence:
                LetTimePass(step);
                break;
            case >= StepKind.AllocateAt:
                ExecuteOnPlaces(step);
                break;
            default:
                ExecuteOnSpans(step);
                break;
        }

        _state.Check();
        if (_model.Policy == FitPolicy.OldestFit)
        {
            CheckOrder();
        }
    }

    /// <summary>The order of what was freed, quantum by quantum.</summary>
    private void CheckOrder()
    {
        int quantum = _model.Quantum;
        IEnumerable<int> actual = _arena.FreedOrder()
            .SelectMany(piece => Enumerable.Range(0, piece.Size / quantum).Select(cell => piece.Start + (cell * quantum)));
        Agree("what is free, the oldest first", string.Join(' ', _model.FreedOrder().Select(static piece => piece.Start)), string.Join(' ', actual));
    }

    /// <summary>Every fourth step uses the arena's own policy, so that the overloads that name none are reached often.</summary>
    private FitPolicy PolicyOf(in ArenaStep step) => step.Count % 4 == 0 ? _model.Policy : step.Policy;

    private void ExecuteOnSpans(in ArenaStep step)
    {
        int quantum = _model.Quantum;
        switch (step.Kind)
        {
            case StepKind.AddSpan when _model.Spans.Count < MaxSpans:
                // Flavor 0 keeps the arguments as drawn, mostly misaligned; the others are whole quanta.
                int start = step.Flavor == 0 ? step.Value : step.Value / quantum * quantum;
                int size = step.Flavor == 0 ? step.Size : Math.Min(_model.RoundUp(step.Size), (_model.Top - 1) / quantum * quantum);
                // The model scans every span at every step: what fits stays small; what reaches past the top may be as long as it likes.
                size = start + size <= _model.Top ? Math.Min(size, MaxAddedQuanta * quantum) : size;
                Agree("AddSpan", _model.AddSpan(start, size), _arena.AddSpan(start, size));
                break;
            case StepKind.RemoveSpan when _model.Spans.Count > 0:
                ModelSegment span = _model.Spans[step.Target % _model.Spans.Count];
                if (span.Size > _arena.MaxAmount)
                {
                    break;                        // no size says it
                }

                span = step.Flavor == 0 ? span with { Size = step.Size } : step.Flavor == 1 ? span with { Start = step.Value } : span;
                Agree("TryRemoveSpan", _model.RemoveSpan(span.Start, span.Size), _arena.RemoveSpan(span.Start, span.Size));
                break;
            case StepKind.Restore:
                _arena.SnapshotAndRestore(step.Flavor);
                _model.ForgetHandles();
                CollectionsMarshal.AsSpan(_isHandleLive).Clear();
                _state.StartCountingAfresh();
                break;
            case StepKind.Reap:
                Outcome reaped = _arena.Reap();
                Agree("Reap", Outcome.Done(_cacheMax > 0 ? reaped.Value : 0), reaped);
                break;
            case StepKind.Ask:
                Ask(step);
                break;
        }
    }

    private void Ask(in ArenaStep step)
    {
        bool expected = _model.TryGetSegment(step.Value, out ModelSegment expectedSegment);
        bool actual = _arena.TryGetSegment(step.Value, out ModelSegment actualSegment);
        expectedSegment = StateComparison.Saturate(expectedSegment, _arena);
        bool isOfCache = _cacheMax > 0 && expectedSegment.Kind == SegmentKind.Free;
        Agree("TryGetSegment", (expected, isOfCache ? actualSegment : expectedSegment), (actual, actualSegment));
        if (isOfCache && actualSegment.Kind == SegmentKind.Allocated)
        {
            throw new DivergenceException($"{step.Value} is free, and the arena says it lies in {actualSegment}.");
        }

        Agree("Contains", _model.Contains(step.Value), _arena.Contains(step.Value));
        if (_model.FindPlace(step.Size, step.Constraints, FitPolicy.FirstFit).Kind != OutcomeKind.BadArgument)
        {
            ModelReport explanation = _arena.Explain(step.Size, step.Constraints);
            ModelReport right = _model.Explain(step.Size, step.Constraints);
            Agree(
                "Explain",
                _cacheMax > 0 && right.Failure == FitFailure.None ? explanation with { Failure = FitFailure.None } : right,
                explanation);
        }
    }

    private static void Agree<TValue>(string what, TValue expected, TValue actual)
    {
        if (!EqualityComparer<TValue>.Default.Equals(expected, actual))
        {
            throw new DivergenceException($"{what}: the model says {expected}, the arena says {actual}.");
        }
    }
}
