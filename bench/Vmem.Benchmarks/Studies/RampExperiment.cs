using System.Numerics;
using Vmem.Benchmarks.Subjects;
using Vmem.Benchmarks.Workloads;

namespace Vmem.Benchmarks.Studies;

/// <summary>Where a fragmentation ramp ended: the occupancy, 0 to 1, at the first failure; 1 if there was none.</summary>
/// <param name="Requested">What the live ranges were asked for.</param>
/// <param name="RoundedToPowers">The same with each range rounded up to a power of two: what an allocator that knows nothing else has given
/// out.</param>
internal readonly record struct RampEnd(double Requested, double RoundedToPowers);

/// <summary>One fragmentation ramp with one seed.</summary>
internal sealed class RampExperiment<TLaw>(ulong seed, int stepsPerTarget) : IExperiment<RampEnd>
    where TLaw : struct, ISizeLaw
{
    private const ulong Capacity = 1 << 20;
    private const int FirstPercent = 50;

    public RampEnd Run<TTarget, TTicket>(TargetFactory<TTarget> make)
        where TTarget : struct, ITarget<TTicket>
        where TTicket : struct
    {
        using TTarget target = make(Capacity);
        var ramp = new Ramp<TTarget, TTicket>(target, seed);
        for (int percent = FirstPercent; percent <= 100; percent++)
        {
            ulong goal = Capacity * (ulong)percent / 100;
            if (!ramp.FillTo(goal) || !ramp.Churn(goal, stepsPerTarget))
            {
                return ramp.End;
            }
        }
        return new RampEnd(1, 1);
    }

    private sealed class Ramp<TTarget, TTicket>(TTarget target, ulong seed)
        where TTarget : struct, ITarget<TTicket>
        where TTicket : struct
    {
        // There can be no more live ranges than units.
        private readonly TTicket[] _tickets = new TTicket[Capacity];
        private readonly ulong[] _sizes = new ulong[Capacity];
        private int _count;
        private ulong _rounded;
        private Xorshift64 _random = new(seed);

        public ulong InUse { get; private set; }

        public RampEnd End => new((double)InUse / Capacity, (double)_rounded / Capacity);

        /// <summary>Allocates until the next size would go over the goal; false at a failure.</summary>
        public bool FillTo(ulong goal)
        {
            while (true)
            {
                ulong size = TLaw.Draw(ref _random);
                if (InUse + size > goal)
                {
                    return true;
                }
                if (!TryAdd(size))
                {
                    return false;
                }
            }
        }

        /// <summary>So many times: frees random ranges until a new size fits under the goal, and allocates it; false at a
        /// failure.</summary>
        public bool Churn(ulong goal, int steps)
        {
            for (int step = 0; step < steps; step++)
            {
                ulong size = TLaw.Draw(ref _random);
                while (InUse + size > goal)
                {
                    FreeRandom();
                }
                if (!TryAdd(size))
                {
                    return false;
                }
            }
            return true;
        }

        private bool TryAdd(ulong size)
        {
            if (!target.TryAllocate(size, out TTicket ticket))
            {
                return false;
            }
            _tickets[_count] = ticket;
            _sizes[_count++] = size;
            InUse += size;
            _rounded += BitOperations.RoundUpToPowerOf2(size);
            return true;
        }

        private void FreeRandom()
        {
            int index = _random.Index(_count);
            target.Free(in _tickets[index]);
            InUse -= _sizes[index];
            _rounded -= BitOperations.RoundUpToPowerOf2(_sizes[index]);
            _count--;
            _tickets[index] = _tickets[_count];
            _sizes[index] = _sizes[_count];
        }
    }
}
