using System.Runtime.CompilerServices;

namespace Vmem.Benchmarks.Workloads;

/// <summary>
/// How the sizes of requests are distributed. A law is a struct with static members, so that the JIT compiles every timing loop for its
/// law: drawing a size costs a generator step and two or three instructions, never a call.
/// </summary>
internal interface ISizeLaw
{
    static abstract string Name { get; }

    /// <summary>The mean size, by which a study turns a capacity into an occupancy.</summary>
    static abstract double Mean { get; }

    static abstract ulong Draw(ref Xorshift64 random);
}

/// <summary>Law U64: uniform from 1 to 64.</summary>
internal readonly struct UniformTo64 : ISizeLaw
{
    public static string Name => "U64";

    public static double Mean => 32.5;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Draw(ref Xorshift64 random) => 1 + ((random.Next() >> 32) & 63);
}

/// <summary>Law P: a power of two from 2^0 to 2^10, each as likely, plus a uniform rest below it. Few large requests among many small ones:
/// what fragments an arena.</summary>
internal readonly struct PowerLaw : ISizeLaw
{
    public static string Name => "P";

    public static double Mean => 278.6;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Draw(ref Xorshift64 random)
    {
        ulong value = random.Next();
        ulong power = 1UL << (int)((value >> 32) % 11);
        return power + ((value >> 48) & (power - 1));
    }
}

/// <summary>Every size is 1: an arena of IDs.</summary>
internal readonly struct UnitSize : ISizeLaw
{
    public static string Name => "1";

    public static double Mean => 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Draw(ref Xorshift64 random) => 1;
}

/// <summary>Every size is 64: blocks of one cache line.</summary>
internal readonly struct LineSize : ISizeLaw
{
    public static string Name => "64";

    public static double Mean => 64;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Draw(ref Xorshift64 random) => 64;
}

/// <summary>Uniform from 8 to 512: the small blocks of an ordinary program.</summary>
internal readonly struct SmallBlocks : ISizeLaw
{
    public static string Name => "8–512";

    public static double Mean => 260;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Draw(ref Xorshift64 random) => 8 + (ulong)random.Index(505);
}
