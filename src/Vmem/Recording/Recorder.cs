using Vmem.Checks;

namespace Vmem.Recording;

/// <summary>A recording under way, whatever the integer type of its arena: the thread that writes it, and how that ends.</summary>
internal abstract class Recorder
{
    private readonly Stream _stream;
    private readonly bool _leaveOpen;
    private readonly Thread _thread;
    private Exception? _fault;
    private bool _ending;
    private bool _ended;

    protected Recorder(string name, Stream stream, bool leaveOpen)
    {
        Name = name;
        _stream = stream;
        _leaveOpen = leaveOpen;
        _thread = new Thread(Run) { IsBackground = true, Name = $"Vmem recording of {name}" };
    }

    /// <summary>The arena's name.</summary>
    public string Name { get; }

    /// <summary>What ended the recording too early; null if nothing has.</summary>
    public Exception? Fault => Volatile.Read(ref _fault);

    /// <summary>Whether nothing is written any more.</summary>
    public bool HasEnded => Volatile.Read(ref _ended);

    public abstract long Events { get; }

    public abstract long Lost { get; }

    public abstract long BytesWritten { get; }

    protected Thread Thread => _thread;

    /// <summary>Whether everything that was recorded is to be written, and nothing more is to come.</summary>
    protected bool IsEnding => Volatile.Read(ref _ending);

    /// <summary>Begins to write.</summary>
    public void Start() => _thread.UnsafeStart();

    /// <summary>Takes nothing in any more. A thread that waits for room goes on, and gives the arena's lock back.</summary>
    public void Close()
    {
        CloseRing();
        Volatile.Write(ref _ending, true);        // last: the writer ends when it sees this and the ring is empty
    }

    /// <summary>Takes nothing in any more, and waits until everything is written and the stream closed, unless the writer itself calls: the
    /// stream may do what it likes. Idempotent.</summary>
    /// <remarks>An interrupt is left for the thread's next wait: a half-written recording would be the result.</remarks>
    public void End()
    {
        Close();
        using var interrupts = new DeferredInterrupt();
        while (Thread.CurrentThread != _thread && !HasEnded && (_thread.ThreadState & ThreadState.Unstarted) == 0
            && !interrupts.Try(_thread, static thread => thread.Join(Timeout.Infinite)))
        {
        }
    }

    /// <summary>Writes everything until the end. On the recorder's own thread.</summary>
    protected abstract void Write();

    /// <summary>Nothing comes in any more.</summary>
    protected abstract void CloseRing();

    /// <summary>The thread. Whatever is thrown here, by the stream or by a callback, ends the recording and is nobody else's.</summary>
    private void Run()
    {
        try
        {
            Write();
            _stream.Flush();
        }
#pragma warning disable CA1031 // It is kept for whoever looks at the recording.
        catch (Exception fault)
#pragma warning restore CA1031
        {
            Volatile.Write(ref _fault, fault);
        }

        CloseRing();
        try
        {
            if (!_leaveOpen)
            {
                _stream.Dispose();
            }
        }
#pragma warning disable CA1031 // Likewise.
        catch (Exception fault)
#pragma warning restore CA1031
        {
            _ = Interlocked.CompareExchange(ref _fault, fault, null);
        }

        Volatile.Write(ref _ended, true);
    }
}
