namespace Vmem.Caching;

/// <summary>A <see cref="MagazinePair{TItem}"/> with the padding behind it.</summary>
internal sealed class ThreadMagazines<TItem> : MagazinePair<TItem>
{
#pragma warning disable CS0169, IDE0051, CA1823 // it is there to take up room
    private readonly Padding _behind;
#pragma warning restore CS0169, IDE0051, CA1823

    private (long Taken, int Rounds) _seen;

    /// <summary>Whether as many had been taken, and as many lay here, when this was asked last. Under the gate. The owner need not stand
    /// still: whatever it does meanwhile makes a difference the next time.</summary>
    public bool SeemsIdle()
    {
        (long Taken, int Rounds) now = (Taken, Rounds);
        bool isIdle = now == _seen;
        _seen = now;
        return isIdle;
    }
}
