using System.Buffers;

namespace Vmem.AspNetCore.Pages;

/// <summary>Takes samples of the process: one for all who ask within an interval.</summary>
/// <remarks>There is no timer and no loop: whoever asks first takes the sample, and those who come meanwhile wait for that one. So ten
/// viewers cost what one does, and none costs nothing.</remarks>
internal sealed class Sampler(VmemPageOptions options)
{
    private readonly SampleWriter _writer = new(options);
    private readonly ArrayBufferWriter<byte> _buffer = new(64 << 10);
    private Sample? _latest;
    private TaskCompletionSource<ReadOnlyMemory<byte>>? _taking;

    /// <summary>The last sample, unless it is too old.</summary>
    /// <remarks>A viewer comes an interval later by its own timer: it must not find its last sample a moment too young.</remarks>
    private Sample? Fresh =>
        Volatile.Read(ref _latest) is { } latest && options.TimeProvider.GetElapsedTime(latest.Time) < options.Interval * 0.9
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

    private Sample Take()
    {
        _buffer.ResetWrittenCount();
        _writer.Write(_buffer);
        Sample sample = new(options.TimeProvider.GetTimestamp(), _buffer.WrittenSpan.ToArray());
        Volatile.Write(ref _latest, sample);
        return sample;
    }

    private sealed record Sample(long Time, ReadOnlyMemory<byte> Json);
}
