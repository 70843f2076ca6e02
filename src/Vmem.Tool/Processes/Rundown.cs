using System.Diagnostics.Tracing;
using Microsoft.Diagnostics.NETCore.Client;
using Microsoft.Diagnostics.Tracing;

namespace Vmem.Tool.Processes;

/// <summary>What a process says of its arenas when it is asked once.</summary>
internal sealed class Rundown
{
    private const string Provider = "Vmem";
    private const long ArenasKeyword = 0x20;
    private const long SegmentsKeyword = 0x40;

    /// <summary>For two million segments and more; the program takes it only as far as it is needed.</summary>
    private const int BufferMegabytes = 256;

    private readonly string _request = Guid.NewGuid().ToString("N");
    private readonly List<ArenaFigures> _arenas = [];
    private readonly List<byte[]> _segments = [];
    private int _expected;                        // the number of the next batch
    private bool _hasGaps;

    private Rundown()
    {
    }

    public IReadOnlyList<ArenaFigures> Arenas => _arenas;

    /// <summary>The segments of the arena that was named, as its batches came.</summary>
    public IReadOnlyList<byte[]> Segments => _segments;

    /// <summary>Whether the process answered: it has the event source, and all has come.</summary>
    public bool IsComplete { get; private set; }

    /// <summary>Asks, and waits for the answer.</summary>
    /// <param name="pid">The process.</param>
    /// <param name="arena">Whose segments are wanted: a name and an instance; null: only the arenas.</param>
    /// <param name="patience">How long to wait. One that has never made an arena does not answer.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="ProcessUnreachableException">The process cannot be asked.</exception>
    public static Rundown Of(int pid, (string Name, int Instance)? arena, TimeSpan patience, CancellationToken cancellationToken)
    {
        var rundown = new Rundown();
        Dictionary<string, string> arguments = new() { ["Request"] = rundown._request };
        if (arena is { } named)
        {
            arguments["Arena"] = named.Name;
            arguments["Instance"] = $"{named.Instance}";
        }

        long keyword = arena is null ? ArenasKeyword : SegmentsKeyword;
        var provider = new EventPipeProvider(Provider, EventLevel.Informational, keyword, arguments);
        using var session = new EventSession(pid, provider, BufferMegabytes);
        Task reading = Task.Factory.StartNew(() => rundown.Read(session), CancellationToken.None, TaskCreationOptions.LongRunning,
            TaskScheduler.Default);
        if (!reading.Wait((int)patience.TotalMilliseconds, cancellationToken))
        {
            session.Stop();
            _ = reading.Wait(TimeSpan.FromSeconds(3), cancellationToken);
        }

        return rundown;
    }

    private void Read(EventSession session)
    {
        try
        {
            session.Read(Provider, each => Heed(session, each));
        }
        catch (FormatException)
        {
            // Another source of this name. Its answer is never complete.
        }
    }

    private void Heed(EventSession session, TraceEvent each)
    {
        PayloadReader payload = new(each.EventData());
        if ((int)each.ID is not (8 or 9 or 10) || payload.Text() != _request)
        {
            return;
        }

        switch ((int)each.ID)
        {
            case 8:
                _arenas.Add(ArenaFigures.Read(ref payload));
                break;

            case 9:
                _ = (payload.Text(), payload.Int32());
                if (payload.Int32() == _expected)
                {
                    _expected++;
                    _segments.Add(payload.Bytes().ToArray());
                }
                else
                {
                    _hasGaps = true;
                }

                break;

            default:
                IsComplete = !_hasGaps;
                _ = Task.Run(session.Stop);       // it waits for the reader, and that is this thread
                break;
        }
    }
}
