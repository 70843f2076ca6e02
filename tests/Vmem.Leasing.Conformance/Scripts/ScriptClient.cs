namespace Vmem.Leasing.Conformance.Scripts;

/// <summary>A client as the protocol has it: what it holds, and until when it may use that, by its own clock (R1, R5).</summary>
/// <param name="name">For the text of a fault.</param>
public sealed class ScriptClient(string name)
{
    private readonly Dictionary<int, LeaseClaim> _claims = [];
    private readonly Dictionary<int, LeaseRequest> _requests = [];
    private int _incarnation;
    private bool _doubts;

    public string Name { get; } = name;

    public Guid Session { get; } = Guid.NewGuid();

    public bool IsOpen { get; private set; }

    /// <summary>Whether it has been told, or has seen, that its session is over. It asks nothing any more.</summary>
    public bool IsOver { get; private set; }

    /// <summary>By the clock that no step changes.</summary>
    public TimeSpan Deadline { get; private set; }

    public IReadOnlyCollection<LeaseClaim> Claims => _claims.Values;

    public LeaseClaim? ClaimOf(int slot) => _claims.GetValueOrDefault(slot);

    /// <summary>Whether it uses what it holds.</summary>
    public bool Uses(TimeSpan now) => !IsOver && now < Deadline;

    public void Opened(TimeSpan sent, TimeSpan ttl, int incarnation)
    {
        IsOpen = true;
        Deadline = sent + ttl;
        _incarnation = incarnation;
    }

    /// <summary>Makes a request, or finds the one that it made before under this number.</summary>
    public LeaseRequest Ask(int slot, Func<LeaseRequest> make)
    {
        ArgumentNullException.ThrowIfNull(make);
        if (!_requests.TryGetValue(slot, out LeaseRequest? request))
        {
            _requests.Add(slot, request = make());
        }

        return request;
    }

    /// <returns>Whether it is another lease than it had under this number.</returns>
    public bool Granted(int slot, LeaseClaim claim)
    {
        bool isNew = !_claims.TryGetValue(slot, out LeaseClaim? known) || known != claim;
        _claims[slot] = claim;
        return isNew;
    }

    public void GivesBack(int slot) => _claims.Remove(slot);

    public void End()
    {
        IsOver = true;
        _claims.Clear();
    }

    /// <summary>Hears the answer to a renewal.</summary>
    /// <param name="sent">When it asked.</param>
    /// <param name="ttl">How long silence is believed.</param>
    /// <param name="answer">The answer.</param>
    /// <param name="held">What the store says that it holds.</param>
    public void Hear(TimeSpan sent, TimeSpan ttl, LeaseRenewal? answer, IReadOnlyList<LeaseClaim> held)
    {
        bool isSame = answer?.Incarnation == _incarnation;
        if (answer is null || (_claims.Count > 0 && !isSame && sent >= Deadline))
        {
            End();
            return;
        }

        _incarnation = answer.Incarnation;
        _doubts = (_doubts || !isSame) && !_claims.Values.All(held.Contains);
        if (!_doubts)
        {
            Deadline = sent + ttl;
        }
    }

    /// <summary>Lets go of what the store does not take up again.</summary>
    public void Lose(LeaseClaim claim)
    {
        foreach (int slot in _claims.Where(pair => pair.Value == claim).Select(static pair => pair.Key).ToArray())
        {
            _claims.Remove(slot);
        }
    }
}
