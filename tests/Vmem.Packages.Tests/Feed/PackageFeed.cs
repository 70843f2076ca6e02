using System.IO.Compression;
using System.Xml.Linq;

namespace Vmem.Packages.Tests.Feed;

/// <summary>
/// All packages of this project, packed once for all tests into a feed of their own, from what is built already. The apps that take them
/// have a package folder of their own, too: the machine's folder holds what else they need, and is only read.
/// </summary>
public sealed class PackageFeed : IDisposable
{
    /// <summary>No version that was ever released: whatever an app takes with this number came from this feed.</summary>
    public const string Version = "1.0.0-feed";

    /// <summary>The next patch release.</summary>
    public const string NextVersion = "1.0.1-feed";

    private static readonly string[] s_packages =
    [
        "Vmem", "Vmem.Memory", "Vmem.Leasing", "Vmem.Leasing.Hosting", "Vmem.Leasing.PostgreSql", "Vmem.Leasing.Sqlite",
        "Vmem.Extensions.ObjectPool", "Vmem.Net", "Vmem.Vulkan", "Vmem.AspNetCore",
        "Vmem.Extensions.Hosting", "Vmem.Tool",
    ];

    private readonly string _root = Directory.CreateTempSubdirectory("vmem-feed-").FullName;

    public PackageFeed()
    {
        try
        {
            Directory.CreateDirectory(Folder);
            foreach (string package in s_packages)
            {
                Pack(package, Version, Folder);
            }

            File.WriteAllText(Path.Combine(_root, "nuget.config"), Configuration());
        }
        catch
        {
            Dispose();                            // nobody else would
            throw;
        }
    }

    public static TheoryData<string> Packages => new(s_packages);

    /// <summary>The folder that holds the packages.</summary>
    public string Folder => Path.Combine(_root, "feed");

    /// <summary>A new folder for an app that sees this feed, under its own name.</summary>
    public string NewFolder(string name) => Directory.CreateDirectory(Path.Combine(_root, $"{name}-{Guid.NewGuid():N}")).FullName;

    public string PathOf(string package, string version = Version, string extension = ".nupkg") =>
        Path.Combine(Folder, $"{package}.{version}{extension}");

    internal static CommandResult Pack(string package, string version, string folder) =>
        DotNet.Run(Repository.Root, "pack", $"src/{package}", "-c", Repository.Configuration, "--no-build", "-o", folder,
            $"-p:MinVerVersionOverride={version}", "-p:EnablePackageValidation=false", "--nologo").Succeeded().WithoutWarnings();

    /// <summary>Adds a package to the feed that is <paramref name="package"/> under its next version, with one file in it
    /// changed.</summary>
    public void AddNextVersion(string package, string file, Func<Stream, byte[]> change)
    {
        Pack(package, NextVersion, Folder);
        using ZipArchive archive = ZipFile.Open(PathOf(package, NextVersion), ZipArchiveMode.Update);
        ZipArchiveEntry entry = archive.GetEntry(file) ?? throw new InvalidOperationException($"{package} contains no {file}.");
        byte[] changed;
        using (var original = new MemoryStream())
        {
            using (Stream stream = entry.Open())
            {
                stream.CopyTo(original);
            }

            original.Position = 0;
            changed = change(original);
        }

        entry.Delete();
        using Stream target = archive.CreateEntry(file).Open();
        target.Write(changed);
    }

    public void Dispose() => Directory.Delete(_root, recursive: true);

    private string Configuration()
    {
        string shared = DotNet.Run(_root, "nuget", "locals", "global-packages", "--list").Succeeded().Output.Split("global-packages:")[1].Trim();
        return new XElement("configuration",
            new XElement("config", new XElement("add", new XAttribute("key", "globalPackagesFolder"), new XAttribute("value", Path.Combine(_root, "packages")))),
            new XElement("packageSources", new XElement("add", new XAttribute("key", "this feed"), new XAttribute("value", Folder))),
            new XElement("fallbackPackageFolders", new XElement("add", new XAttribute("key", "the machine's"), new XAttribute("value", shared)))).ToString();
    }
}

[CollectionDefinition(Name)]
public sealed class PackageFeedTests : ICollectionFixture<PackageFeed>
{
    public const string Name = "the feed";
}
