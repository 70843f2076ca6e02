// Writes the baseline that package validation compares each package with: `dotnet run eng/baseline.cs`, at every release, and before 1.0
// with every deliberate change of the public surface (which gets a line in CHANGELOG.md).
//
// A baseline is the package with its reference assemblies, which hold the public surface and no code: a tenth of the size.
// Rejected: the version on nuget.org, which a build without a network, and before the first release every build, can't have.

using System.Diagnostics;
using System.IO.Compression;
using System.Runtime.CompilerServices;

string root = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(ThisFile())!, ".."));
string baselines = Directory.CreateDirectory(Path.Combine(root, "eng/baseline")).FullName;
string packed = Directory.CreateTempSubdirectory("vmem-baseline-").FullName;
try
{
    foreach (string package in (string[])["Vmem", "Vmem.Memory", "Vmem.Leasing", "Vmem.Leasing.Hosting", "Vmem.Leasing.PostgreSql", "Vmem.Leasing.Sqlite", "Vmem.Extensions.ObjectPool", "Vmem.Net", "Vmem.Vulkan", "Vmem.AspNetCore", "Vmem.Extensions.Hosting"])
    {
        Run("pack", Path.Combine(root, "src", package), "-c", "Release", "-o", packed, "--nologo", "-p:MinVerVersionOverride=0.0.0", "-p:EnablePackageValidation=false");
        string baseline = Path.Combine(baselines, package + ".nupkg");
        File.Delete(baseline);
        using ZipArchive source = ZipFile.OpenRead(Path.Combine(packed, package + ".0.0.0.nupkg"));
        using ZipArchive target = ZipFile.Open(baseline, ZipArchiveMode.Create);
        foreach (ZipArchiveEntry entry in source.Entries.OrderBy(entry => entry.FullName, StringComparer.Ordinal))
        {
            if (entry.Name == package + ".dll")
            {
                string framework = entry.FullName.Split('/')[1];
                using FileStream reference = File.OpenRead(Path.Combine(root, "src", package, "obj/Release", framework, "ref", entry.Name));
                Add(target, entry.FullName, reference);
            }
            else if (entry.Name.EndsWith(".nuspec", StringComparison.Ordinal))
            {
                using Stream nuspec = entry.Open();
                Add(target, entry.FullName, nuspec);
            }
        }
    }
}
finally
{
    Directory.Delete(packed, recursive: true);
}

static void Add(ZipArchive target, string name, Stream content)
{
    ZipArchiveEntry entry = target.CreateEntry(name, CompressionLevel.SmallestSize);
    entry.LastWriteTime = new DateTimeOffset(1980, 1, 1, 0, 0, 0, TimeSpan.Zero);   // zip's own zero: the same surface gives the same bytes
    using Stream stream = entry.Open();
    content.CopyTo(stream);
}

static void Run(params string[] arguments)
{
    using Process process = Process.Start("dotnet", arguments);
    process.WaitForExit();
    if (process.ExitCode != 0)
    {
        throw new InvalidOperationException($"dotnet {string.Join(' ', arguments)} ended with exit code {process.ExitCode}.");
    }
}

static string ThisFile([CallerFilePath] string path = "") => path;
