using System.IO.Compression;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Vmem.Packages.Tests.Feed;

namespace Vmem.Packages.Tests;

/// <summary>What lies in a package, and what it says of itself.</summary>
[Collection(PackageFeedTests.Name)]
public sealed partial class PackageContentTests(PackageFeed feed)
{
    [Theory]
    [MemberData(nameof(PackageFeed.Packages), MemberType = typeof(PackageFeed))]
    public void It_says_what_a_taker_asks(string package)
    {
        XElement metadata = Metadata(package);
        string Value(string name) => metadata.Elements().SingleOrDefault(element => element.Name.LocalName == name)?.Value ?? "";

        Assert.Equal("MIT", Value("license"));
        Assert.Equal("The Vmem authors", Value("authors"));
        Assert.Equal("README.md", Value("readme"));
        Assert.Equal("icon.png", Value("icon"));
        Assert.NotEmpty(Value("description"));
        Assert.NotEqual("Package Description", Value("description"));      // what the SDK writes where nobody wrote anything
        Assert.NotEmpty(Value("tags"));
    }

    [Theory]
    [MemberData(nameof(PackageFeed.Packages), MemberType = typeof(PackageFeed))]
    public void It_contains_what_it_names(string package)
    {
        using ZipArchive archive = ZipFile.OpenRead(feed.PathOf(package));
        Assert.NotNull(archive.GetEntry("README.md"));
        Assert.NotNull(archive.GetEntry("icon.png"));
        Assert.DoesNotContain(archive.Entries, entry => entry.Name.StartsWith("PublicDocumentation", StringComparison.Ordinal));
        Assert.True(File.Exists(feed.PathOf(package, extension: ".snupkg")), "The symbols are missing.");
    }

    [Fact]
    public void The_core_depends_on_nothing() => Assert.DoesNotContain(Metadata("Vmem").Descendants(), element => element.Name.LocalName == "dependency");

    [Theory]
    [InlineData("Vmem")]
    [InlineData("Vmem.Memory")]
    [InlineData("Vmem.Leasing")]
    [InlineData("Vmem.Leasing.Hosting")]
    [InlineData("Vmem.Leasing.PostgreSql")]
    [InlineData("Vmem.Leasing.Sqlite")]
    [InlineData("Vmem.Extensions.ObjectPool")]
    [InlineData("Vmem.Net")]
    [InlineData("Vmem.Vulkan")]
    [InlineData("Vmem.AspNetCore")]
    [InlineData("Vmem.Extensions.Hosting")]
    public void Its_documentation_names_what_a_taker_can_name(string package)
    {
        using ZipArchive archive = ZipFile.OpenRead(feed.PathOf(package));
        ZipArchiveEntry[] documentations = [
            .. archive.Entries.Where(entry => entry.FullName.StartsWith("lib/", StringComparison.Ordinal) && entry.Name == package + ".xml")
        ];
        Assert.NotEmpty(documentations);
        foreach (ZipArchiveEntry entry in documentations)
        {
            using Stream stream = entry.Open();
            XElement[] members = [.. XDocument.Load(stream).Descendants("member")];
            Assert.NotEmpty(members);
            Assert.DoesNotContain(members, member => PrivateName().IsMatch(member.Attribute("name")!.Value));
            Assert.All(members, member => Assert.True(member.Elements("summary").Count() <= 1, $"{member.Attribute("name")!.Value} has several summaries."));
        }
    }

    private XElement Metadata(string package)
    {
        using ZipArchive archive = ZipFile.OpenRead(feed.PathOf(package));
        using Stream stream = archive.GetEntry(package + ".nuspec")!.Open();
        return XDocument.Load(stream).Root!.Elements().Single(element => element.Name.LocalName == "metadata");
    }

    // _field, s_static, t_threadStatic: no public member is called so.
    [GeneratedRegex(@"[.](_|s_|t_)\w+")]
    private static partial Regex PrivateName();
}
