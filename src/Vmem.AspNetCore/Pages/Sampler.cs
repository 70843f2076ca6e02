using System.Buffers;
using System.Text.Json;

namespace Vmem.AspNetCore.Pages;

/// <summary>Takes samples of the process: one for all who ask within an interval.</summary>
/// <remarks>Whoever asks first takes the sample, and those who come meanwhile find it when their turn comes. So ten viewers cost what one
/// does. While there is none, a <see cref="HistoryClock"/> has the maps recorded.</remarks>
internal sealed class Sampler
{
    private readonly VmemPageOptions _options;
    private readonly Turns _turns = new();        // all that goes through the recorder or the writer
    private readonly MapRecorder _maps;
    private readonly SampleWriter _writer;
    private readonly ArrayBufferWriter<byte> _buffer = new(64 << 10);
    private Sample? _latest;

    public Sampler(VmemPageOptions options)
    {
        _options = options;
        _maps = new MapRecorder(options);
        _writer = new SampleWriter(options, _maps);
    }

    /// <summary>The last sample, unless it is too old.</summary>
    /// <remarks>A viewer comes an interval later by its own timer: it must not find its last sample a moment too young.</remarks>
    private Sample? Fresh => IsYounger(_options.Interval * 0.9, out Sample? latest) ? latest : null;

    /// <summary>The process as JSON, as it was at most an interval ago.</summary>
    public async Task<ReadOnlyMemory<byte>> SampleAsync()
    {
        Sample sample = Fresh ?? await _turns.DoAsync(() => Fresh ?? Take()).ConfigureAwait(false);
        return sample.Json;
    }

    /// <summary>Goes on with the history, unless somebody looks: then his samples do it.</summary>
    public void Record()
    {
        if (!IsYounger(2 * _options.Interval, out _))
        {
            _ = _turns.TryDo(_maps.Record);
        }
    }

    /// <summary>The history of the maps as JSON.</summary>
    public Task<ReadOnlyMemory<byte>> WriteHistoryAsync() => _turns.DoAsync(WriteHistory);

    private ReadOnlyMemory<byte> WriteHistory()
    {
        ArrayBufferWriter<byte> buffer = new(64 << 10);
        using (Utf8JsonWriter json = new(buffer))
        {
            _maps.WriteHistory(json);
        }

        return buffer.WrittenMemory;
    }

    private bool IsYounger(TimeSpan age, out Sample? latest)
    {
        latest = Volatile.Read(ref _latest);
        return latest is not null && _options.TimeProvider.GetElapsedTime(latest.Time) < age;
    }

    private Sample Take()
    {
        _buffer.ResetWrittenCount();
        _writer.Write(_buffer);
        Sample sample = new(_options.TimeProvider.GetTimestamp(), _buffer.WrittenSpan.ToArray());
        Volatile.Write(ref _latest, sample);
        return sample;
    }

    private sealed record Sample(long Time, ReadOnlyMemory<byte> Json);
}
