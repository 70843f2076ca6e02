using System.Buffers;
using System.Text.Json;

namespace Vmem.AspNetCore.Pages;

/// <summary>Takes samples of the process: one for all who ask within an interval.</summary>
/// <remarks>Whoever asks first takes the sample, and those who come meanwhile wait for that one. So ten viewers cost what one does. While
/// there is none, a <see cref="HistoryClock"/> has the maps recorded.</remarks>
internal sealed class Sampler
{
    private readonly VmemPageOptions _options;
    private readonly Lock _drawing = new();       // held for all that goes through the recorder or the writer
    private readonly MapRecorder _maps;
    private readonly SampleWriter _writer;
    private readonly ArrayBufferWriter<byte> _buffer = new(64 << 10);
    private Sample? _latest;
    private TaskCompletionSource<ReadOnlyMemory<byte>>? _taking;

    public Sampler(VmemPageOptions options)
    {
        _options = options;
        _maps = new MapRecorder(options);
        _writer = new SampleWriter(options, _maps);
    }

    /// <summary>The last sample, unless it is too old.</summary>
    /// <remarks>A viewer comes an interval later by its own timer: it must not find its last sample a moment too young.</remarks>
    private Sample? Fresh =>
        Volatile.Read(ref _latest) is { } latest && _options.TimeProvider.GetElapsedTime(latest.Time) < _options.Interval * 0.9
            ? latest
            : null;

    /// <summary>The process as JSON, as it was at most an interval ago.</summary>
    public Task<ReadOnlyMemory<byte>> SampleAsync()
    {
        if (Fresh is { } fresh)
        {
            return Task.FromResult(fresh.Json);
        }

        TaskCompletionSource<ReadOnlyMemory<byte>> mine = new(TaskCreationOptions.RunContinuationsAsynchronously);
        if (Interlocked.CompareExchange(ref _taking, mine, null) is { } others)
        {
            return others.Task;
        }

        try
        {
            mine.SetResult((Fresh ?? Take()).Json);           // another may have taken one since the look above
        }
        catch (Exception e)
        {
            mine.SetException(e);
        }
        finally
        {
            Volatile.Write(ref _taking, null);
        }

        return mine.Task;
    }

    /// <summary>Goes on with the history, unless somebody looks: then his samples do it.</summary>
    public void Record()
    {
        bool isWatched = Volatile.Read(ref _latest) is { } latest
            && _options.TimeProvider.GetElapsedTime(latest.Time) < 2 * _options.Interval;
        if (isWatched || !_drawing.TryEnter())
        {
            return;
        }

        try
        {
            _maps.Record();
        }
        finally
        {
            _drawing.Exit();
        }
    }

    /// <summary>The history of the maps as JSON.</summary>
    public ReadOnlyMemory<byte> WriteHistory()
    {
        ArrayBufferWriter<byte> buffer = new(64 << 10);
        using Utf8JsonWriter json = new(buffer);
        lock (_drawing)
        {
            _maps.WriteHistory(json);
        }

        json.Flush();
        return buffer.WrittenMemory;
    }

    private Sample Take()
    {
        lock (_drawing)
        {
            _buffer.ResetWrittenCount();
            _writer.Write(_buffer);
            Sample sample = new(_options.TimeProvider.GetTimestamp(), _buffer.WrittenSpan.ToArray());
            Volatile.Write(ref _latest, sample);
            return sample;
        }
    }

    private sealed record Sample(long Time, ReadOnlyMemory<byte> Json);
}
