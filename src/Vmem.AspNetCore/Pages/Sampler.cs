using System.Buffers;
using System.Text.Json;

namespace Vmem.AspNetCore.Pages;

/// <summary>Takes samples of the process: one for all who ask within an interval.</summary>
/// <remarks>Whoever asks first takes the sample, and those who come meanwhile find it when their turn comes. So ten viewers cost what one
/// does. Where there is none in time for a row of the history, a <see cref="HistoryClock"/> has the maps recorded.</remarks>
internal sealed class Sampler
{
    private static readonly TimeSpan s_moment = TimeSpan.FromSeconds(1);          // arbitrary

    private readonly VmemPageOptions _options;
    private readonly Turns _turns = new();        // all that goes through the recorder or the writer
    private readonly MapRecorder _maps;
    private readonly SampleWriter _writer;
    private readonly ArrayBufferWriter<byte> _buffer = new(64 << 10);
    private Sample? _latest;
    private History? _history;                    // in turns only

    public Sampler(VmemPageOptions options)
    {
        _options = options;
        _maps = new MapRecorder(options);
        _writer = new SampleWriter(options, _maps);
    }

    /// <summary>The last sample, unless it is too old.</summary>
    /// <remarks>A viewer comes an interval later by its own timer: it must not find its last sample a moment too young.</remarks>
    private Sample? Fresh => Volatile.Read(ref _latest) is { } latest
        && _options.TimeProvider.GetElapsedTime(latest.Time) < _options.Interval * 0.9 ? latest : null;

    /// <summary>The process as JSON, as it was at most an interval ago.</summary>
    /// <param name="aborted">Nobody wants it any more.</param>
    /// <exception cref="OperationCanceledException">That was so when its turn came.</exception>
    public async Task<ReadOnlyMemory<byte>> SampleAsync(CancellationToken aborted)
    {
        Sample sample = Fresh ?? await _turns.DoAsync(() => Fresh ?? Take(), aborted).ConfigureAwait(false);
        return sample.Json;
    }

    /// <summary>Goes on with the history, unless the samples of somebody who looks have just done it.</summary>
    public void Record() => _ = _turns.TryDo(() =>
    {
        _history = IsGood(_history) ? _history : null;            // it may be megabytes
        _maps.Record();
    });

    /// <summary>The history of the maps as JSON, as it was at most a moment ago.</summary>
    /// <param name="aborted">Nobody wants it any more.</param>
    /// <exception cref="OperationCanceledException">That was so when its turn came.</exception>
    public Task<ReadOnlyMemory<byte>> WriteHistoryAsync(CancellationToken aborted) => _turns.DoAsync(WriteHistory, aborted);

    private ReadOnlyMemory<byte> WriteHistory()
    {
        if (_history is not { } history || !IsGood(history))
        {
            ArrayBufferWriter<byte> buffer = new(64 << 10);
            using (Utf8JsonWriter json = new(buffer))
            {
                _maps.WriteHistory(json);
            }

            _history = history = new History(_options.TimeProvider.GetTimestamp(), _maps.Rows, buffer.WrittenMemory);
        }

        return history.Json;
    }

    /// <summary>Whether it has all rows, and its times are right to a moment.</summary>
    private bool IsGood(History? history) => history is not null && history.Rows == _maps.Rows
        && _options.TimeProvider.GetElapsedTime(history.Time) < s_moment;

    private Sample Take()
    {
        _buffer.ResetWrittenCount();
        _writer.Write(_buffer);
        Sample sample = new(_options.TimeProvider.GetTimestamp(), _buffer.WrittenSpan.ToArray());
        Volatile.Write(ref _latest, sample);
        return sample;
    }

    private sealed record Sample(long Time, ReadOnlyMemory<byte> Json);

    private sealed record History(long Time, long Rows, ReadOnlyMemory<byte> Json);
}
