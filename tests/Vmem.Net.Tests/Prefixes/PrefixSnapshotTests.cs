namespace Vmem.Net.Tests.Prefixes;

/// <summary>Who is to blame if a pool cannot be restored.</summary>
public sealed class PrefixSnapshotTests
{
    /// <summary>The options are the caller's: no text is wrong because of them, whether it is one or not.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Wrong_options_are_the_callers_fault(bool isSnapshot)
    {
        using var pool = new PrefixPool("pool", Prefix.Parse("10.0.0.0/24"));
        string json = isSnapshot ? pool.ToJson() : "{}";
        PrefixPoolOptions[] wrong =
        [
            new() { ReuseDelay = TimeSpan.FromSeconds(-1) }, new() { Policy = (FitPolicy)99 }, new() { Policy = (FitPolicy)(-1) },
        ];
        Assert.All(wrong, options => Blames(() => PrefixPool.FromJson(json, options)));
        Assert.All(wrong, options => Blames(() => new PrefixPool("p", Prefix.Parse("10.0.0.0/24"), options)));
        PrefixPoolOptions clockless = new() { TimeProvider = null! };
        Assert.Throws<ArgumentNullException>(() => PrefixPool.FromJson(json, clockless));

        static void Blames(Func<PrefixPool> make) =>
            Assert.Equal("options", Assert.Throws<ArgumentOutOfRangeException>(make).ParamName);
    }

    [Theory]
    [InlineData("{}", "\"version\" is missing")]
    [InlineData("""{"version":99999999999}""", "\"version\" is no whole number")]
    [InlineData("""{"version":1}""", "\"name\" is missing")]
    [InlineData("""{"version":1,"name":"p","networks":[]}""", "\"longestV4\" is missing")]
    [InlineData("[]", "no snapshot of a prefix pool")]
    public void What_is_wrong_with_a_text_is_said(string json, string expected) =>
        Assert.Contains(expected, Assert.Throws<FormatException>(() => PrefixPool.FromJson(json)).Message, StringComparison.Ordinal);

    [Fact]
    public void No_exclusions_at_all_are_an_empty_list() => Assert.Equal("options", Assert.Throws<ArgumentNullException>(
        () => new PrefixPool("p", Prefix.Parse("10.0.0.0/24"), new() { Exclusions = null! })).ParamName);

    /// <summary>Units and exclusions are those of the text, whatever the options say.</summary>
    [Fact]
    public void Units_and_exclusions_of_the_options_are_not_looked_at()
    {
        using var pool = new PrefixPool("pool", Prefix.Parse("10.0.0.0/24"), new() { LongestV4 = 30 });
        using PrefixPool again = PrefixPool.FromJson(pool.ToJson(), new() { LongestV4 = 99, LongestV6 = -1, Exclusions = null! });
        Assert.Equal(pool.ToJson(), again.ToJson());
    }
}
