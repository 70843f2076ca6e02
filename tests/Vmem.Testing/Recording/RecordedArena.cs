using System.Numerics;
using Vmem.Testing.Driving;

namespace Vmem.Testing.Recording;

/// <summary>An arena that is being recorded, to be compared in the end with what the recording says.</summary>
public sealed class RecordedArena<T> : IDisposable
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    private readonly Arena<T> _arena;
    private readonly MemoryStream _stream = new();
    private readonly ArenaRecording _recording;

    public RecordedArena(Arena<T> arena, int capacity = 64)
    {
        _arena = arena;
        _recording = arena.Record(_stream, new ArenaRecordingOptions { Capacity = capacity, MaxWait = Timeout.InfiniteTimeSpan });
    }

    public void Dispose()
    {
        _recording.Dispose();
        _stream.Dispose();
    }

    /// <summary>Ends the recording, replays it, and throws unless it ends with just what the arena holds. The arena must be at
    /// rest.</summary>
    public RecordedRanges Check()
    {
        _recording.Dispose();
        RecordedRanges ranges = RecordedRanges.Read(_stream.ToArray());
        if (ranges.Compare(_arena.GetSegments()) is { } difference)
        {
            throw new DivergenceException($"The recording of a {typeof(T).Name} arena ends with something else than the arena. {difference}");
        }

        if (ranges.Missing != 0 || ranges.Events != _recording.Events)
        {
            throw new DivergenceException($"The recording has {ranges.Events} events of {_recording.Events}, and {ranges.Missing} are missing.");
        }

        return ranges;
    }
}
