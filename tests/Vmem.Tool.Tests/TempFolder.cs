using System.Diagnostics;
using System.Text;

namespace Vmem.Tool.Tests;

/// <summary>A folder of one test's own, gone with it.</summary>
internal sealed class TempFolder : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("vmem-tool-tests-");

    public string PathOf(string name) => Path.Combine(_folder.FullName, name);

    public string Write(string name, string text) => Write(name, Encoding.ASCII.GetBytes(text));

    public string Write(string name, byte[] contents)
    {
        File.WriteAllBytes(PathOf(name), contents);
        return PathOf(name);
    }

    /// <summary>Makes a pipe with a name.</summary>
    public async Task<string> MakePipeAsync(string name)
    {
        using var make = Process.Start("mkfifo", PathOf(name));
        await make.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Equal(0, make.ExitCode);
        return PathOf(name);
    }

    /// <summary>The names of all files, so that a test can see that nothing was left behind.</summary>
    public IEnumerable<string> FileNames() => _folder.EnumerateFiles().Select(file => file.Name).Order(StringComparer.Ordinal);

    public void Dispose() => _folder.Delete(recursive: true);
}
