using Vmem.Caching;
using Vmem.Checks;
using Vmem.Diagnostics;
using Vmem.Recording;
using Vmem.Space;

namespace Vmem;

// Following an arena: audit, recording, dump.
public sealed partial class Arena<T>
{
    /// <summary>Whether the arena keeps who allocated each range: <see cref="ArenaOptions{T}.Audit"/>.</summary>
    public bool IsAudited => _space.Auditor is not null;

    /// <summary>What callers hold at this moment, grouped by the stacks that allocated it, the largest total first.</summary>
    /// <returns>The report.</returns>
    /// <exception cref="InvalidOperationException">The arena keeps no audit: <see cref="ArenaOptions{T}.Audit"/> was not set.</exception>
    /// <remarks>O(n). Safe while others allocate: the records are copied in batches, each of one moment; a range that is live all the while
    /// is reported, once.</remarks>
    public AuditReport<T> GetAuditReport()
    {
        if (!IsAudited)
        {
            throw new InvalidOperationException($"Arena '{Name}' keeps no audit. Set {nameof(ArenaOptions<>)}.{nameof(ArenaOptions<>.Audit)} when it is made.");
        }

        return Census(evenEnded: false);
    }

    private AuditReport<T> Census(bool evenEnded)
    {
        var census = new AuditCensus<T>();
        var batch = new List<Auditor<T>.Record>(EnumerationBatch);
        for (uint tag = 0; TryCopyRecords(ref tag, batch, evenEnded);)
        {
            foreach (Auditor<T>.Record record in batch)
            {
                census.Add(record.Start, record.Size, record.Owner!);
            }
        }

        return census.ToReport(Name, _time.GetUtcNow());
    }

    private bool TryCopyRecords(ref uint tag, List<Auditor<T>.Record> batch, bool evenEnded)
    {
        using Visit<T> visit = evenEnded ? _space.VisitEvenEnded() : _space.Visit();
        return _space.Auditor!.TryCopyRecords(ref tag, batch, EnumerationBatch);
    }

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
        Conclusion end = default;
        using (VisitDrained(ref end))
        {
            if (_space.Recorder is { HasEnded: false })
            {
                throw new InvalidOperationException($"Arena '{Name}' is being recorded already. Dispose that recording first.");
            }

            recorder.Begin([.. CopySegments()]);
            SetRecorder(recorder);
        }

        end.Throw();
    }

    /// <summary>Ends a recording, as far as the arena is concerned. Nothing happens if it has ended, or the arena has.</summary>
    private void Detach(ArenaRecorder<T> recorder)
    {
        Conclusion end = default;
        try
        {
            using Visit<T> visit = VisitDrained(ref end);
            if (_space.Recorder == recorder)
            {
                SetRecorder(null);
            }
        }
        catch (ObjectDisposedException) when (_space.HasEnded)
        {
        }

        end.Throw();
    }

    /// <summary>The lock is held, and the caches are frozen and empty.</summary>
    private void SetRecorder(ArenaRecorder<T>? recorder)
    {
        // Before anything changes: both need memory. And nobody may be recorded before there is a writer to wait for.
        MagazineLayer<T>? layer = _caches?.CreateLayer(recorder);
        recorder?.Start();
        _space.SetRecorder(recorder);
        if (layer is not null)
        {
            MoveTo(layer);
        }
    }

    /// <summary>Writes the arena's figures, its spans and segments, and how many segments there are of each size.</summary>
    /// <param name="writer">Where to. It is not called while the lock is held.</param>
    /// <remarks>O(n). Addresses are hexadecimal, sizes decimal. Safe while others allocate: see <see cref="GetSegments"/>.</remarks>
    public void Dump(TextWriter writer)
    {
        ArgumentNullException.ThrowIfNull(writer);
        bool isWhole = _space.Map.IsWhole;
        string all = isWhole ? $", every value of {typeof(T).Name}" : "";
        ArenaDump.Write(writer, $"arena '{Name}': quantum {Quantum}, policy {_policy}{all}", GetStatistics(), GetSegments(), isWhole);
    }
}
