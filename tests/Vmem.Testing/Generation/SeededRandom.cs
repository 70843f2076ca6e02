namespace Vmem.Testing.Generation;

/// <summary>
/// xorshift64*: a small generator of our own, so that a seed in a failure message means the same sequence on every runtime and in every
/// year.
/// (Vigna, "An experimental exploration of Marsaglia's xorshift generators, scrambled", 2016.)
/// </summary>
public sealed class SeededRandom
{
    private ulong _state;

    public SeededRandom(ulong seed)
    {
        // A state of zero would stay zero; the odd constant is 2^64 divided by the golden ratio, which also spreads small seeds over all
        // bits.
        _state = (seed + 1) * 0x9E3779B97F4A7C15UL;
        _state = _state == 0 ? 1 : _state;
    }

    public ulong Next()
    {
        _state ^= _state >> 12;
        _state ^= _state << 25;
        _state ^= _state >> 27;
        return _state * 0x2545F4914F6CDD1DUL;
    }

    /// <summary>A value in <c>[0, bound)</c>; <paramref name="bound"/> is at least 1.</summary>
    public int Below(int bound) => (int)(((Next() >> 32) * (uint)bound) >> 32);
}
