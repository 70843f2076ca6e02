using Vmem.Tool.Traces;

namespace Vmem.Tool.Replay;

/// <summary>
/// Turns a recording's events into replayable ones, in batches: names objects by slots, and sorts out what a recording of a real program
/// leaves open. A free of an object that was never seen (allocated before the recording began) is counted and left out; an allocation at
/// an address that is still live means that a free was missed: it is counted, and supplied. In the tool's own format both are mistakes.
/// </summary>
internal sealed class EventSource
{
    private readonly TraceReader _reader;
    private readonly LiveTable _live = new();
    private TraceEvent _held;

    public EventSource(TraceReader reader)
    {
        _reader = reader;
    }

    public SizeHistogram Sizes { get; } = new();

    public long Allocations { get; private set; }

    public long Frees { get; private set; }

    /// <summary>Frees of objects that the recording never saw allocated: left out.</summary>
    public long UnknownFrees { get; private set; }

    /// <summary>See <see cref="TraceReader.Missing"/>.</summary>
    public ulong Missing => _reader.Missing;

    /// <summary>See <see cref="TraceReader.CutOffAfter"/>.</summary>
    public long? CutOffAfter => _reader.CutOffAfter;

    /// <summary>Frees that the recording missed, known because their address was handed out again: supplied.</summary>
    public long ImpliedFrees { get; private set; }

    /// <summary>See <see cref="LineParser.GuessedFrees"/>.</summary>
    public long GuessedFrees => _reader.GuessedFrees;

    /// <summary>Objects live at the same time, at most: what every slot-indexed array must hold.</summary>
    public int SlotCount => _live.SlotCount;

    public int LiveObjects => _live.Count;

    /// <summary>Who is live now.</summary>
    public LiveTable Live => _live;

    /// <summary>The bytes held to know the live objects.</summary>
    public long TableBytes => _live.Bytes;

    /// <summary>See <see cref="TraceReader.Elapsed"/>: that of the last event of the last batch.</summary>
    public TimeSpan? Elapsed => _reader.Elapsed;

    /// <summary>When each event came, as closely as the recording's time stamps tell.</summary>
    public EventTimes Times { get; } = new();

    /// <summary>See <see cref="TraceReader.Stacks"/>.</summary>
    public StackTable Stacks => _reader.Stacks;

    /// <summary>How many events were written to the batch; 0 at the end.</summary>
    public int Fill(Span<ReplayEvent> batch)
    {
        int count = 0;
        while (count < batch.Length && TryNext(out TraceEvent next))
        {
            count += next.Kind switch
            {
                TraceEventKind.Allocate => Allocate(next, ref batch[count]),
                TraceEventKind.Resize => Resize(next, ref batch[count]),
                _ => Free(next, ref batch[count]),
            };
        }

        return count;
    }

    private bool TryNext(out TraceEvent next)
    {
        if (_held.Kind == TraceEventKind.None)
        {
            bool read = _reader.TryRead(out next);
            if (_reader.Elapsed is TimeSpan elapsed)
            {
                Times.Add(Allocations + Frees, elapsed);
            }

            return read;
        }

        next = _held;
        _held = default;
        return true;
    }

    private int Allocate(TraceEvent next, ref ReplayEvent result)
    {
        if (!_live.TryAdd(next.Id, next.Size, next.Site, out int slot))
        {
            if (_reader.IsComplete)
            {
                UInt128 name = _reader.NameOf(next.Id);
                throw _reader.Fault($"{name} is allocated while it is live already (line \"f {name}\" is missing before)");
            }

            ImpliedFrees++;
            _held = next;
            return Free(new TraceEvent(TraceEventKind.Free, next.Id, 0), ref result);
        }

        Allocations++;
        Sizes.Add(next.Size);
        result = ReplayEvent.Allocation(slot, next.Size, next.Site);
        return 1;
    }

    // The object keeps the site of its first allocation, if that is known.
    private int Resize(TraceEvent next, ref ReplayEvent result)
    {
        int count = Free(next, ref result);
        _held = new TraceEvent(TraceEventKind.Allocate, next.Id, next.Size, count == 0 ? 0 : result.Site);
        return count;
    }

    private int Free(TraceEvent next, ref ReplayEvent result)
    {
        if (!_live.TryRemove(next.Id, out int slot, out ulong size, out int site))
        {
            if (_reader.IsComplete)
            {
                throw _reader.Fault($"{_reader.NameOf(next.Id)} is freed but not live: it was never allocated, or is freed twice");
            }

            UnknownFrees++;
            return 0;
        }

        Frees++;
        result = ReplayEvent.Free(slot, size, site);
        return 1;
    }
}
