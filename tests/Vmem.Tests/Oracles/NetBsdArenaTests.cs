using System.Numerics;
using Vmem.Testing.Generation;
using Xunit;

namespace Vmem.Tests.Oracles;

/// <summary>Acceptance 3: the test at the end of NetBSD's subr_vmem.c, on a type that the last span fills to the top and on one that goes
/// on above it.</summary>
public class NetBsdArenaTests
{
    private static readonly (uint Start, uint Size)[] s_spans =
        [(0, 50), (100, 200), (2_000, 1), (40_000, 65_536), (10_000, 10_000), (500, 1_000), (0xffffff00, 0x100)];

    [Fact]
    public void Fixed_cases_on_uint() => FixedCases<uint>();

    [Fact]
    public void Fixed_cases_on_ulong() => FixedCases<ulong>();

    [Fact]
    public void Random_part_on_uint() => RandomPart<uint>();

    [Fact]
    public void Random_part_on_ulong() => RandomPart<ulong>();

    private static Arena<T> NewArena<T>()
        where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
    {
        Arena<T> arena = new("test", T.One);
        foreach ((uint start, uint size) in s_spans)
        {
            arena.AddSpan(T.CreateChecked(start), T.CreateChecked(size));
        }

        return arena;
    }

    /// <summary>NetBSD gives the last address that is allowed; here it is the first that is not, and the top of the type reads as 0,
    /// "none".</summary>
    private static RangeConstraints<T> Between<T>(uint min, uint last)
        where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T> =>
        new() { Min = T.CreateChecked(min), Max = unchecked(T.CreateChecked(last) + T.One) };

    private static void FixedCases<T>()
        where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
    {
        foreach (FitPolicy policy in Enum.GetValues<FitPolicy>())
        {
            using Arena<T> arena = NewArena<T>();
            T fifty = T.CreateChecked(50);
            T page = T.CreateChecked(0x100);

            Assert.False(arena.TryAllocateConstrained(page + T.One, Between<T>(0xffffff00, 0xffffffff), policy, out _));
            Assert.True(arena.TryAllocateConstrained(fifty, Between<T>(0, 49), policy, out T start));
            Assert.Equal(T.Zero, start);
            arena.FreeConstrained(start, fifty);
            Assert.True(arena.TryAllocateConstrained(T.CreateChecked(25), Between<T>(0, 24), policy, out start));
            Assert.Equal(T.Zero, start);
            Assert.False(arena.TryAllocateConstrained(page, Between<T>(0xffffff01, 0xffffffff), policy, out _));
            Assert.False(arena.TryAllocateConstrained(page, Between<T>(0xffffff00, 0xfffffffe), policy, out _));
            Assert.True(arena.TryAllocateConstrained(page, Between<T>(0xffffff00, 0xffffffff), policy, out start));
            Assert.Equal(T.CreateChecked(0xffffff00), start);
            arena.Validate();
        }
    }

    private static void RandomPart<T>()
        where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
    {
        for (ulong seed = 0; seed < 10; seed++)
        {
            SeededRandom random = new(seed);
            using Arena<T> arena = NewArena<T>();
            FitPolicy policy = (FitPolicy)(seed % 5);
            List<(T Start, T Size)> live = [];
            bool isFull = false;
            while (!isFull)
            {
                if (random.Below(100) < 54)
                {
                    isFull = !AllocateOne(arena, random, policy, live);
                }
                else if (live.Count > 0)
                {
                    int index = random.Below(live.Count);
                    arena.Free(live[index].Start, live[index].Size);
                    live[index] = live[^1];
                    live.RemoveAt(live.Count - 1);
                }
            }

            Assert.True(live.Count > 20);
            arena.Validate();
            live.ForEach(range => arena.Free(range.Start, range.Size));
            arena.Validate();
            Assert.Equal(
                s_spans.Order().Select(span => new Segment<T>(T.CreateChecked(span.Start), T.CreateChecked(span.Size), SegmentKind.Free)),
                arena.GetSegments().Where(segment => segment.Kind != SegmentKind.Span));
        }
    }

    /// <summary>False if an unconstrained request failed, which ends the test. A constrained one that fails is made again without
    /// constraints, so that the arena does fill up.</summary>
    private static bool AllocateOne<T>(Arena<T> arena, SeededRandom random, FitPolicy policy, List<(T Start, T Size)> live)
        where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
    {
        int size = 1 + random.Below(500);
        T amount = T.CreateChecked(size);
        bool found = random.Below(100) < 55 && TryConstrained(arena, random, policy, size, out T start)
            || arena.TryAllocate(amount, policy, out start);
        live.AddRange(found ? [(start, amount)] : []);
        return found;
    }

    private static bool TryConstrained<T>(Arena<T> arena, SeededRandom random, FitPolicy policy, int size, out T start)
        where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
    {
        T amount = T.CreateChecked(size);
        int align = 1 << random.Below(15);
        int phase = random.Below(align);
        int noCross = 1 << random.Below(15);
        bool crossesAlways = noCross < align || (phase + size + align - 1) / align * align > noCross;
        RangeConstraints<T> constraints = new()
        {
            Align = T.CreateChecked(align),
            Phase = T.CreateChecked(phase),
            NoCross = crossesAlways ? T.Zero : T.CreateChecked(noCross),
            Min = T.CreateChecked(random.Below(50_000)),
            Max = T.CreateChecked(random.Below(70_000)),
        };
        if (!arena.TryAllocateConstrained(amount, constraints, policy, out start))
        {
            return false;
        }

        Assert.Equal(constraints.Phase, start % constraints.Align);
        Assert.True(start >= constraints.Min && (T.IsZero(constraints.Max) || start + amount <= constraints.Max));
        Assert.True(T.IsZero(constraints.NoCross) || start / constraints.NoCross == (start + amount - T.One) / constraints.NoCross);
        return true;
    }
}
