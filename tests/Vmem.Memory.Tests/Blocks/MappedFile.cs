using System.IO.MemoryMappedFiles;

namespace Vmem.Memory.Tests.Blocks;

/// <summary>A temporary file, mapped; its bytes are the secret of <see cref="CallersBlock"/>.</summary>
internal sealed class MappedFile : IDisposable
{
    private readonly string _path = Path.GetTempFileName();
    private readonly MemoryMappedFile _mapping;

    /// <summary>A file of <paramref name="offset"/> + <paramref name="size"/> + 1,000 bytes, of which a view shows those from
    /// <paramref name="offset"/> on.</summary>
    public MappedFile(int size, int offset = 0, MemoryMappedFileAccess access = MemoryMappedFileAccess.ReadWrite)
    {
        byte[] content = new byte[offset + size + 1_000];
        content.AsSpan().Fill(CallersBlock.Secret);
        File.WriteAllBytes(_path, content);
        _mapping = MemoryMappedFile.CreateFromFile(_path, FileMode.Open);
        View = _mapping.CreateViewAccessor(offset, size, access);
        Offset = offset;
    }

    public MemoryMappedViewAccessor View { get; }

    public int Offset { get; }

    /// <summary>Where the view starts in memory: the handle's pointer is that of the page.</summary>
    public unsafe nint Start
    {
        get
        {
            byte* page = null;
            View.SafeMemoryMappedViewHandle.AcquirePointer(ref page);
            View.SafeMemoryMappedViewHandle.ReleasePointer();
            return (nint)page + (nint)View.PointerOffset;
        }
    }

    /// <summary>What a reader of the file sees once the view was flushed.</summary>
    public byte[] ReadFile()
    {
        View.Flush();
        using FileStream file = new(_path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        byte[] content = new byte[file.Length];
        file.ReadExactly(content);
        return content;
    }

    public void Dispose()
    {
        View.Dispose();
        _mapping.Dispose();
        File.Delete(_path);
    }
}
