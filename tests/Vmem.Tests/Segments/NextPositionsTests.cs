using Vmem.Ranges;
using Vmem.Segments;
using Xunit;

namespace Vmem.Tests.Segments;

/// <summary>Where next fit goes on: at the rotor for one quantum, and at the lead for all others.</summary>
public sealed class NextPositionsTests : IDisposable
{
    private const uint Quantum = 10;

    private readonly SegmentMap<uint> _map = new(Quantum);

    public void Dispose() => _map.Dispose();

    [Theory]
    [InlineData(50u, 80u, 50u, 60u, 80u)]         // the lead is ahead
    [InlineData(50u, 80u, 70u, 80u, 80u)]
    [InlineData(50u, 80u, 80u, 90u, 90u)]         // and is overtaken
    [InlineData(50u, 50u, 50u, 60u, 60u)]
    [InlineData(50u, 40u, 50u, 60u, 40u)]         // it is once round ahead
    [InlineData(50u, 40u, 30u, 40u, 40u)]
    [InlineData(50u, 40u, 20u, 30u, 40u)]
    [InlineData(50u, 40u, 40u, 50u, 50u)]         // once round is as far as it goes
    [InlineData(50u, 80u, 40u, 50u, 50u)]
    [InlineData(50u, 80u, 20u, 30u, 30u)]
    public void One_quantum_moves_the_rotor_and_a_lead_that_it_overtakes(uint rotor, uint lead, uint start, uint newRotor, uint newLead)
    {
        _map.SetRotor(rotor, lead);
        _map.NoteNext(start, Quantum);
        Assert.Equal((newRotor, newLead), (_map.Rotor, _map.Lead));
        _map.SetRotor(rotor, lead);
        _map.NoteNext(new Placement<uint>(Quantum, default, Quantum), start, Quantum);
        Assert.Equal((newRotor, newLead), (_map.Rotor, _map.Lead));
    }

    /// <summary>A quantum of one value ends where the next begins, whatever lies between two of ten.</summary>
    [Theory]
    [InlineData(0u, 0u, 0u, 1u, 1u)]
    [InlineData(3u, 7u, 7u, 8u, 8u)]
    [InlineData(3u, 7u, 6u, 7u, 7u)]
    [InlineData(3u, 7u, 3u, 4u, 7u)]
    public void The_lead_is_overtaken_by_the_value_that_it_stands_at(uint rotor, uint lead, uint start, uint newRotor, uint newLead)
    {
        using SegmentMap<uint> map = new(1);
        map.SetRotor(rotor, lead);
        map.NoteNext(start, 1);
        Assert.Equal((newRotor, newLead), (map.Rotor, map.Lead));
    }

    /// <summary>Only [60, 70) and [120, 130) of 200 are free.</summary>
    [Theory]
    [InlineData(50u, 100u, 50u)]                  // something is passed over
    [InlineData(60u, 100u, 60u)]
    [InlineData(70u, 100u, 130u)]
    [InlineData(100u, 100u, 130u)]
    [InlineData(65u, 70u, 65u)]
    [InlineData(50u, 60u, 90u)]
    [InlineData(150u, 20u, 50u)]                  // from the bottom again
    [InlineData(150u, 0u, 30u)]
    [InlineData(150u, 60u, 90u)]
    [InlineData(150u, 70u, 150u)]
    [InlineData(110u, 0u, 110u)]
    [InlineData(129u, 0u, 129u)]
    [InlineData(130u, 0u, 30u)]
    public void A_longer_one_moves_the_lead_and_the_rotor_if_nothing_free_is_passed_over(uint rotor, uint start, uint newRotor)
    {
        Fill();
        _map.SetRotor(rotor, 77);
        _map.NoteNext(start, 3 * Quantum);
        Assert.Equal((start == rotor ? start + 30 : rotor, start + 30), (_map.Rotor, _map.Lead));
        Assert.NotEqual(0u, _map.Find(FitPolicy.FirstFit, Quantum, out _, inSteps: false));       // there is an index now
        _map.SetRotor(rotor, 77);
        _map.NoteNext(start, 3 * Quantum);
        Assert.Equal((newRotor, start + 30), (_map.Rotor, _map.Lead));
    }

    [Fact]
    public void A_request_that_has_no_choice_moves_neither()
    {
        _map.SetRotor(50, 80);
        _map.NoteNext(new Placement<uint>(20, new RangeConstraints<uint> { Min = 100, Max = 120 }, Quantum), 100, 20);
        Assert.Equal((50u, 80u), (_map.Rotor, _map.Lead));
        _map.NoteNext(new Placement<uint>(20, new RangeConstraints<uint> { Min = 100, Max = 130 }, Quantum), 110, 20);
        Assert.Equal((50u, 130u), (_map.Rotor, _map.Lead));
        _map.NoteNext(new Placement<uint>(Quantum, new RangeConstraints<uint> { Align = 20 }, Quantum), 60, Quantum);
        Assert.Equal((50u, 70u), (_map.Rotor, _map.Lead));
        _map.NoteNext(new Placement<uint>(Quantum, default, Quantum), 20, 40);    // whole units around a place
        Assert.Equal((50u, 60u), (_map.Rotor, _map.Lead));
    }

    /// <summary>The free segment that it lies in, as far as it reaches; else the next one that is long enough; else from the
    /// bottom.</summary>
    [Theory]
    [InlineData(60u, 10u, 60u)]
    [InlineData(61u, 9u, 61u)]
    [InlineData(61u, 10u, 120u)]
    [InlineData(70u, 10u, 120u)]
    [InlineData(120u, 10u, 120u)]
    [InlineData(121u, 10u, 60u)]
    [InlineData(130u, 1u, 60u)]
    [InlineData(0u, 10u, 60u)]
    public void A_request_goes_on_at_its_position(uint position, uint size, uint start)
    {
        Fill();
        _map.SetRotor(size == Quantum ? position : 7, size == Quantum ? 7 : position);
        Assert.NotEqual(0u, _map.Find(FitPolicy.NextFit, size, out uint found, inSteps: false));
        Assert.Equal(start, found);
        Assert.Equal(0u, _map.Find(FitPolicy.NextFit, 11, out found, inSteps: false));
        Assert.Equal(0u, found);
    }

    private void Fill()
    {
        _map.ReserveSpan(200);
        _ = _map.AddSpan(0, 200, imported: false);
        foreach ((uint start, uint end) in ((uint, uint)[])[(0, 60), (70, 120), (130, 200)])
        {
            _map.Reserve();
            _ = _map.Bind(_map.Carve(_map.FindAt(start, end - start, inSteps: false), start, end - start));
        }
    }
}
