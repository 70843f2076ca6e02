using System.Diagnostics;
using Vmem.Recording;

namespace Vmem;

/// <summary>A recording of what an arena does: <see cref="Arena{T}.Record(Stream, ArenaRecordingOptions?)"/>. It ends when it or the arena
/// is disposed, or when the stream throws.</summary>
/// <remarks>All members may be used by any thread, but that of a single-threaded arena must be disposed by the arena's one
/// thread.</remarks>
[DebuggerDisplay("{Name,nq}: {Events} events, {BytesWritten} bytes, {Lost} lost")]
public sealed class ArenaRecording : IDisposable
{
    private readonly Recorder _recorder;
    private readonly Action _detach;
    private int _told;                            // whether the fault has been thrown

    internal ArenaRecording(Recorder recorder, Action detach)
    {
        _recorder = recorder;
        _detach = detach;
    }

    /// <summary>The arena's name.</summary>
    public string Name => _recorder.Name;

    /// <summary>How many allocations, frees and changes of size were written so far, those that were live at the beginning
    /// included.</summary>
    public long Events => _recorder.Events;

    /// <summary>How many are missing, because the stream was too slow (<see cref="ArenaRecordingOptions.MaxWait"/>). Each gap is marked in
    /// the recording.</summary>
    public long Lost => _recorder.Lost;

    /// <summary>How many bytes were given to the stream so far.</summary>
    public long BytesWritten => _recorder.BytesWritten;

    /// <summary>Whether the recording has ended: nothing is written any more.</summary>
    public bool HasEnded => _recorder.HasEnded;

    /// <summary>What the stream, or <see cref="ArenaRecordingOptions.TagName"/>, threw. The recording has ended with it; the arena works
    /// on.</summary>
    public Exception? Fault => _recorder.Fault;

    /// <summary>Ends the recording: writes what is left, flushes the stream and disposes it, unless
    /// <see cref="ArenaRecordingOptions.LeaveOpen"/> is set. Idempotent.</summary>
    /// <exception cref="IOException">The recording ended too early, because the stream or a callback threw: <see cref="Fault"/>. The arena
    /// is no longer recorded all the same. Thrown once.</exception>
    /// <remarks>Waits for the stream. O(1) for the arena, and for one with quantum caches O(what they hold): they are emptied.</remarks>
    public void Dispose()
    {
        End();
        if (Fault is { } fault && Interlocked.Exchange(ref _told, 1) == 0)
        {
            throw new IOException($"The recording of arena '{Name}' ended too early: {fault.Message}", fault);
        }
    }

    /// <summary>Ends the recording, however it went. Whatever failed is tried again by another call.</summary>
    internal void End()
    {
        _recorder.Close();                        // first: a thread that waits for room may hold the arena's lock
        try
        {
            _detach();
        }
        finally
        {
            _recorder.End();
        }
    }
}
