namespace Vmem.Tests.Recording;

/// <summary>A stream that does something of its own at each write, flush and disposal.</summary>
internal sealed class TroubledStream(Action<int> atCall) : MemoryStream
{
    private int _calls;

    public bool IsDisposed { get; private set; }

    public override void Write(byte[] buffer, int offset, int count)
    {
        atCall(_calls++);
        base.Write(buffer, offset, count);
    }

    public override void Flush() => atCall(_calls++);

    protected override void Dispose(bool disposing)
    {
        if (!IsDisposed)
        {
            IsDisposed = true;
            atCall(_calls++);
        }

        base.Dispose(disposing);
    }
}
