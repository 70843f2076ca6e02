using Vmem.Tool.Commands;

namespace Vmem.Tool.Tests.Commands;

/// <summary>All files or none, and nothing of them before all are there.</summary>
public sealed class OutputFileTests : IDisposable
{
    private readonly TempFolder _folder = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Nothing_lies_in_the_folder_while_a_picture_is_drawn()
    {
        using var files = new OutputFiles();
        files.Add(_folder.PathOf("a.svg"), stream =>
        {
            stream.WriteByte(1);
            Assert.Empty(_folder.FileNames());
        });
        files.Stage(Token);
        files.Commit();
        Assert.Equal(["a.svg"], _folder.FileNames());
    }

    [Fact]
    public void Where_the_last_cannot_be_put_in_its_place_the_others_are_as_before()
    {
        string changed = _folder.Write("changed", "old");
        using (var files = new OutputFiles())
        {
            files.Add(changed, static stream => stream.WriteByte(1));
            files.Add(_folder.PathOf("new"), static stream => stream.WriteByte(2));
            files.Add(_folder.PathOf("last"), static stream => stream.WriteByte(3));
            files.Stage(Token);
            Directory.CreateDirectory(_folder.PathOf("last"));
            IOException fault = Assert.Throws<IOException>(files.Commit);
            Assert.StartsWith($"{_folder.PathOf("last")}: cannot be written (", fault.Message, StringComparison.Ordinal);
        }

        Assert.Equal("old", File.ReadAllText(changed));
        Assert.Equal(["changed"], _folder.FileNames());
    }

    [Fact]
    public void Old_contents_do_not_stay_behind()
    {
        string[] names = ["a", "b", "c"];
        using (var files = new OutputFiles())
        {
            foreach (string name in names)
            {
                files.Add(_folder.Write(name, "old"), static stream => stream.Write("new"u8));
            }

            files.Stage(Token);
            files.Commit();
        }

        Assert.Equal(names, _folder.FileNames());
        Assert.All(names, name => Assert.Equal("new", File.ReadAllText(_folder.PathOf(name))));
    }

    [Fact]
    public void After_Ctrl_C_there_is_no_file()
    {
        using (var files = new OutputFiles())
        {
            files.Add(_folder.PathOf("a"), static stream => stream.WriteByte(1));
            Assert.Throws<OperationCanceledException>(() => files.Stage(new CancellationToken(canceled: true)));
        }

        Assert.Empty(_folder.FileNames());
    }
}
