using Vmem.Testing.Generation;
using Xunit;

namespace Vmem.Tests.Importing;

/// <summary>Arenas above arenas, with and without caches: a request for one value fails, and a waiter waits, only while each value that
/// nobody holds lies in an import that holds another one, of an arena that is neither the asker nor below it.</summary>
public class TreeTests
{
    private const uint Values = 320;

    [Theory]
    [InlineData(0u, 0u, 0u, 0u)]
    [InlineData(0u, 0u, 4u, 0u)]
    [InlineData(0u, 4u, 0u, 0u)]
    [InlineData(4u, 4u, 4u, 0u)]
    [InlineData(0u, 4u, 4u, 0u)]
    [InlineData(0u, 0u, 0u, 16u)]
    [InlineData(0u, 2u, 8u, 16u)]
    public void Nobody_is_refused_what_nobody_holds(uint groundCaches, uint middleCaches, uint topCaches, uint minImport)
    {
        for (int seed = 0; seed < Night.Scaled(8); seed++)
        {
            new Tree(seed, groundCaches, middleCaches, topCaches, minImport).Run(1_500);
        }
    }

    private sealed class Tree
    {
        private readonly Random _random;
        private readonly Arena<uint>[] _arenas;                            // the ground, two in the middle, four above
        private readonly int[] _below = [-1, 0, 0, 1, 1, 2, 2];
        private readonly List<(int Arena, uint Start, uint Size)> _held = [];
        private readonly List<(int Arena, uint Size, Task<uint> Task)> _waiting = [];

        public Tree(int seed, uint groundCaches, uint middleCaches, uint topCaches, uint minImport)
        {
            _random = new Random(seed);
            uint[] caches = [groundCaches, middleCaches, topCaches];
            _arenas = new Arena<uint>[_below.Length];
            for (int i = 0; i < _arenas.Length; i++)
            {
                var options = new ArenaOptions<uint> { QuantumCacheMax = caches[i == 0 ? 0 : i < 3 ? 1 : 2] };
                _arenas[i] = i == 0 ? new Arena<uint>("ground", 0, Values, 1, options)
                    : new Arena<uint>($"{i}", 1, options with { Source = _arenas[_below[i]], MinImport = minImport });
            }
        }

        public void Run(int steps)
        {
            bool grows = true;
            for (int step = 0; step < steps; step++)
            {
                grows = _held.Count == 0 || (_waiting.Count < 3 && (grows || _random.Next(40) == 0));
                if (grows ? _random.Next(4) != 0 : _random.Next(6) == 0)
                {
                    Take(_random.Next(_arenas.Length), waits: _random.Next(3) == 0);
                }
                else if (_held.Count > 0)
                {
                    Free(_random.Next(_held.Count));
                }

                Collect();
                foreach (int arena in ArenasOfShortWaiters())
                {
                    AssertNoneIsLeftFor(arena);
                }
            }

            while (_held.Count > 0)
            {
                Free(_held.Count - 1);
                Collect();
            }

            Assert.Empty(_waiting);
            Assert.True(_arenas[_random.Next(_arenas.Length)].TryAllocate(Values, out _));
            Array.ForEach(_arenas, static arena => arena.Validate());
            foreach (Arena<uint> arena in _arenas.Reverse())
            {
                arena.Dispose();
            }
        }

        /// <summary>Without those in which one for more than one value stands: others may stand behind him.</summary>
        private int[] ArenasOfShortWaiters() =>
            [.. _waiting.GroupBy(static waiter => waiter.Arena).Where(static queue => queue.All(static waiter => waiter.Size == 1))
                .Select(static queue => queue.Key)];

        private void Take(int arena, bool waits)
        {
            if (waits && _waiting.Count < 3)
            {
                uint size = _random.Next(3) == 0 ? 3u : 1;
                _waiting.Add((arena, size, _arenas[arena].AllocateAsync(size).AsTask()));
            }
            else if (_arenas[arena].TryAllocate(1, out uint start))
            {
                _held.Add((arena, start, 1));
            }
            else
            {
                AssertNoneIsLeftFor(arena);
            }
        }

        private void Free(int index)
        {
            (int arena, uint start, uint size) = _held[index];
            _held[index] = _held[^1];
            _held.RemoveAt(_held.Count - 1);
            _arenas[arena].Free(start, size);
        }

        private void Collect()
        {
            foreach ((int arena, uint size, Task<uint> task) in _waiting.Where(static waiter => waiter.Task.IsCompleted).ToArray())
            {
                _waiting.Remove((arena, size, task));
                _held.Add((arena, task.Result, size));
            }
        }

        private void AssertNoneIsLeftFor(int asker)
        {
            var taken = new bool[Values];
            Collect();
            foreach ((_, uint start, uint size) in _held)
            {
                Span<bool> range = taken.AsSpan((int)start, (int)size);
                Assert.False(range.Contains(true), $"something of {size} at {start} is held twice");
                range.Fill(true);
            }

            bool[] isHeld = [.. taken];
            for (int other = 1; other < _arenas.Length; other++)
            {
                for (int below = asker; below != other; below = _below[below])
                {
                    if (below < 0)
                    {
                        Pin(_arenas[other], isHeld, taken);
                        break;
                    }
                }
            }

            int left = Array.IndexOf(taken, false);
            Assert.True(left < 0, $"nobody holds {left}, and arena {asker} is refused");
        }

        private static void Pin(Arena<uint> arena, bool[] isHeld, bool[] taken)
        {
            foreach (Segment<uint> span in arena.GetSegments().Where(static segment => segment.Kind == SegmentKind.Span))
            {
                Span<bool> range = taken.AsSpan((int)span.Start, (int)span.Size);
                if (isHeld.AsSpan((int)span.Start, (int)span.Size).Contains(true))
                {
                    range.Fill(true);
                }
            }
        }
    }
}
