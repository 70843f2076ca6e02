using Vmem.Memory.Heap.Debugging;
using Xunit;

namespace Vmem.Memory.Tests.Heap.Debugging;

/// <summary>What VMEM_DEBUG may hold.</summary>
public class DebugVariableTests
{
    public static TheoryData<string?, HeapDebugging> Values => new()
    {
        { null, HeapDebugging.None },
        { "", HeapDebugging.None },
        { "none", HeapDebugging.None },
        { "default", HeapDebugging.Default },
        { "default,firewall", HeapDebugging.Firewall },
        { "firewall,default", HeapDebugging.Firewall },
        { " audit , guards ", HeapDebugging.None with { Owners = true, RedZone = 16 } },
        { "audit,contents,guards", HeapDebugging.Default },
        { "guards=4K", HeapDebugging.None with { RedZone = 4_096 } },
        { "quarantine=1G,contents", HeapDebugging.None with { Quarantine = 1 << 30, FillFresh = true, PoisonFreed = true } },
        { "firewall=100", HeapDebugging.None with { GuardPagesFrom = 100, GuardPagesTo = nuint.MaxValue } },
        { "firewall=1K-2M", HeapDebugging.None with { GuardPagesFrom = 1_024, GuardPagesTo = 2 << 20 } },
        { "quarantine=1G,default", HeapDebugging.Default with { Quarantine = 1 << 30 } },
        { "default,none", HeapDebugging.None },
        { "default,firewall,exact", HeapDebugging.Firewall with { ExactGuards = true } },
        { "sample", HeapDebugging.None with { Sample = 1_000 } },
        { "sample=50,contents", HeapDebugging.None with { Sample = 50, Quarantine = 16 << 20, FillFresh = true, PoisonFreed = true } },
    };

    [Theory]
    [MemberData(nameof(Values))]
    public void It_is_a_list_of_words(string? text, HeapDebugging expected) => Assert.Equal(expected, DebugVariable.Parse(text));

    [Fact]
    public void It_may_ask_for_reports()
    {
        HeapDebugging debugging = DebugVariable.Parse("leaks");
        Assert.NotNull(debugging.Leaked);
        Assert.NotNull(debugging.Damaged);
    }

    [Theory]
    [InlineData("defaults")]
    [InlineData("audit=5")]
    [InlineData("guards=")]
    [InlineData("guards=-1")]
    [InlineData("guards=1T")]
    [InlineData("quarantine")]
    [InlineData("quarantine=99999999999999999999")]
    [InlineData("quarantine=99999999999G")]
    [InlineData("firewall=1-2-3")]
    [InlineData("firewall=-2")]
    [InlineData("firewall=200-100")]
    [InlineData("guards=2M")]
    [InlineData("sample=0")]
    [InlineData("sample=1K")]
    public void A_word_that_is_not_known_is_an_error_that_names_it(string item)
    {
        string message = Assert.Throws<FormatException>(() => DebugVariable.Parse($"audit,{item}")).Message;
        Assert.Contains($"'{item}'", message, StringComparison.Ordinal);
        Assert.Contains("VMEM_DEBUG", message, StringComparison.Ordinal);
    }
}
