using System.Numerics;
using Vmem.Diagnostics;
using Vmem.Testing.Buddy;
using Vmem.Testing.Generation;
using Xunit;

namespace Vmem.Tests.Buddy;

/// <summary>Generated sequences against the naive model, on every integer type; all that can be asked is compared after every step, and
/// every invariant checked.</summary>
public class BuddyModelTests
{
    public static TheoryData<int> Seeds => [.. Enumerable.Range(1, Night.Scaled(15))];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Bytes(int seed) => Run<byte>(seed, 256);

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Ushorts(int seed) => Run<ushort>(seed, 5_000);

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Uints(int seed) => Run<uint>(seed, 5_000);

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Ulongs(int seed) => Run<ulong>(seed, 20_000);

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Nuints(int seed) => Run<nuint>(seed, 5_000);

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Uint128s(int seed) => Run<UInt128>(seed, 5_000);

    private static void Run<T>(int seed, int top)
        where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
    {
        for (ulong round = 0; round < 4; round++)
        {
            BuddyScenario scenario = BuddyScenario.Draw(new SeededRandom(Night.FirstSeed + ((ulong)seed * 4) + round), top, 250);
            BuddyAllocatorOptions options = new() { SingleThreaded = round % 2 == 0, Audit = round == 3 };
            string? fault = BuddyRun<T>.FirstFault(scenario, options);
            if (fault is not null)
            {
                BuddyScenario least = BuddyScenario.Shrink(scenario, candidate => BuddyRun<T>.FirstFault(candidate, options) is not null);
                Assert.Fail($"Seed {seed} after {Night.FirstSeed}, round {round}. {BuddyRun<T>.FirstFault(least, options)}\n{least}");
            }
        }
    }
}
