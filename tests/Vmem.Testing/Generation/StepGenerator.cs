using System.Numerics;
using Vmem.Testing.Model;

namespace Vmem.Testing.Generation;

/// <summary>Draws steps for a layout. It knows no state: a step means something in every one.</summary>
/// <param name="random">Where the draws come from.</param>
/// <param name="layout">The arena to begin with.</param>
/// <param name="typicalCells">The most quanta that all but a few requests ask for; small, to fill a large arena with many segments.</param>
public sealed class StepGenerator(SeededRandom random, ArenaLayout layout, int typicalCells = int.MaxValue)
{
    // Parts of a thousand. The moods below shift the balance between allocating and freeing, so that arenas fill up, empty and linger half
    // full.
    private static readonly (StepKind Kind, int Weight)[] s_weights =
    [
        (StepKind.Allocate, 240), (StepKind.AllocateConstrained, 210), (StepKind.AllocateHandle, 60), (StepKind.AllocateMany, 20),
        (StepKind.AllocatePieces, 15),
        (StepKind.Free, 220), (StepKind.FreeWrong, 35), (StepKind.FreeHandle, 60), (StepKind.FreeMany, 20), (StepKind.FreeManyWrong, 10),
        (StepKind.Extend, 40), (StepKind.AddSpan, 8), (StepKind.RemoveSpan, 8), (StepKind.Restore, 2), (StepKind.Reap, 2),
        (StepKind.Ask, 15), (StepKind.FreeAfter, 40), (StepKind.FreeAt, 20), (StepKind.Advance, 25), (StepKind.CompleteFence, 15),
        (StepKind.AllocateAt, 60), (StepKind.AllocateAtMany, 6), (StepKind.Reserve, 4),
        (StepKind.JoinSpan, 10), (StepKind.GrowSpan, 20),
        (StepKind.Split, 20), (StepKind.FreePart, 40), (StepKind.Move, 40), (StepKind.FreeStart, 40),
        (StepKind.FreeHandles, 8), (StepKind.Drain, 6), (StepKind.StopDraining, 4),
    ];

    private static readonly int s_totalWeight = s_weights.Sum(entry => entry.Weight);

    private readonly int _largestSpan = layout.Spans.Count == 0 ? layout.Quantum : layout.Spans.Max(span => span.Size);
    private int _mood;
    private int _moodSteps;

    /// <summary>The next step.</summary>
    public ArenaStep Next()
    {
        if (_moodSteps-- == 0)
        {
            _mood = random.Below(3);
            _moodSteps = 20 + random.Below(200);
        }

        StepKind kind = DrawKind();
        FitPolicy policy = (FitPolicy)random.Below(7);
        int size = DrawSize();
        return new ArenaStep(
            kind, policy, size, random.Below(1 << 16), DrawValue(), 1 + random.Below(8), random.Below(8),
            kind is StepKind.AllocateConstrained or StepKind.Ask ? DrawConstraints(size) : default);
    }

    private StepKind DrawKind()
    {
        // Mood 0 turns a third of the frees into allocations, mood 1 a third of the allocations into frees.
        int draw = random.Below(s_totalWeight);
        int index = 0;
        while (draw >= s_weights[index].Weight)
        {
            draw -= s_weights[index++].Weight;
        }

        StepKind kind = s_weights[index].Kind;
        return (_mood, kind) switch
        {
            (0, StepKind.Free) when random.Below(3) == 0 => StepKind.Allocate,
            (1, StepKind.Allocate or StepKind.AllocateConstrained) when random.Below(3) == 0 => StepKind.Free,
            _ => kind,
        };
    }

    private int DrawSize()
    {
        int quantum = layout.Quantum;
        int cells = _largestSpan / quantum;
        int drawn = random.Below(100) switch
        {
            < 45 => 1 + random.Below(4),
            < 85 => 1 + random.Below(Math.Clamp(cells / 8, 1, typicalCells)),
            < 97 => 1 + random.Below(cells),
            < 99 => cells,
            _ => 1 + random.Below(layout.Top / quantum),
        };
        int size = (drawn * quantum) - random.Below(quantum);
        return random.Below(200) == 0 ? 0 : Math.Min(size, layout.Top - 1);
    }

    private int DrawValue()
    {
        if (layout.Spans.Count == 0 || random.Below(8) == 0)
        {
            return random.Below(layout.Top);
        }

        ModelSegment span = layout.Spans[random.Below(layout.Spans.Count)];
        int value = span.Start - (span.Size / 4) + random.Below(Math.Max(1, span.Size * 3 / 2));
        value = random.Below(3) == 0 ? value : value / layout.Quantum * layout.Quantum;
        return Math.Clamp(value, 0, layout.Top - 1);
    }

    private ModelConstraints DrawConstraints(int size)
    {
        int quantum = layout.Quantum;
        int align = random.Below(3) == 0 ? 0 : DrawAlign(quantum);
        int phase = align > quantum && random.Below(2) == 0 ? quantum * random.Below(align / quantum) : 0;
        int noCross = 0;
        if (random.Below(3) == 0)
        {
            int least = (int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(align, quantum));
            noCross = least > layout.Top / 2 ? 0 : PowerOfTwo(least, layout.Top / 2);
            while (noCross != 0 && noCross < phase + size + align && noCross < layout.Top / 2 && random.Below(16) != 0)
            {
                noCross *= 2;
            }
        }

        int min = random.Below(3) == 0 ? DrawValue() : 0;
        int max = random.Below(3) == 0 ? DrawValue() : 0;
        (min, max) = max != 0 && min > max && random.Below(8) != 0 ? (max, min) : (min, max);
        return random.Below(100) == 0
            ? Spoil(new ModelConstraints(align, phase, noCross, min, max))
            : new ModelConstraints(align, phase, noCross, min, max);
    }

    /// <summary>Most spoilt constraints break a precondition; the model says which do.</summary>
    private ModelConstraints Spoil(ModelConstraints constraints)
    {
        int value = 1 + random.Below(Math.Min(layout.Top - 1, 4 * layout.Quantum));
        return random.Below(3) switch
        {
            0 when layout.Strides || value % layout.Quantum != 0 => constraints with { Align = value },
            0 or 1 => constraints with { Phase = value },
            _ => constraints with { NoCross = value },
        };
    }

    private int DrawAlign(int quantum) => layout.Strides && random.Below(2) == 0
        ? quantum * (1 + random.Below(Math.Min(24, (layout.Top - 1) / quantum)))
        : PowerOfTwo(quantum, layout.Top / 4);

    private int PowerOfTwo(int least, int most)
    {
        int doublings = 0;
        while ((least << (doublings + 1)) <= most)
        {
            doublings++;
        }

        return least << random.Below(1 + Math.Min(doublings, 8));
    }
}
