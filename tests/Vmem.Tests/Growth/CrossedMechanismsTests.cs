using Xunit;

namespace Vmem.Tests.Growth;

/// <summary>Policies, constraints, indexes that come in steps and go, trimming, handles, resizing and growth that fails, all at once,
/// against a list of the free segments.</summary>
public sealed class CrossedMechanismsTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void All_together_answer_as_brute_force_does(ulong seed)
    {
        new Crossing<ulong>(seed, ulong.MaxValue - ((1ul << 20) - 1), 1 << 18, 4).Run(12);
        new Crossing<uint>(seed, 0, 1 << 18, 1).Run(12);
        new Crossing<UInt128>(seed, UInt128.MaxValue - ((1u << 20) - 1), 1 << 17, 8).Run(6);
        new Crossing<ushort>(seed, 2, (1 << 15) - 1, 2).Run(15);
        new Crossing<byte>(seed, 1, byte.MaxValue, 1).Run(60);
    }
}
