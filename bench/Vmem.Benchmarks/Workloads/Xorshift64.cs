using System.Runtime.CompilerServices;

namespace Vmem.Benchmarks.Workloads;

/// <summary>
/// The generator of every study: Marsaglia's xorshift64 with shifts 13, 7, 17. It is the one with which the peers were measured, so that
/// all see the same sequence; a step is six dependent one-cycle instructions, cheap enough to stay inside a timed loop and, for the same
/// reason, a good gauge of a core's speed.
/// </summary>
internal struct Xorshift64
{
    /// <summary>The seed of the peers' measurements.</summary>
    public const ulong DefaultSeed = 42;

    private ulong _state;

    public Xorshift64(ulong seed)
    {
        ArgumentOutOfRangeException.ThrowIfZero(seed);
        _state = seed;
    }

    /// <summary>The generator of a thread: odd multiples of the seed give sequences that differ, none of them zero.</summary>
    public static Xorshift64 Of(int thread) => new(DefaultSeed * ((2 * (ulong)thread) + 1));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong Next()
    {
        ulong state = _state;
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        _state = state;
        return state;
    }

    /// <summary>A number below <paramref name="count"/>: the upper half of a step, scaled by a multiplication instead of a
    /// division.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Index(int count) => (int)(((Next() >> 32) * (ulong)count) >> 32);
}
