using System.Diagnostics;
using Vmem.Tool.Traces;

namespace Vmem.Tool.Replay;

/// <summary>
/// Replays one recording: reads a batch of events, sends it through every lane, reads the next. So a recording is read once however many
/// allocators are compared, standard input too, and what is held is proportional to the objects alive, not to the events.
/// </summary>
internal sealed class TraceReplay : IDisposable
{
    // 64 KiB of events: half of a small second-level cache, and 4,096 events to spread the clock readings around a batch over.
    private const int BatchLength = 4096;

    // At first less, then a sixteenth of what has come: between two batches the holes are looked at, and short recordings are to be seen
    // more often than twice. Arbitrary.
    private const int FirstBatchLength = 64;
    private const int LeastBatches = 16;

    private readonly TraceInput _input;
    private readonly TraceReader _reader;
    private readonly EventSource _source;
    private readonly List<ReplayLane> _lanes;
    private readonly HoleCensus[] _censuses;
    private readonly List<string> _leftOut = [];
    private readonly ReplayEvent[] _batch = new ReplayEvent[BatchLength];
    private long _readTicks;
    private long _events;

    /// <summary>Takes over the input and the targets: they are disposed with this.</summary>
    public TraceReplay(TraceInput input, IEnumerable<IReplayTarget> targets)
        : this(input, new TraceReader(input), targets)
    {
    }

    /// <summary>The same, with the input's reader.</summary>
    public TraceReplay(TraceInput input, TraceReader reader, IEnumerable<IReplayTarget> targets)
    {
        _input = input;
        _reader = reader;
        _source = new EventSource(_reader);
        _lanes = [.. targets.Select(target => new ReplayLane(target))];
        _censuses = [.. _lanes.Where(HoleCensus.Applies).Select(lane => new HoleCensus(lane))];
    }

    public TraceInput Input => _input;

    public string Name => _input.Name;

    public TraceFormat Format => _reader.Format;

    /// <summary>The quantum of the recorded arena, if the replay has taken it over.</summary>
    public ulong? RecordedQuantum { get; init; }

    /// <summary>What it is not replayed through although it could be, and why: sentences.</summary>
    public IReadOnlyList<string> LeftOut
    {
        get => _leftOut;
        init => _leftOut = [.. value];
    }

    /// <summary>Whether sizes and addresses are bytes of memory. Those of a recorded arena may be ports, or anything.</summary>
    public bool CountsBytes => _reader.Quantum is null;

    public EventSource Source => _source;

    public IReadOnlyList<ReplayLane> Lanes => _lanes;

    /// <summary>Who holds what.</summary>
    public SiteLedger Sites { get; } = new();

    /// <summary>Whether the recording says who allocates.</summary>
    public bool KnowsSites => _source.Stacks.Count > 0;

    /// <summary>Who causes a lane's holes; null where no one can be named.</summary>
    public HoleCensus? CensusOf(ReplayLane lane) => KnowsSites ? _censuses.SingleOrDefault(census => census.Lane == lane) : null;

    /// <summary>Time spent on reading and on telling the objects apart.</summary>
    public TimeSpan ReadTime => Stopwatch.GetElapsedTime(0, _readTicks);

    /// <summary>What the replay holds for the objects alive, in all its tables and lanes; not what the allocators hold.</summary>
    public long TableBytes => _source.TableBytes + Sites.TableBytes + _lanes.Sum(lane => lane.TableBytes);

    /// <summary>Replays so many events, or those that are left.</summary>
    /// <param name="events">How many.</param>
    /// <param name="cancellationToken">Stops it between two events; what was replayed until then has no figures.</param>
    /// <exception cref="MalformedTraceException">The recording is not well formed.</exception>
    /// <returns>False if none was left.</returns>
    public bool Advance(long events, CancellationToken cancellationToken)
    {
        bool any = false;
        while (events > 0)
        {
            cancellationToken.ThrowIfCancellationRequested();
            long start = Stopwatch.GetTimestamp();
            long length = Math.Clamp(_events / LeastBatches, FirstBatchLength, BatchLength);
            int count = _source.Fill(_batch.AsSpan(0, (int)Math.Min(events, length)));
            _readTicks += Stopwatch.GetTimestamp() - start;
            if (count == 0)
            {
                break;
            }

            foreach (ReplayLane lane in _lanes)
            {
                lane.Run(_batch.AsSpan(0, count), _source.SlotCount, cancellationToken);
            }

            Sites.Add(_batch.AsSpan(0, count));
            LookAtHoles(isLast: false);
            events -= count;
            _events += count;
            any = true;
        }

        return any;
    }

    /// <summary>Replays what is left, and takes the last figures.</summary>
    /// <exception cref="MalformedTraceException">The recording is not well formed, or has no events.</exception>
    public void Run(CancellationToken cancellationToken)
    {
        while (Advance(BatchLength, cancellationToken))
        {
        }

        if (_source.Allocations == 0)
        {
            throw new MalformedTraceException(_input.Name, "has no allocation in it: there is nothing to replay" + (_reader.Advice is string advice ? $"; {advice}" : ""));
        }

        foreach (ReplayLane lane in _lanes)
        {
            lane.Finish(CountsBytes);
        }

        LookAtHoles(isLast: true);
    }

    /// <summary>Drops a lane whose figures are of no use.</summary>
    /// <param name="lane">The lane.</param>
    /// <param name="why">A sentence for <see cref="LeftOut"/>.</param>
    public void LeaveOut(ReplayLane lane, string why)
    {
        _leftOut.Add(why);
        if (_lanes.Remove(lane))
        {
            lane.Dispose();
        }
    }

    public void Dispose()
    {
        foreach (ReplayLane lane in _lanes)
        {
            lane.Dispose();
        }

        _reader.Dispose();
    }

    private void LookAtHoles(bool isLast)
    {
        if (!KnowsSites)
        {
            return;
        }

        foreach (HoleCensus census in _censuses)
        {
            census.Look(_source.Live, isLast);
        }
    }
}
