using Vmem.Segments;
using Xunit;

namespace Vmem.Tests.Segments;

/// <summary>Each hash has a secret of its own, and no bit of a start is lost.</summary>
public sealed class StartHashTests
{
    private const int Hashes = 64;                // a mistake that half of the secrets hide is seen

    [Fact]
    public void Each_table_hashes_in_another_way()
    {
        HashSet<uint> seen = [];
        for (int i = 0; i < Hashes; i++)
        {
            _ = seen.Add(StartHash<ulong>.Create().Of(12_345, 0));
        }

        Assert.InRange(seen.Count, Hashes - 2, Hashes);
    }

    /// <summary>Multiplied by an even number, the highest bit would be gone.</summary>
    [Fact]
    public void Every_single_bit_of_a_start_tells()
    {
        for (int i = 0; i < Hashes; i++)
        {
            StartHash<ulong> hash = StartHash<ulong>.Create();
            StartHash<UInt128> wide = StartHash<UInt128>.Create();
            Assert.NotEqual(hash.Of(0, 0), hash.Of(1ul << 63, 0));
            Assert.NotEqual(wide.Of(0, 0), wide.Of(UInt128.One << 63, 0));
            Assert.NotEqual(wide.Of(0, 0), wide.Of(UInt128.One << 127, 0));
            Assert.NotEqual(wide.Of(1, 0), wide.Of(1 + (UInt128.One << 127), 0));
        }
    }

    [Fact]
    public void Bits_below_the_quantum_are_dropped()
    {
        StartHash<ulong> hash = StartHash<ulong>.Create();
        StartHash<UInt128> wide = StartHash<UInt128>.Create();
        for (ulong start = 1; start < 100; start++)
        {
            Assert.Equal(hash.Of(start, 0), hash.Of(start << 12, 12));
            Assert.Equal(wide.Of(start, 0), wide.Of((UInt128)start << 70, 70));
        }
    }

    [Fact]
    public void Starts_in_a_row_get_hashes_that_differ()
    {
        StartHash<uint> hash = StartHash<uint>.Create();
        HashSet<uint> seen = [];
        for (uint start = 0; start < 10_000; start++)
        {
            _ = seen.Add(hash.Of(start, 0));
        }

        Assert.InRange(seen.Count, 9_900, 10_000);
    }
}
