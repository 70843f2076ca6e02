using Vmem.Testing.Time;

namespace Vmem.Leasing.PostgreSql.Tests.Queue;

/// <summary>A queue whose groups are answered when a test says so.</summary>
internal sealed class QueueBench
{
    private readonly Lock _lock = new();
    private readonly List<SentGroup> _sent = [];

    public QueueBench() => Queue = new GrantQueue(Send, Time);

    public GrantQueue Queue { get; }

    public WatchedTime Time { get; } = new();

    /// <summary>How many groups were ever sent.</summary>
    public int Sent
    {
        get
        {
            using (_lock.EnterScope())
            {
                return _sent.Count;
            }
        }
    }

    public static PendingGrant[] Make(int count, Guid session = default) => [.. Enumerable.Range(0, count).Select(_ =>
        new PendingGrant(new LeaseRequest(1, session, Guid.NewGuid(), 1), new KeptRequest(1, 0, 0, 0, 0, 0)))];

    /// <summary>A call of its own.</summary>
    public PendingGrant Ask(Guid session = default) => AskMany(1, session)[0];

    /// <summary>One call.</summary>
    public PendingGrant[] AskMany(int count, Guid session = default)
    {
        PendingGrant[] grants = Make(count, session);
        Queue.Ask(grants);
        return grants;
    }

    public void Advance(double milliseconds) => Time.Manual.Advance(TimeSpan.FromMilliseconds(milliseconds));

    /// <summary>The group of a number, once it was sent.</summary>
    public async Task<SentGroup> GroupAsync(int number)
    {
        await Eventually.HoldsAsync(() => Sent > number);
        using (_lock.EnterScope())
        {
            return _sent[number];
        }
    }

    /// <summary>Those of the group of a number, once it was sent. It is answered, and no longer under way.</summary>
    public async Task<IReadOnlyList<PendingGrant>> SucceedAsync(int number)
    {
        SentGroup group = await GroupAsync(number);
        await EndAsync(group.Succeed);
        await Task.WhenAll(group.Grants.Select(static grant => grant.Answer.Task));
        return group.Grants;
    }

    /// <summary>Does what ends a group. As that leaves, the queue reads the clock.</summary>
    public Task EndAsync(Action end)
    {
        int before = Time.Readings;
        end();
        return Eventually.HoldsAsync(() => Time.Readings > before);
    }

    private ValueTask<IReadOnlyList<LeaseAnswer>> Send(IReadOnlyList<PendingGrant> grants, CancellationToken cancellationToken)
    {
        SentGroup group = new(grants, cancellationToken);
        using (_lock.EnterScope())
        {
            _sent.Add(group);
        }

        return new ValueTask<IReadOnlyList<LeaseAnswer>>(group.Answers.Task.WaitAsync(cancellationToken));
    }
}

/// <summary>What was sent together.</summary>
/// <param name="Grants">It.</param>
/// <param name="Token">Cancelled if nobody waits for it.</param>
internal sealed record SentGroup(IReadOnlyList<PendingGrant> Grants, CancellationToken Token)
{
    public TaskCompletionSource<IReadOnlyList<LeaseAnswer>> Answers { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public void Succeed() => Answers.SetResult([.. Grants.Select(static _ => new LeaseAnswer(LeaseVerdict.Granted))]);

    public void Fail(Exception fault) => Answers.SetException(fault);
}
