using System.Numerics;
using Vmem.Checks;
using Vmem.Segments;
using Vmem.Testing.Generation;
using Xunit;

namespace Vmem.Tests.Growth;

/// <summary>A map, and what is true of it.</summary>
/// <param name="seed">Which sequence.</param>
/// <param name="first">Where the span begins; it may end at the top of the type.</param>
/// <param name="quanta">Its length.</param>
/// <param name="quantum">A power of two.</param>
internal sealed partial class Crossing<T>(ulong seed, T first, int quanta, int quantum)
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    private readonly record struct Live(T Start, T Size, RangeHandle<T> Handle);

    private static readonly FitPolicy[] s_policies = Enum.GetValues<FitPolicy>();

    private readonly SeededRandom _random = new(seed);
    private readonly T _quantum = T.CreateChecked(quantum);
    private readonly T _last = first + (T.CreateChecked(quanta) * T.CreateChecked(quantum)) - T.One;
    private readonly FreeRuns<T> _free = new(T.CreateChecked(quantum));
    private readonly List<Live> _live = [];
    private readonly List<RangeHandle<T>> _stale = [];
    private bool _failing;

    public void Run(int phases)
    {
        SegmentMap<T> map = new(_quantum);
        map.ReserveSpan(_last - first + T.One);
        _ = map.AddSpan(first, _last - first + T.One, imported: false);
        _free.Include(first, _last - first + T.One);
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

        Assert.Equal(_free.Runs, seen);
        Assert.Equal(_live.Count, map.LiveSegments);
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
}
