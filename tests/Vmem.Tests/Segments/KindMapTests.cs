using Vmem.Ranges;
using Vmem.Segments;
using Vmem.Testing.Generation;
using Xunit;

namespace Vmem.Tests.Segments;

/// <summary>Ranges of several kinds and of none, against a look at every page.</summary>
public sealed class KindMapTests
{
    private const int Page = 16;
    private const int Top = 640;

    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 4)]
    [InlineData(3, 3)]
    public void No_page_has_two_kinds_and_no_place_is_missed(ulong seed, int quantum)
    {
        using Asked map = new(new SeededRandom(seed), quantum);
        for (int turn = 0; turn < 600; turn++)
        {
            map.Take();
            map.Free(turn % 200 < 120 ? 25 : 60);
            map.Resize();
            if (turn % 20 == 0)
            {
                map.Validate();
            }
        }
    }

    private sealed class Asked : IDisposable
    {
        private readonly SegmentMap<ushort> _map;
        private readonly SeededRandom _random;
        private readonly int _quantum;
        private readonly int _end;
        private readonly SortedDictionary<int, (int Size, int Kind)> _held = [];

        public Asked(SeededRandom random, int quantum)
        {
            (_random, _quantum, _end) = (random, quantum, Top / quantum * quantum);
            _map = new SegmentMap<ushort>((ushort)quantum, hasNotes: true, Page);
            _map.ReserveSpan((ushort)_end);
            _ = _map.AddSpan(0, (ushort)_end, imported: false);
        }

        public void Dispose() => _map.Dispose();

        public void Validate() => _map.Validate();

        public void Take()
        {
            int kind = _random.Below(4);
            int size = _quantum * (1 + _random.Below(_random.Below(5) == 0 ? 12 : 4));
            (int Start, int Size)[] free = [.. Holes()];
            int[] places =
            [
                .. from hole in free
                   where hole.Size >= size
                   from start in Enumerable.Range(0, ((hole.Size - size) / _quantum) + 1).Select(step => hole.Start + (step * _quantum))
                   where IsAllowed(start, size, kind)
                   select start,
            ];
            var placement = new Placement<ushort>((ushort)size, default, (ushort)_quantum, kind);
            uint last = Check(FitPolicy.LastFit, placement, places, places.DefaultIfEmpty(-1).Max());
            uint first = Check(FitPolicy.FirstFit, placement, places, places.DefaultIfEmpty(-1).Min());
            _ = Check(FitPolicy.NextFit, placement, places, null);
            _ = Check(FitPolicy.InstantFit, placement, places, null);
            _ = Check(FitPolicy.OldestFit, placement, places, null);
            _ = Check(FitPolicy.RandomFit, placement, places, null);
            (int Start, int Size)[] byPlace = [.. places.Select(start => free.Last(hole => hole.Start <= start))];
            int best = places.Zip(byPlace).OrderBy(pair => (pair.Second.Size, pair.First)).Select(pair => pair.First).FirstOrDefault(-1);
            _ = Check(FitPolicy.BestFit, placement, places, best);
            if (free.Length > 0)
            {
                (int start, int whole) = free[_random.Below(free.Length)];
                int at = start + (_random.Below(whole / _quantum) * _quantum);
                int length = Math.Min(size, start + whole - at);
                Assert.Equal(IsAllowed(at, length, kind), _map.MayLie(kind, _map.Locate((ushort)start), (ushort)at, (ushort)length));
            }

            if (places.Length > 0)
            {
                int start = _random.Below(3) switch { 0 => places[0], 1 => places[^1], _ => places[_random.Below(places.Length)] };
                _map.Reserve();
                _map.ReserveNotes();
                uint tag = _map.Carve(_map.FindAt((ushort)start, (ushort)size, inSteps: false), (ushort)start, (ushort)size);
                _map.Notes![tag] = new RangeNote((ulong)start, kind);
                _ = _map.Bind(tag);
                _held.Add(start, (size, kind));
            }

            Assert.Equal(first != 0, last != 0);
        }

        public void Free(int most)
        {
            while (_held.Count > most)
            {
                int start = _held.ElementAt(_random.Below(_held.Count)).Key;
                uint tag = _map.Locate((ushort)start);
                Assert.Equal(new RangeNote((ulong)start, _held[start].Kind), _map.NoteOf(tag));
                _map.ReserveToFree();
                _map.Unbind(tag);
                _ = _map.Free(tag);
                _ = _held.Remove(start);
            }
        }

        /// <summary>Behind it, as far as it is free and no other kind is near; and before it, where nothing changes.</summary>
        public void Resize()
        {
            if (_held.Count == 0)
            {
                return;
            }

            (int start, (int size, int kind)) = _held.ElementAt(_random.Below(_held.Count));
            uint tag = _map.Locate((ushort)start);
            int end = start + size;
            int more = _quantum * (1 + _random.Below(6));
            bool isFree = Holes().Any(hole => hole.Start == end && hole.Size >= more);
            bool mayGrow = isFree && IsAllowed(end, more, kind);
            Assert.Equal(mayGrow, _map.HasRoomBeside(tag, (ushort)more, above: true));
            bool isFreeBelow = Holes().Any(hole => hole.Start + hole.Size == start && hole.Size >= more);
            Assert.Equal(isFreeBelow && IsAllowed(start - more, more, kind), _map.HasRoomBeside(tag, (ushort)more, above: false));
            _map.ReserveToFree();
            Assert.Equal(mayGrow, _map.TryResize(tag, (ushort)(size + more)));
            _held[start] = (mayGrow ? size + more : size, kind);
        }

        private uint Check(FitPolicy policy, in Placement<ushort> placement, int[] places, int? expected)
        {
            uint found = _map.FindConstrained(policy, placement, out ushort start);
            Assert.True(found != 0 == places.Length > 0, $"{policy} of kind {placement.Kind} finds {found}");
            bool isRight = expected is { } place ? start == place : places.Contains(start);
            Assert.True(found == 0 || isRight, $"{policy} of kind {placement.Kind} finds {start}, not {expected}");
            return found;
        }

        /// <summary>Whether no range of another kind has a value in one of its pages.</summary>
        private bool IsAllowed(int start, int size, int kind)
        {
            int first = start / Page * Page;
            int end = ((start + size - 1) / Page * Page) + Page;
            return kind == 0 || !_held.Any(held => held.Value.Kind != 0 && held.Value.Kind != kind
                && held.Key < end && held.Key + held.Value.Size > first);
        }

        private IEnumerable<(int Start, int Size)> Holes()
        {
            int at = 0;
            foreach ((int start, (int size, _)) in _held)
            {
                if (start > at)
                {
                    yield return (at, start - at);
                }

                at = start + size;
            }

            if (at < _end)
            {
                yield return (at, _end - at);
            }
        }
    }
}
