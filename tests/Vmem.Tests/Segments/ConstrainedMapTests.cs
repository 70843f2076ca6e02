using Vmem.Ranges;
using Vmem.Segments;
using Vmem.Testing.Generation;
using Xunit;

namespace Vmem.Tests.Segments;

/// <summary>Requests with constraints in a map of many holes, against a look at every value.</summary>
public sealed class ConstrainedMapTests
{
    /// <summary>Few holes and many, of all sizes or mostly of one; at the bottom of the type and at its top.</summary>
    [Theory]
    [InlineData(1, 1, 0, 400, 5)]
    [InlineData(2, 4, 65_536 - 2_000, 2_000, 5)]
    [InlineData(3, 1, 65_536 - 9_000, 9_000, 9)]
    [InlineData(4, 12, 0, 30_000, 3)]
    [InlineData(5, 2, 0, 16_000, 1)]
    public void Each_policy_finds_its_place(ulong seed, int quantum, int first, int top, int sizes)
    {
        using Asked map = new(seed, quantum, first, top, sizes);
        for (int turn = 0; turn < 250; turn++)
        {
            map.Ask();
            if (turn % 5 == 0)
            {
                map.Change();
            }
        }

        map.Validate();
    }

    private sealed class Asked : IDisposable
    {
        private readonly SeededRandom _random;
        private readonly SegmentMap<ushort> _map;
        private readonly SortedDictionary<int, int> _held = [];
        private readonly (int Start, int End)[] _spans;
        private readonly int _quantum;
        private readonly int _first;
        private readonly int _top;
        private readonly int _sizes;

        public Asked(ulong seed, int quantum, int first, int top, int sizes)
        {
            _random = new SeededRandom(seed);
            (_quantum, _first, _top, _sizes) = (quantum, first, top, sizes);
            _map = new SegmentMap<ushort>((ushort)quantum) { RandomSeed = seed };
            int middle = Whole(first + (top / 2));
            _spans = [(Up(first), middle), (middle + (3 * quantum), Whole(first + top))];
            foreach ((int start, int end) in _spans)
            {
                _map.ReserveSpan((ushort)(end - start));
                _ = _map.AddSpan((ushort)start, (ushort)(end - start), imported: false);
                for (int at = start + Size(); at < end; at += Size())
                {
                    int size = Math.Min(quantum * (1 + _random.Below(2)), end - at);
                    Hold(at, size);
                    at += size;
                }
            }
        }

        public void Dispose() => _map.Dispose();

        public void Validate() => _map.Validate();

        /// <summary>What is held becomes free, or a part of what is free is held.</summary>
        public void Change()
        {
            if (_random.Below(2) == 0)
            {
                int start = _held.ElementAt(_random.Below(_held.Count)).Key;
                uint tag = _map.Locate((ushort)start);
                _map.ReserveToFree();
                _map.Unbind(tag);
                _ = _map.Free(tag);
                Assert.True(_held.Remove(start));
                return;
            }

            List<(int Start, int Size)> free = Free();
            (int first, int whole) = free[_random.Below(free.Count)];
            int size = Math.Min(whole, _quantum * (1 + _random.Below(4)));
            Hold(first + Whole(_random.Below(whole - size + 1)), size);
        }

        public void Ask()
        {
            int size = _quantum * (1 + _random.Below(_random.Below(4) == 0 ? 20 : 6));
            RangeConstraints<ushort> constraints = Constraints(size);
            var placement = new Placement<ushort>((ushort)size, constraints, (ushort)_quantum);
            List<(int Start, int Size)> free = Free();
            List<(int Start, int Size, int Place)> places =
            [
                .. from hole in free
                   from place in Enumerable.Range(hole.Start, Math.Max(0, hole.Size - size + 1))
                   where IsPlace(place, size, constraints)
                   select (hole.Start, hole.Size, place),
            ];
            (ushort rotor, ushort lead) = ((ushort)(_first + Whole(_random.Below(_top))), (ushort)(_first + Whole(_random.Below(_top))));
            _map.SetRotor(rotor, lead);
            int from = placement.IsUnconstrained && size == _quantum ? rotor : lead;
            int[] starts = [.. places.Select(place => place.Place)];
            int lowest = starts.DefaultIfEmpty(-1).Min();
            Check(FitPolicy.FirstFit, placement, free, lowest);
            Check(FitPolicy.LastFit, placement, free, starts.DefaultIfEmpty(-1).Max());
            Check(FitPolicy.NextFit, placement, free, starts.Where(start => start >= from).DefaultIfEmpty(lowest).Min());
            IEnumerable<int> best = places.OrderBy(place => (place.Size, place.Place)).Select(place => place.Place);
            Check(FitPolicy.BestFit, placement, free, best.FirstOrDefault(-1));
            foreach (FitPolicy policy in (FitPolicy[])[FitPolicy.InstantFit, FitPolicy.RandomFit, FitPolicy.OldestFit])
            {
                uint found = _map.FindConstrained(policy, placement, out ushort start);
                Assert.Equal(places.Count > 0, found != 0);
                Assert.True(found == 0 || places.Exists(place => place.Place == start));
                Assert.True(found == 0 || IsHole(found, start, free));
            }

            uint near;
            ushort low;
            do
            {
                near = _map.Survey(placement, out low);
            }
            while (near == SegmentMap<ushort>.Unfinished);
            Assert.Equal(lowest >= 0, near != 0);
            Assert.True(near == 0 || low == lowest);
        }

        private void Check(FitPolicy policy, in Placement<ushort> placement, List<(int Start, int Size)> free, int expected)
        {
            uint found = _map.FindConstrained(policy, placement, out ushort start);
            Assert.True(expected >= 0 == (found != 0), $"{policy}: {expected} or none");
            Assert.True(found == 0 || start == expected, $"{policy}: {start}, not {expected}");
            Assert.True(found == 0 || IsHole(found, start, free));
        }

        private bool IsHole(uint found, ushort start, List<(int Start, int Size)> free)
        {
            Segment<ushort> hole = _map.GetSegment(found);
            return hole.Kind == SegmentKind.Free && free.Contains((hole.Start, hole.Size))
                && start >= hole.Start && start < hole.Start + hole.Size;
        }

        private RangeConstraints<ushort> Constraints(int size)
        {
            int align = _random.Below(3) switch
            {
                0 => 0,
                1 => _quantum << _random.Below(7),
                _ => _quantum * (3 + _random.Below(9)),
            };
            align = _random.Below(4) == 0 ? 0 : align;
            int phase = align == 0 || _random.Below(2) == 0 ? 0 : Whole(_random.Below(align));
            bool isPowerOfTwo = align > 0 && (align & (align - 1)) == 0;
            int noCross = isPowerOfTwo && _random.Below(2) == 0 ? align : 0;
            while (noCross != 0 && noCross < (phase + size + align - 1) / align * align)
            {
                noCross *= 2;
            }

            int min = _random.Below(3) == 0 ? 0 : _first + _random.Below(_top);
            int length = _random.Below(3) switch { 0 => _top, 1 => _top / 8, _ => size + _random.Below(6 * size) };
            int max = _random.Below(3) == 0 ? 0 : Math.Min(Math.Max(min, _first) + length, _first + _top);
            return new()
            {
                Align = (ushort)align,
                Phase = (ushort)phase,
                NoCross = (ushort)(noCross < 32_768 ? noCross : 0),
                Min = (ushort)min,
                Max = (ushort)max,
            };
        }

        private bool IsPlace(int place, int size, RangeConstraints<ushort> constraints)
        {
            int align = constraints.Align == 0 ? _quantum : constraints.Align;
            int max = constraints.Max == 0 ? 65_536 : constraints.Max;
            return place % align == constraints.Phase && place >= constraints.Min && place + size <= max
                && (constraints.NoCross == 0 || place / constraints.NoCross == (place + size - 1) / constraints.NoCross);
        }

        private List<(int Start, int Size)> Free()
        {
            List<(int, int)> free = [];
            foreach ((int start, int end) in _spans)
            {
                int at = start;
                foreach ((int held, int size) in _held)
                {
                    if (held >= start && held < end)
                    {
                        Add(at, held);
                        at = held + size;
                    }
                }

                Add(at, end);
            }

            return free;

            void Add(int from, int to)
            {
                if (to > from)
                {
                    free.Add((from, to - from));
                }
            }
        }

        private void Hold(int start, int size)
        {
            _map.Reserve();
            uint hole = _map.FindAt((ushort)start, (ushort)size, inSteps: false);
            _ = _map.Bind(_map.Carve(hole, (ushort)start, (ushort)size));
            _held.Add(start, size);
        }

        /// <summary>That of a hole.</summary>
        private int Size() => _quantum * (1 + _random.Below(_random.Below(3) == 0 ? 4 * _sizes : _sizes));

        private int Whole(int value) => value / _quantum * _quantum;

        private int Up(int value) => Whole(value + _quantum - 1);
    }
}
