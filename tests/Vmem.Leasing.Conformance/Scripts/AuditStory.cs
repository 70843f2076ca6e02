namespace Vmem.Leasing.Conformance.Scripts;

/// <summary>The audit as a story: each entry must be possible after those before it, and what it says is held must be what is
/// listed.</summary>
internal sealed class AuditStory
{
    private readonly TimeSpan _quarantine;
    private readonly Func<Guid, bool> _knows;
    private readonly Dictionary<Guid, Session> _sessions = [];
    private readonly List<Part> _parts = [];
    private readonly List<string> _faults = [];
    private long _fence;
    private DateTimeOffset _at;

    /// <param name="quarantine">The arena's.</param>
    /// <param name="knows">Whether a session is of this story. What others do, which a store may have besides, is not looked at.</param>
    public AuditStory(TimeSpan quarantine, Func<Guid, bool> knows) => (_quarantine, _knows) = (quarantine, knows);

    private AuditStory(AuditStory original)
        : this(original._quarantine, original._knows)
    {
        _sessions = new(original._sessions);
        _parts = [.. original._parts];
        (_fence, _at, Last) = (original._fence, original._at, original.Last);
    }

    private enum Stage
    {
        Live,
        Lapsed,
        Over,
    }

    /// <summary>The number of the last entry.</summary>
    public long Last { get; private set; }

    /// <summary>The story as a replica has it.</summary>
    public AuditStory Copy() => new(this);

    /// <summary>Goes on with new entries.</summary>
    /// <returns>What cannot be.</returns>
    public IReadOnlyList<string> Read(IReadOnlyList<LeaseAuditEntry> entries)
    {
        _faults.Clear();
        foreach (LeaseAuditEntry entry in entries)
        {
            Expect(entry.Number > Last && entry.At >= _at, entry, "is out of order");
            (Last, _at) = (entry.Number, entry.At);
            if (entry.Session == Guid.Empty || _knows(entry.Session))
            {
                Read(entry);
            }
        }

        return [.. _faults];
    }

    /// <summary>Compares what the story leaves with what the store lists.</summary>
    public IEnumerable<string> Compare(IEnumerable<LeaseExtent> extents)
    {
        string told = Text(_parts.Where(static part => !part.IsOver)
            .Select(static part => (part.Start, part.Size, part.Fence, part.Session)));
        string listed = Text(extents.Where(static extent => extent.State == LeaseExtentState.Leased)
            .Select(static extent => (extent.Start, extent.Size, extent.Fence, extent.Session)));
        return told == listed ? [] : [$"audit: it says that {told} is held, and the list {listed}"];
    }

    private static string Text(IEnumerable<(UInt128, UInt128, long, Guid)> held) => string.Join(", ", held.Order());

    private void Read(LeaseAuditEntry entry)
    {
        switch (entry.Event)
        {
            case LeaseEvent.Open:
                Expect(_sessions.TryAdd(entry.Session, new Session(Stage.Live, default)), entry, "opens what was opened");
                break;
            case LeaseEvent.Lapse:
                Turn(entry, Stage.Lapsed, Stage.Live);
                break;
            case LeaseEvent.Revive:
                Turn(entry, Stage.Live, Stage.Lapsed);
                break;
            case LeaseEvent.Die:
                Expect(entry.At > _sessions.GetValueOrDefault(entry.Session).Since + _quarantine, entry, "comes too early");
                Turn(entry, Stage.Over, Stage.Lapsed);
                break;
            case LeaseEvent.Close:
                Expect(!_parts.Exists(part => part.Session == entry.Session && !part.IsOver), entry, "leaves a lease");
                Turn(entry, Stage.Over, Stage.Live, Stage.Lapsed);
                break;
            case LeaseEvent.Hold:
                ForgiveLapses();
                break;
            case LeaseEvent.Grant:
                Expect(entry.Fence > _fence, entry, $"has no larger fence than {_fence}");
                _fence = Math.Max(_fence, entry.Fence);
                Take(entry);
                break;
            case LeaseEvent.Reassert:
                Take(entry);
                break;
            case LeaseEvent.Release:
                Leave(entry, entry.Detail == "clean" ? DateTimeOffset.MinValue : entry.At + _quarantine, Stage.Live, Stage.Lapsed);
                break;
            case LeaseEvent.Reclaim:
                Leave(entry, DateTimeOffset.MinValue, Stage.Over);
                break;
            default:
                int place = _parts.FindIndex(part => part.IsOver && part.Is(entry));
                Expect(place >= 0 && _parts[place].FreeAfter < entry.At, entry, "frees what is held, or rests");
                _parts.RemoveAll(part => part.Is(entry));
                break;
        }
    }

    private void Turn(LeaseAuditEntry entry, Stage to, params ReadOnlySpan<Stage> from)
    {
        ExpectSession(entry, from);
        _sessions[entry.Session] = new Session(to, entry.At);
    }

    private void ForgiveLapses()
    {
        foreach (Guid id in _sessions.Where(static pair => pair.Value.Stage == Stage.Lapsed).Select(static pair => pair.Key).ToArray())
        {
            _sessions[id] = new Session(Stage.Live, default);
        }
    }

    private void Take(LeaseAuditEntry entry)
    {
        ExpectSession(entry, Stage.Live);
        Expect(!_parts.Exists(part => part.Start < entry.Start + entry.Size && entry.Start < part.Start + part.Size), entry,
            "takes what is held, or rests");
        _parts.Add(new Part(entry.Start, entry.Size, entry.Fence, entry.Session));
    }

    private void Leave(LeaseAuditEntry entry, DateTimeOffset freeAfter, params ReadOnlySpan<Stage> from)
    {
        ExpectSession(entry, from);
        int place = _parts.FindIndex(part => !part.IsOver && part.Session == entry.Session && part.Is(entry));
        Expect(place >= 0, entry, "gives back what is not held so");
        if (place >= 0)
        {
            _parts[place] = _parts[place] with { IsOver = true, FreeAfter = freeAfter };
        }
    }

    private void ExpectSession(LeaseAuditEntry entry, params ReadOnlySpan<Stage> stages)
    {
        bool isKnown = _sessions.TryGetValue(entry.Session, out Session session);
        Expect(isKnown && stages.Contains(session.Stage), entry, $"of a session that is {(isKnown ? session.Stage : "unknown")}");
    }

    private void Expect(bool holds, LeaseAuditEntry entry, string fault)
    {
        if (!holds)
        {
            _faults.Add($"audit: entry {entry.Number}, {entry.Event} of {entry.Size} at {entry.Start}, {fault}");
        }
    }

    private readonly record struct Session(Stage Stage, DateTimeOffset Since);

    private sealed record Part(UInt128 Start, UInt128 Size, long Fence, Guid Session, bool IsOver = false,
        DateTimeOffset FreeAfter = default)
    {
        public bool Is(LeaseAuditEntry entry) => Start == entry.Start && Size == entry.Size && Fence == entry.Fence;
    }
}
