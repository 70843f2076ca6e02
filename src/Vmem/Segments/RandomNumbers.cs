using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Vmem.Segments;

/// <summary>Random numbers that nobody outside can foretell, however many of them he has seen.</summary>
/// <remarks>
/// <para>
/// They are SipHash-2-4 (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012) of 0, 1, 2 and so on under a secret key of 128
/// bits. Without the key the next one cannot be told from chance. The key is the system's; or it is a seed, and then everybody who knows
/// that knows the numbers.
/// </para>
/// <para>
/// Rejected: <see cref="Random"/>, whose state four of its numbers give away; the system's generator for each number, which is a call into
/// the kernel; and <c>System.Security.Cryptography</c>, which brings an assembly, and on Linux a library of the system's.
/// </para>
/// </remarks>
internal sealed class RandomNumbers
{
    private const ulong SeedsOwn = 0x9E3779B97F4A7C15;         // the other half of a key that is a seed: any number

    private readonly ulong _key0;
    private readonly ulong _key1;
    private ulong _count;

    /// <param name="seed">Null: the system gives the key.</param>
    public RandomNumbers(ulong? seed)
    {
        Guid guid = Guid.NewGuid();               // but for six bits the system's random numbers
        ReadOnlySpan<ulong> secret = MemoryMarshal.Cast<Guid, ulong>(new ReadOnlySpan<Guid>(in guid));
        (_key0, _key1) = seed is { } known ? (known, SeedsOwn) : (secret[0], secret[1]);
    }

    /// <summary>A number less than this one, which is not 0: each as likely as any other.</summary>
    public T Below<T>(T bound)
        where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
    {
        T most = bound - T.One;
        if (T.IsZero(most))
        {
            return T.Zero;
        }

        int unused = int.CreateTruncating(T.LeadingZeroCount(most));
        T drawn;
        do
        {
            drawn = Next<T>() >>> unused;         // at least half of these are small enough
        }
        while (drawn > most);
        return drawn;
    }

    /// <summary>Any number of the type.</summary>
    public T Next<T>()
        where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T> =>
        Unsafe.SizeOf<T>() <= sizeof(ulong) ? T.CreateTruncating(Next())
            : (T.CreateTruncating(Next()) << 64) | T.CreateTruncating(Next());

    /// <summary>SipHash-2-4 of eight bytes.</summary>
    public static ulong Hash(ulong key0, ulong key1, ulong message)
    {
        const ulong Length = 8ul << 56;
        ulong v0 = key0 ^ 0x736F6D6570736575;
        ulong v1 = key1 ^ 0x646F72616E646F6D;
        ulong v2 = key0 ^ 0x6C7967656E657261;
        ulong v3 = key1 ^ 0x7465646279746573 ^ message;
        Mix(ref v0, ref v1, ref v2, ref v3, rounds: 2);
        v0 ^= message;
        v3 ^= Length;
        Mix(ref v0, ref v1, ref v2, ref v3, rounds: 2);
        v0 ^= Length;
        v2 ^= 0xFF;
        Mix(ref v0, ref v1, ref v2, ref v3, rounds: 4);
        return v0 ^ v1 ^ v2 ^ v3;
    }

    private ulong Next() => Hash(_key0, _key1, _count++);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Mix(ref ulong v0, ref ulong v1, ref ulong v2, ref ulong v3, int rounds)
    {
        for (int round = 0; round < rounds; round++)
        {
            v0 += v1;
            v1 = BitOperations.RotateLeft(v1, 13) ^ v0;
            v0 = BitOperations.RotateLeft(v0, 32);
            v2 += v3;
            v3 = BitOperations.RotateLeft(v3, 16) ^ v2;
            v0 += v3;
            v3 = BitOperations.RotateLeft(v3, 21) ^ v0;
            v2 += v1;
            v1 = BitOperations.RotateLeft(v1, 17) ^ v2;
            v2 = BitOperations.RotateLeft(v2, 32);
        }
    }
}
