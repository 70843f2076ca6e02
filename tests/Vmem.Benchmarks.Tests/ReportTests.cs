using Vmem.Benchmarks.Measurement;
using Vmem.Benchmarks.Reports;

namespace Vmem.Benchmarks.Tests;

public class ReportTests
{
    private const string Page = "# Page\n<!-- study peers: begin -->\nold\n<!-- study peers: end -->\nrest\n";

    [Fact]
    public void A_section_takes_the_place_of_what_lay_between_its_markers()
    {
        string page = PageSection.Replace(Page, "peers", "new\n");

        Assert.Equal("# Page\n<!-- study peers: begin -->\nnew\n<!-- study peers: end -->\nrest\n", page);
        Assert.Equal(page, PageSection.Replace(page, "peers", "new\n"));
    }

    [Fact]
    public void A_page_without_the_markers_is_refused()
    {
        InvalidOperationException error = Assert.Throws<InvalidOperationException>(() => PageSection.Replace(Page, "growth", "new"));

        Assert.Contains("study growth: begin", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0.4, false)]
    [InlineData(1.7, true)]
    public void A_busy_machine_is_said_to_be_busy(double load, bool busy)
    {
        var machine = new Machine(new DateTime(2000, 1, 1, 0, 0, 0, DateTimeKind.Utc), load);

        Assert.Equal(busy, Machine.Describe(machine, machine).Contains("busy", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(0.9, false, "met")]
    [InlineData(1.1, false, "MISSED")]
    [InlineData(1.1, true, "met")]
    [InlineData(double.NaN, true, "MISSED")]
    public void A_bar_says_whether_it_was_met(double ratio, bool atLeast, string verdict)
        => Assert.EndsWith(verdict, new Bar("mix", "1×", 1, ratio, "×", atLeast).Sentence, StringComparison.Ordinal);
}
