using System.Diagnostics;
using Npgsql;

namespace Vmem.Leasing.PostgreSql;

/// <summary>The grants of one arena that a store is asked for: those that come while one is under way go together after it.</summary>
/// <remarks>
/// <para>
/// The arena's row is their lock. Side by side each would wait for the others, and for the disk, on a connection of its own. Together they
/// are one statement and one commit. A caller who is alone has his request sent at once.
/// </para>
/// <para>
/// Those who were answered together ask again one after the other, and the first of them would have a flush of his own. So after a group
/// this looks for as many again, a moment long, from the end of the thread pool's queue. A caller who is alone is never looked for.
/// </para>
/// <para>
/// A group that takes longer than <see cref="s_patience"/> hangs, on a lost connection or behind somebody's lock, and does not keep the
/// next one. More than two would only take connections from renewals.
/// </para>
/// <para>
/// Each grant has a number by which the server knows it, so it can be asked for twice. If one request fails its group, which undoes all of
/// it, each is asked for alone: one bad session is nobody else's.
/// </para>
/// </remarks>
/// <param name="send">Asks for all of a group in one statement, and answers in the same order.</param>
internal sealed class GrantQueue(Func<IReadOnlyList<PendingGrant>, CancellationToken, ValueTask<IReadOnlyList<LeaseAnswer>>> send)
    : IThreadPoolWorkItem
{
    // As long as these take they keep the arena from other processes: some 10 ms. Arbitrary.
    private const int LargestGroup = 64;

    // One that hangs, and one that goes on meanwhile.
    private const int MostGroups = 2;

    // About as long as it takes a client to ask again. Arbitrary, and short beside a commit.
    private static readonly TimeSpan s_longestLook = TimeSpan.FromMicroseconds(100);

    // How long a group is waited for before the next one goes. Arbitrary, and long beside a commit.
    private static readonly TimeSpan s_patience = TimeSpan.FromMilliseconds(250);

    private readonly Lock _lock = new();
    private readonly List<PendingGrant> _waiting = [];
    private readonly List<Group> _sent = [];               // under way
    private bool _isWatched;
    private int _lookedFor;                                // as many as were answered last; 0: this does not look
    private long _looksSince;

    /// <summary>Asks for all, in this order. Each has its own answer.</summary>
    public void Ask(IReadOnlyList<PendingGrant> grants)
    {
        Group? group;
        bool isWatched;
        using (_lock.EnterScope())
        {
            _waiting.AddRange(grants);
            group = _lookedFor > 0 ? null : Take();
            isWatched = _isWatched || _waiting.Count == 0;
            _isWatched = _isWatched || !isWatched;
        }

        Send(group);
        if (!isWatched)
        {
            // Nothing of this caller's, such as his activity, flows there.
            ThreadPool.UnsafeQueueUserWorkItem(static queue => _ = queue.WatchAsync(), this, preferLocal: false);
        }
    }

    /// <summary>Their caller waits no more. A group for which nobody waits is given up.</summary>
    public void Leave(IReadOnlyList<PendingGrant> grants, CancellationToken cancellationToken)
    {
        foreach (PendingGrant grant in grants)
        {
            if (grant.Answer.TrySetCanceled(cancellationToken) && Remove(grant) is { } group)
            {
                _ = group.Abandoned.CancelAsync();         // on the pool: Npgsql may wait in there
            }
        }
    }

    /// <summary>The group that nobody waits for any more, if there is one.</summary>
    private Group? Remove(PendingGrant grant)
    {
        using (_lock.EnterScope())
        {
            return !_waiting.Remove(grant) && grant.Group is { } group && --group.Staying == 0 ? group : null;
        }
    }

    void IThreadPoolWorkItem.Execute()
    {
        Group? group = null;
        bool looksOn;
        using (_lock.EnterScope())
        {
            looksOn = _waiting.Count < _lookedFor && Stopwatch.GetElapsedTime(_looksSince) < s_longestLook;
            if (!looksOn)
            {
                _lookedFor = 0;
                group = Take();
            }
        }

        if (looksOn)
        {
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        }

        Send(group);
    }

    /// <summary>The next group, if one may go; those of one session follow each other, and sessions are in the same order everywhere. A
    /// grant locks its session, and two groups of two arenas must not lock the same ones crosswise.</summary>
    private Group? Take()
    {
        if (_waiting.Count == 0 || _sent.Count == MostGroups || _sent.Exists(static group => !group.IsLate))
        {
            return null;
        }

        int count = Math.Min(LargestGroup, _waiting.Count);
        Group group = new([.. _waiting.Take(count).OrderBy(static grant => grant.Request.Session)]);
        _sent.Add(group);
        _waiting.RemoveRange(0, count);
        return group;
    }

    /// <summary>Sends those who wait for a group that hangs.</summary>
    private async Task WatchAsync()
    {
        for (bool isWatched = true; isWatched;)
        {
            await Task.Delay(s_patience).ConfigureAwait(false);
            Group? group;
            using (_lock.EnterScope())
            {
                group = Take();
                _isWatched = isWatched = _waiting.Count > 0;
            }

            Send(group);
        }
    }

    private void Send(Group? group)
    {
        if (group is not null)
        {
            _ = SendAsync(group);
        }
    }

    private async Task SendAsync(Group group)
    {
        await AnswerAsync(group).ConfigureAwait(false);
        bool isNext;
        using (_lock.EnterScope())
        {
            _sent.Remove(group);
            _lookedFor = group.Grants.Count > 1 ? group.Grants.Count : 0;
            _looksSince = Stopwatch.GetTimestamp();
            isNext = _lookedFor + _waiting.Count > 0;
        }

        if (isNext)
        {
            // Behind those who were just answered, so that they are in it, and without what flows with this group's first caller.
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        }
    }

    private async Task AnswerAsync(Group group)
    {
        try
        {
            IReadOnlyList<LeaseAnswer> answers = await send(group.Grants, group.Abandoned.Token).ConfigureAwait(false);
            for (int i = 0; i < group.Grants.Count; i++)
            {
                group.Grants[i].Answer.TrySetResult(answers[i]);
            }
        }
        catch (Exception fault) when (group.Grants.Count > 1 && IsOfOneRequest(fault))
        {
            foreach (PendingGrant grant in group.Grants.Where(static grant => !grant.Answer.Task.IsCompleted))
            {
                await AnswerAloneAsync(grant, group.Abandoned.Token).ConfigureAwait(false);
            }
        }
        catch (Exception fault)
        {
            foreach (PendingGrant grant in group.Grants)
            {
                grant.Answer.TrySetException(fault);
            }
        }
    }

    /// <summary>Whether others may be granted where one failed. What ails the server would ail each of them, one after the other.</summary>
    private static bool IsOfOneRequest(Exception fault) => fault is LeaseDefinitionException or LeaseSessionException
        || (fault as PostgresException)?.SqlState is PostgresErrorCodes.DeadlockDetected or ['2', '2' or '3', ..];

    private async Task AnswerAloneAsync(PendingGrant grant, CancellationToken cancellationToken)
    {
        try
        {
            grant.Answer.TrySetResult((await send([grant], cancellationToken).ConfigureAwait(false))[0]);
        }
        catch (Exception fault)
        {
            grant.Answer.TrySetException(fault);
        }
    }

    /// <summary>Grants that go together.</summary>
    internal sealed class Group
    {
        private readonly long _began = Environment.TickCount64;

        public Group(IReadOnlyList<PendingGrant> grants)
        {
            Grants = grants;
            Staying = grants.Count;
            foreach (PendingGrant grant in grants)
            {
                grant.Group = this;
            }
        }

        public IReadOnlyList<PendingGrant> Grants { get; }

        /// <summary>How many callers wait for it.</summary>
        public int Staying { get; set; }

        /// <summary>Cancelled if that is none.</summary>
        public CancellationTokenSource Abandoned { get; } = new();

        public bool IsLate => Environment.TickCount64 - _began > s_patience.TotalMilliseconds;
    }
}

/// <summary>A request that waits for its answer.</summary>
/// <param name="request">The request.</param>
/// <param name="kept">The same as the server wants it.</param>
internal sealed class PendingGrant(LeaseRequest request, KeptRequest kept)
{
    public LeaseRequest Request => request;

    public KeptRequest Kept => kept;

    public TaskCompletionSource<LeaseAnswer> Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>What it was sent with. Changes under the queue's lock.</summary>
    public GrantQueue.Group? Group { get; set; }
}
