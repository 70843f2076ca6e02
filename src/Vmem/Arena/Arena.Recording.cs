using System.Runtime.CompilerServices;
using Vmem.Caching;
using Vmem.Recording;
using Vmem.Segments;

namespace Vmem;

// Being recorded: see ArenaRecorder.
public sealed partial class Arena<T>
{
    private ArenaRecorder<T>? _recorder;          // changes under the lock, with the caches empty
    private bool _noted;                          // somebody wants to know what is taken: a source, or a recorder

    /// <summary>Records every allocation and free from now on, for <c>vmem replay</c>.</summary>
    /// <param name="stream">Where the recording goes: a file, perhaps through a <see cref="System.IO.Compression.GZipStream"/>. It is used
    /// by the recording's own thread, under no lock, and disposed at the end.</param>
    /// <param name="options">How it is recorded; null for the defaults.</param>
    /// <returns>The recording. Dispose it to end it.</returns>
    /// <exception cref="ArgumentException">The stream cannot be written to, or an option makes no sense.</exception>
    /// <exception cref="InvalidOperationException">The arena is being recorded already.</exception>
    /// <remarks>
    /// <para>
    /// A call that throws leaves the stream as it was, unless it is the arena's source that throws, as it takes back what the caches held:
    /// then the recording has begun, and ended. What is live now is written first. From then on everything is recorded, whichever
    /// way it comes: by address or handle, in batches, from caches, after a wait, through imports of other arenas. Sizes are those of the
    /// ranges, rounded up to the quantum. What is live at the end stays live in the recording.
    /// </para>
    /// <para>
    /// O(n) under the lock at the beginning, as <see cref="Snapshot"/> is, and the quantum caches are emptied. Then some nanoseconds an
    /// operation, and no managed memory (docs/recording.md has figures). If the stream throws, the recording ends and the arena works on:
    /// see <see cref="ArenaRecording.Fault"/>.
    /// </para>
    /// </remarks>
    public ArenaRecording Record(Stream stream, ArenaRecordingOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(stream);
        if (!stream.CanWrite)
        {
            throw new ArgumentException("The stream cannot be written to.", nameof(stream));
        }

        options ??= new ArenaRecordingOptions();
        options.Check(nameof(options));
        var recorder = new ArenaRecorder<T>(this, Name, Quantum, stream, options, _time);
        var recording = new ArenaRecording(recorder, () => Detach(recorder));
        try
        {
            Attach(recorder);
            return recording;
        }
        catch
        {
            recording.End();
            throw;
        }
    }

    private void Attach(ArenaRecorder<T> recorder)
    {
        List<Segment<T>>? releases = null;
        EnterEmpty(ref releases);
        try
        {
            if (_recorder is { HasEnded: false })
            {
                throw new InvalidOperationException($"Arena '{Name}' is being recorded already. Dispose that recording first.");
            }

            recorder.Begin([.. _caches is null ? EnumerateLocked() : CopyCallersView()]);
            SetRecorder(recorder);
        }
        finally
        {
            ExitFrozen();
            ReleaseAndServe(releases, echo: true);
        }
    }

    /// <summary>Ends a recording, as far as the arena is concerned. Nothing happens if it has ended, or the arena has.</summary>
    /// <remarks>An interrupt is left for the thread's next wait: the arena would stay off its fast paths.</remarks>
    private void Detach(ArenaRecorder<T> recorder)
    {
        bool isInterrupted = false;
        while (Volatile.Read(ref _recorder) == recorder)
        {
            try
            {
                DetachOnce(recorder);
            }
            catch (ThreadInterruptedException)
            {
                isInterrupted = true;
            }
        }

        if (isInterrupted)
        {
            Thread.CurrentThread.Interrupt();
        }
    }

    private void DetachOnce(ArenaRecorder<T> recorder)
    {
        List<Segment<T>>? releases = null;
        try
        {
            EnterEmpty(ref releases);
        }
        catch (ObjectDisposedException) when (_disposed)
        {
            return;
        }

        try
        {
            if (_recorder == recorder)
            {
                SetRecorder(null);
            }
        }
        finally
        {
            ExitFrozen();
            ReleaseAndServe(releases, echo: true);
        }
    }

    /// <summary>Takes the lock, with nothing in the caches. To be followed by <see cref="ExitFrozen"/>.</summary>
    private void EnterEmpty(ref List<Segment<T>>? releases)
    {
        if (_caches is null)
        {
            Enter();
        }
        else
        {
            _ = EnterEmptied(ref releases);
        }
    }

    /// <summary>The lock is held, and the caches are frozen and empty.</summary>
    private void SetRecorder(ArenaRecorder<T>? recorder)
    {
        // Before anything changes: both need memory. And nobody may be recorded before there is a writer to wait for.
        MagazineLayer<T>? layer = _caches?.CreateLayer(recorder);
        recorder?.Start();
        _recorder = recorder;
        _noted = _source is not null || recorder is not null;
        RetainedSpans = _retainedSpans;
        NoteFollowers();
        if (layer is not null)
        {
            _caches!.MoveTo(layer);
            _magazines = recorder is null ? layer.Caches : [];
        }
    }

    /// <summary>A segment is about to be allocated from, in an arena in which somebody wants to know. The lock is held.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void NoteTaken(uint free, T start, T size)
    {
        if (_source is not null)
        {
            NoteImportUsed(free);
        }

        _recorder?.Allocated(start, size);
    }

    /// <summary>A segment is about to be freed by a caller. The lock is held.</summary>
    private void NoteFreed(uint tag)
    {
        if (_recorder is not null)
        {
            _recorder.Freed(_map.GetSegment(tag).Start);
        }
    }
}
