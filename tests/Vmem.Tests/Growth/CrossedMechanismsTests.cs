using System.Numerics;
using Vmem.Checks;
using Vmem.Ranges;
using Vmem.Segments;
using Vmem.Testing.Generation;
using Xunit;

namespace Vmem.Tests.Growth;

/// <summary>Policies, constraints, indexes that come in steps and go, trimming, handles, resizing and growth that fails, all at once,
/// against a list of the free segments.</summary>
public sealed class CrossedMechanismsTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void All_together_answer_as_brute_force_does(ulong seed)
    {
        new Crossing<ulong>(seed, ulong.MaxValue - ((1ul << 20) - 1), 1 << 18, 4).Run(12);
        new Crossing<uint>(seed, 0, 1 << 18, 1).Run(12);
        new Crossing<UInt128>(seed, UInt128.MaxValue - ((1u << 20) - 1), 1 << 17, 8).Run(6);
        new Crossing<ushort>(seed, 2, (1 << 15) - 1, 2).Run(15);
        new Crossing<byte>(seed, 1, byte.MaxValue, 1).Run(60);
    }

    /// <summary>A map, and what is true of it.</summary>
    /// <param name="seed">Which sequence.</param>
    /// <param name="first">Where the span begins; it may end at the top of the type.</param>
    /// <param name="quanta">Its length.</param>
    /// <param name="quantum">A power of two.</param>
    private sealed class Crossing<T>(ulong seed, T first, int quanta, int quantum)
        where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
    {
        private readonly record struct Live(T Start, T Size, RangeHandle<T> Handle);

        private static readonly FitPolicy[] s_policies = Enum.GetValues<FitPolicy>();

        private readonly SeededRandom _random = new(seed);
        private readonly T _quantum = T.CreateChecked(quantum);
        private readonly T _last = first + (T.CreateChecked(quanta) * T.CreateChecked(quantum)) - T.One;
        private readonly List<(T Start, T Last)> _free = [];
        private readonly List<Live> _live = [];
        private readonly List<RangeHandle<T>> _stale = [];
        private bool _failing;
        private T _rotor;

        public void Run(int phases)
        {
            SegmentMap<T> map = new(_quantum);
            map.ReserveSpan(_last - first + T.One);
            _ = map.AddSpan(first, _last - first + T.One, imported: false);
            _free.Add((first, _last));
            using (GrowthFault.Inject(() => _failing && _random.Below(3) == 0))
            {
                for (int phase = 0; phase < phases; phase++)
                {
                    int bias = phase % 3 == 0 ? 17 : phase % 3 == 1 ? 10 : 4;
                    bool faults = _random.Below(3) == 0;
                    FitPolicy favourite = s_policies[_random.Below(s_policies.Length)];
                    bool isSteady = _random.Below(2) == 0;           // few questions: indexes go
                    int changes = Math.Min(1_500, quanta);
                    for (int i = 0; i < changes; i++)
                    {
                        _failing = faults;
                        Step(map, bias, isSteady ? FitPolicy.InstantFit : favourite, isSteady);
                        _failing = false;
                    }

                    Check(map);
                }

                while (_live.Count > 0)
                {
                    Free(map);
                }

                Check(map);
            }

            map.Dispose();
        }

        private void Step(SegmentMap<T> map, int bias, FitPolicy favourite, bool isSteady)
        {
            int choice = _random.Below(100);
            if (choice < 2)
            {
                Trim(map);
            }
            else if (choice < 8)
            {
                Resize(map);
            }
            else if (choice < 10)
            {
                FreeMany(map);
            }
            else if (choice < 14)
            {
                Look(map);
            }
            else if (_live.Count > 0 && _random.Below(20) >= bias)
            {
                Free(map);
            }
            else
            {
                bool isOdd = _random.Below(isSteady ? 400 : 8) == 0;
                FitPolicy policy = isOdd ? s_policies[_random.Below(s_policies.Length)] : favourite;
                Take(map, policy, isOdd || _random.Below(isSteady ? 4_000 : 3) == 0);
            }
        }

        private void Take(SegmentMap<T> map, FitPolicy policy, bool isConstrained)
        {
            T size = Size();
            RangeConstraints<T> constraints = isConstrained ? Constraints(size) : default;
            var placement = new Placement<T>(size, constraints, _quantum);
            uint free;
            T start;
            bool inSteps = _random.Below(4) != 0;
            try
            {
                map.Reserve();
                free = map.FindConstrained(policy, placement, out start, inSteps);
            }
            catch (OutOfMemoryException) when (_failing)
            {
                return;
            }

            if (free == SegmentMap<T>.Unfinished)
            {
                Assert.True(inSteps);
                return;
            }

            int expected = Expected(policy, placement, out T place);
            Assert.True((free != 0) == (expected >= 0), $"{policy} {size} {constraints}: {start}, not {(expected >= 0 ? place : default)}");
            if (free == 0)
            {
                return;
            }

            if (policy == FitPolicy.InstantFit)
            {
                expected = At(start);
                Assert.True(IsPlace(placement, start, _free[expected]));
            }
            else
            {
                Assert.Equal(place, start);
            }

            if (_random.Below(8) == 0)
            {
                return;                           // only a question
            }

            if (!map.HasReserve)
            {
                return;
            }

            uint tag = map.Carve(free, start, size);
            if (policy == FitPolicy.NextFit)
            {
                map.SetRotor(_rotor = start + size);
            }

            RangeHandle<T> handle = default;
            if (_random.Below(3) == 0)
            {
                handle = new RangeHandle<T>(start, size, tag, map.Bind(tag));
            }
            else
            {
                map.Enlist(tag);
            }

            _live.Add(new Live(start, size, handle));
            Exclude(expected, start, size);
        }

        private void Free(SegmentMap<T> map)
        {
            int index = _random.Below(_live.Count);
            Live range = Forget(index);
            if (!map.HasReserve)
            {
                map.ReserveToFree();
            }

            uint tag = Unlist(map, range);
            _ = map.Free(tag);
            Include(range.Start, range.Size);
        }

        private void FreeMany(SegmentMap<T> map)
        {
            uint chain = 0;
            List<Live> ranges = [];
            for (int i = 0; i < 5 && _live.Count > 0; i++)
            {
                Live range = Forget(_random.Below(_live.Count));
                uint tag = Unlist(map, range);
                map.Chain(tag, chain);
                chain = tag;
                ranges.Add(range);
            }

            while (chain != 0)
            {
                map.ReserveToFree();
                uint tag = chain;
                chain = map.ChainedTo(tag);
                _ = map.Free(tag);
            }

            ranges.ForEach(range => Include(range.Start, range.Size));
        }

        private void Resize(SegmentMap<T> map)
        {
            if (_live.Count == 0)
            {
                return;
            }

            int index = _random.Below(_live.Count);
            Live range = _live[index];
            uint tag = TagOf(map, range);
            T size = Size();
            int next = _free.FindIndex(free => range.Start + range.Size == free.Start && !T.IsZero(free.Start));
            T room = next < 0 ? T.Zero : _free[next].Last - _free[next].Start + T.One;
            bool fits = size <= range.Size || size - range.Size <= room;
            map.ReserveToFree();
            bool done = map.TryResize(tag, size);
            Assert.True(done == fits || (_failing && size < range.Size));
            if (!done || size == range.Size)
            {
                return;
            }

            _live[index] = range with { Size = size };
            if (size < range.Size)
            {
                Include(range.Start + size, range.Size - size);
            }
            else
            {
                Exclude(next, _free[next].Start, size - range.Size);
            }
        }

        private void Trim(SegmentMap<T> map)
        {
            bool isDone = false;
            for (int steps = _random.Below(12); steps >= 0 && !isDone; steps--)
            {
                isDone = map.TryTrim(mayMove: true, static (_, _) => Assert.Fail("there are no slabs"), out nint chunk);
                SegmentMap<T>.GiveBack(chunk);
            }
        }

        private void Look(SegmentMap<T> map)
        {
            T value = first + (T.CreateTruncating(_random.Next()) & (_last - first));
            while (!map.TryApproach(value))
            {
            }

            Segment<T> segment = map.GetSegment(map.Locate(value));
            bool isFree = _free.Exists(free => value >= free.Start && value <= free.Last);
            Assert.True(value - segment.Start < segment.Size && (segment.Kind == SegmentKind.Free) == isFree);
            Assert.Equal(_free.Count == 0 ? T.Zero : _free.Max(static free => free.Last - free.Start) + T.One, map.LargestFree());
            T size = Size();
            long count;
            while (!map.TryCountLongEnough(size, out count))
            {
            }

            Assert.Equal(_free.Count(free => free.Last - free.Start >= size - T.One), count);
            if (_stale.Count > 0)
            {
                RangeHandle<T> stale = _stale[_random.Below(_stale.Count)];
                Assert.Equal(0u, Find(map, stale));
            }
        }

        private void Check(SegmentMap<T> map)
        {
            map.Validate();
            var batch = new Segment<T>[64];
            List<(T Start, T Last)> seen = [];
            for (var position = SegmentMap<T>.Position.First; position.More;)
            {
                int count = map.CopySegments(ref position, batch);
                seen.AddRange(batch.Take(count).Where(static segment => segment.Kind == SegmentKind.Free)
                    .Select(static segment => (segment.Start, segment.Start + (segment.Size - T.One))));
            }

            Assert.Equal(_free, seen);
            Assert.Equal(_live.Count, map.LiveSegments);
        }

        private uint Unlist(SegmentMap<T> map, in Live range)
        {
            uint tag = TagOf(map, range);
            if (range.Handle != default)
            {
                map.Unbind(tag);
                _stale.Add(range.Handle);
                return tag;
            }

            return map.Delist(range.Start, range.Size);
        }

        private static uint TagOf(SegmentMap<T> map, in Live range)
        {
            uint tag = range.Handle == default ? map.FindLive(range.Start) : Find(map, range.Handle);
            Assert.Equal(new Segment<T>(range.Start, range.Size, SegmentKind.Allocated), map.GetSegment(tag));
            return tag;
        }

        private static uint Find(SegmentMap<T> map, in RangeHandle<T> handle)
        {
            uint tag;
            while (!map.TryFind(handle, out tag))
            {
            }

            return tag;
        }

        private Live Forget(int index)
        {
            Live range = _live[index];
            _live[index] = _live[^1];
            _live.RemoveAt(_live.Count - 1);
            return range;
        }

        private T Size()
        {
            int most = Math.Min(quanta / 8, 250);
            int units = _random.Below(4) switch
            {
                0 => 1 + _random.Below(4),
                1 => 1 + _random.Below(Math.Min(20, most)),
                _ => 1 + _random.Below(most),
            };
            return T.CreateChecked(units * quantum);
        }

        private RangeConstraints<T> Constraints(T size)
        {
            int log = _random.Below(Math.Min(6, int.Log2(quanta) - 2));
            T align = _quantum << log;
            T phase = _random.Below(2) == 0 ? T.Zero : T.CreateChecked(_random.Below(1 << log)) * _quantum;
            T noCross = T.Zero;
            if (_random.Below(3) == 0)
            {
                T least = (phase + size + align - T.One) & ~(align - T.One);
                for (noCross = align; !T.IsZero(noCross) && noCross < least; noCross <<= 1)
                {
                }
            }

            bool isWindow = _random.Below(2) == 0;
            T low = first + (T.CreateTruncating(_random.Next()) & (_last - first));
            T high = low + ((T.CreateTruncating(_random.Next()) & (_last - first)) >> _random.Below(6));
            high = high <= low + size || high < low ? T.Zero : high;
            return new()
            {
                Align = align,
                Phase = phase,
                NoCross = noCross,
                Min = isWindow ? low : T.Zero,
                Max = isWindow && !(T.IsZero(high) && low + size < low) ? high : T.Zero,
            };
        }

        private int Expected(FitPolicy policy, in Placement<T> placement, out T place)
        {
            place = default;
            int best = -1;
            Placement<T> behind = placement.NotBelow(_rotor);
            for (int pass = policy == FitPolicy.NextFit ? 0 : 1; pass < 2 && best < 0; pass++)
            {
                for (int i = 0; i < _free.Count; i++)
                {
                    T start;
                    bool isPlace = policy == FitPolicy.LastFit ? TryHighest(placement, _free[i], out start)
                        : TryLowest(pass == 0 ? behind : placement, _free[i], out start);
                    if (isPlace && (best < 0 || policy == FitPolicy.LastFit
                        || (policy == FitPolicy.BestFit && _free[i].Last - _free[i].Start < _free[best].Last - _free[best].Start)))
                    {
                        (best, place) = (i, start);
                        if (policy is not (FitPolicy.LastFit or FitPolicy.BestFit))
                        {
                            break;
                        }
                    }
                }
            }

            return best;
        }

        private static bool IsPlace(in Placement<T> placement, T start, (T Start, T Last) free)
        {
            T end = free.Last < placement.Last ? free.Last : placement.Last;
            T noCross = placement.Constraints.NoCross;
            return start >= free.Start && start >= placement.Min && start <= end && end - start >= placement.Size - T.One
                && T.IsZero((start - placement.Phase) & placement.AlignMask)
                && (T.IsZero(noCross) || (start & ~(noCross - T.One)) == ((start + (placement.Size - T.One)) & ~(noCross - T.One)));
        }

        private bool TryLowest(in Placement<T> placement, (T Start, T Last) free, out T start)
        {
            for (start = free.Start > placement.Min ? free.Start : placement.Min; start <= free.Last; start += _quantum)
            {
                start = (start + (_quantum - T.One)) & ~(_quantum - T.One);
                if (IsPlace(placement, start, free))
                {
                    return true;
                }

                if (start > T.MaxValue - _quantum || free.Last - start < placement.Size - T.One)
                {
                    return false;
                }
            }

            return false;
        }

        private bool TryHighest(in Placement<T> placement, (T Start, T Last) free, out T start)
        {
            T end = free.Last < placement.Last ? free.Last : placement.Last;
            start = default;
            if (end < free.Start || end - free.Start < placement.Size - T.One)
            {
                return false;
            }

            for (start = (end - (placement.Size - T.One)) & ~(_quantum - T.One); start >= free.Start; start -= _quantum)
            {
                if (IsPlace(placement, start, free))
                {
                    return true;
                }

                if (start < _quantum || start < placement.Min)
                {
                    return false;
                }
            }

            return false;
        }

        private int At(T value) => _free.FindIndex(free => value >= free.Start && value <= free.Last);

        private void Exclude(int index, T start, T size)
        {
            (T from, T last) = _free[index];
            _free.RemoveAt(index);
            if (last - start > size - T.One)
            {
                _free.Insert(index, (start + size, last));
            }

            if (start > from)
            {
                _free.Insert(index, (from, start - T.One));
            }
        }

        private void Include(T start, T size)
        {
            T last = start + (size - T.One);
            int index = _free.FindIndex(free => free.Start > last);
            index = index < 0 ? _free.Count : index;
            if (index < _free.Count && last + T.One == _free[index].Start)
            {
                last = _free[index].Last;
                _free.RemoveAt(index);
            }

            if (index > 0 && _free[index - 1].Last + T.One == start)
            {
                start = _free[--index].Start;
                _free.RemoveAt(index);
            }

            _free.Insert(index, (start, last));
        }
    }
}
