using System.Diagnostics;
using System.Runtime.CompilerServices;
using Vmem.Benchmarks.Measurement;
using Vmem.Benchmarks.Subjects;

namespace Vmem.Benchmarks.Workloads;

/// <summary>
/// The steady state of an allocator that has run for long: so many ranges live, each replaced at random again and again. Three phases:
/// <list type="number">
/// <item>fill the arena with live ranges;</item>
/// <item>replace ranges at random, once for each live range and at least 200,000 times. The time of this loop is the <em>mix</em>: the
/// realistic cost of a free and an allocation, the generator and the miss in the caller's own ticket array included;</item>
/// <item>free in batches of 100 and allocate in batches of 100, each batch timed as one, so that the clock costs a hundredth of its price
/// and the two operations are told apart. Which ranges and which sizes is settled before the clock starts. A batch warms what its next call
/// touches: these figures flatter every allocator alike.</item>
/// </list>
/// </summary>
/// <remarks>Timed loops are small methods that are called thousands of times: the JIT has long compiled them with full optimisation when it
/// matters, and the first calls weigh nothing.</remarks>
internal sealed class SteadyState<TTarget, TTicket, TLaw> : IDisposable
    where TTarget : struct, ITarget<TTicket>
    where TTicket : struct
    where TLaw : struct, ISizeLaw
{
    private const int BatchLength = 100;
    private const int ChunkLength = 1_000;

    private readonly TTarget _target;
    private readonly TTicket[] _tickets;
    private readonly TTicket[] _batch = new TTicket[BatchLength];
    private readonly int[] _slots = new int[BatchLength];
    private readonly ulong[] _sizes = new ulong[BatchLength];
    private Xorshift64 _random;
    private long _failures;

    public SteadyState(TTarget target, int segments, ulong seed)
    {
        _target = target;
        _tickets = new TTicket[segments];
        _random = new Xorshift64(seed);
        // Touch every page of the tickets now: its page faults are not the allocator's.
        Array.Fill(_tickets, default);
    }

    public long Failures => _failures;

    public TTarget Target => _target;

    public void Dispose() => _target.Dispose();

    public static SteadyStateTimes Measure(TTarget target, SteadyStatePlan plan)
    {
        using var state = new SteadyState<TTarget, TTicket, TLaw>(target, plan.Segments, plan.Seed);
        state.Fill();
        double mix = state.Replace(plan.Replacements);
        (double allocate, double free) = state.TimeBatches(plan.Operations / (2 * BatchLength));
        return new SteadyStateTimes(allocate, free, mix, state.Failures);
    }

    public void Fill()
    {
        foreach (ref TTicket slot in _tickets.AsSpan())
        {
            if (!_target.TryAllocate(TLaw.Draw(ref _random), out slot))
            {
                slot = default;
                _failures++;
            }
        }
    }

    /// <summary>Replaces so many ranges and returns the nanoseconds per replacement.</summary>
    public double Replace(int count)
    {
        long begin = Stopwatch.GetTimestamp();
        for (int done = 0; done < count; done += ChunkLength)
        {
            ReplaceChunk(Math.Min(ChunkLength, count - done));
        }
        return Clock.NanosecondsSince(begin) / count;
    }

    // A slot whose allocation failed stays empty and is only allocated when it is drawn again.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void ReplaceChunk(int count)
    {
        TTarget target = _target;
        TTicket[] tickets = _tickets;
        Xorshift64 random = _random;
        for (int i = 0; i < count; i++)
        {
            ref TTicket slot = ref tickets[random.Index(tickets.Length)];
            if (TTarget.IsLive(in slot))
            {
                target.Free(in slot);
            }
            if (!target.TryAllocate(TLaw.Draw(ref random), out slot))
            {
                slot = default;
                _failures++;
            }
        }
        _random = random;
    }

    private (double Allocate, double Free) TimeBatches(int batches)
    {
        long allocateTicks = 0;
        long freeTicks = 0;
        for (int i = 0; i < batches; i++)
        {
            PickBatch();
            freeTicks += FreeBatch();
            allocateTicks += AllocateBatch();
            PutBack();
        }
        double operations = (double)batches * BatchLength;
        return (Clock.Nanoseconds(allocateTicks) / operations, Clock.Nanoseconds(freeTicks) / operations);
    }

    // Takes a hundred distinct live tickets out of the array, and draws the sizes that will replace them.
    private void PickBatch()
    {
        for (int i = 0; i < BatchLength;)
        {
            int slot = _random.Index(_tickets.Length);
            if (!TTarget.IsLive(in _tickets[slot]))
            {
                continue;
            }
            _slots[i] = slot;
            _batch[i] = _tickets[slot];
            _tickets[slot] = default;
            _sizes[i++] = TLaw.Draw(ref _random);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private long FreeBatch()
    {
        TTarget target = _target;
        TTicket[] batch = _batch;
        long begin = Stopwatch.GetTimestamp();
        for (int i = 0; i < batch.Length; i++)
        {
            target.Free(in batch[i]);
        }
        return Stopwatch.GetTimestamp() - begin;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private long AllocateBatch()
    {
        TTarget target = _target;
        TTicket[] batch = _batch;
        ulong[] sizes = _sizes;
        int failures = 0;
        long begin = Stopwatch.GetTimestamp();
        for (int i = 0; i < batch.Length; i++)
        {
            if (!target.TryAllocate(sizes[i], out batch[i]))
            {
                batch[i] = default;
                failures++;
            }
        }
        long ticks = Stopwatch.GetTimestamp() - begin;
        _failures += failures;
        return ticks;
    }

    private void PutBack()
    {
        for (int i = 0; i < BatchLength; i++)
        {
            _tickets[_slots[i]] = _batch[i];
        }
    }
}
