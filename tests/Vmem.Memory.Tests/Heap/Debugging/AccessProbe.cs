namespace Vmem.Memory.Tests.Heap.Debugging;

/// <summary>Asks the system whether it can read from an address, which it answers with an error instead of a fault.</summary>
internal sealed unsafe class AccessProbe : IDisposable
{
    private readonly FileStream _file =
        new(Path.GetTempFileName(), FileMode.Open, FileAccess.ReadWrite, FileShare.None, 1, FileOptions.DeleteOnClose);

    public bool CanRead(byte* address)
    {
        try
        {
            RandomAccess.Write(_file.SafeFileHandle, new ReadOnlySpan<byte>(address, 1), 0);
            return true;
        }
        catch (IOException)
        {
            return false;
        }
    }

    public void Dispose() => _file.Dispose();
}
