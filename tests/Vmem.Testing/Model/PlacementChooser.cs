namespace Vmem.Testing.Model;

/// <summary>
/// Sees every valid place, in ascending order, with the free segment it lies in, and keeps the one that the policy wants. Instant fit may
/// take any; here it takes the lowest.
/// </summary>
internal struct PlacementChooser(FitPolicy policy, int rotor)
{
    private int _segmentSize = int.MaxValue;

    /// <summary>The place chosen so far, or -1.</summary>
    public int Start { get; private set; } = -1;

    /// <summary>Whether no later place can be better.</summary>
    public readonly bool IsSettled => Start >= 0 && policy switch
    {
        FitPolicy.InstantFit or FitPolicy.FirstFit => true,
        FitPolicy.NextFit => Start >= rotor,
        _ => false,
    };

    /// <summary>Considers a valid place in a free segment of <paramref name="segmentSize"/>.</summary>
    public void Offer(int start, int segmentSize)
    {
        bool better = policy switch
        {
            FitPolicy.LastFit => true,
            FitPolicy.BestFit => segmentSize < _segmentSize,
            FitPolicy.NextFit => Start < 0 || (Start < rotor && start >= rotor),
            _ => Start < 0,
        };
        if (better)
        {
            Start = start;
            _segmentSize = segmentSize;
        }
    }
}
