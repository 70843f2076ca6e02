namespace Vmem.Memory.Heap;

/// <summary>Draws how many blocks pass before the next one that is a sample: of all blocks, one in so many.</summary>
/// <remarks>The numbers are distributed geometrically. So each block is as likely a sample as any other, the first and one that follows a
/// sample too, whoever counts, and however many counts there are. Rejected: every N-th block, which in a loop may always be the
/// same.</remarks>
internal sealed class SampleRate(int every, ulong seed)
{
    private readonly double _scale = every == 1 ? 0 : 1 / Math.Log(1 - (1.0 / every));
    private ulong _state = seed;

    /// <summary>The next number, at most <see cref="HeapMagazine.LongestStretch"/>. From any thread.</summary>
    public int Next()
    {
        // SplitMix64 (Steele, Lea & Flood 2014), of which the upper 53 bits become a number above 0 and up to 1.
        ulong z = Interlocked.Add(ref _state, 0x9E3779B97F4A7C15);
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        double even = (((z ^ (z >> 31)) >> 11) + 1) * (1.0 / (1ul << 53));
        return (int)Math.Min(Math.Log(even) * _scale, HeapMagazine.LongestStretch);
    }
}
