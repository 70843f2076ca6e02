using Npgsql;
using Vmem.Timing;

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
/// <para>
/// Two things hold whatever fails, want of memory included. What is under way ends, so it does not keep a place for ever. And whoever waits
/// is watched by a timer, so he goes later if nobody else sends him.
/// </para>
/// </remarks>
/// <param name="send">Asks for all of a group in one statement, and answers in the same order.</param>
/// <param name="time">The clock.</param>
internal sealed class GrantQueue(
    Func<IReadOnlyList<PendingGrant>, CancellationToken, ValueTask<IReadOnlyList<LeaseAnswer>>> send, TimeProvider time)
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

    // A fifth of that: how much later it may go. Arbitrary.
    private static readonly TimeSpan s_watch = TimeSpan.FromMilliseconds(50);

    private readonly Lock _lock = new();
    private readonly List<PendingGrant> _waiting = [];
    private readonly List<GrantGroup> _sent = new(MostGroups);           // under way
    private ITimer? _watch;                                // there while somebody waits
    private int _lookedFor;                                // as many as were answered last; 0: this does not look
    private long _looksSince;

    /// <summary>Asks for all, in this order. Each has its own answer. If this throws, none is asked for.</summary>
    public void Ask(IReadOnlyList<PendingGrant> grants)
    {
        GrantGroup? group;
        using (_lock.EnterScope())
        {
            // First all that may fail for want of memory. After that nothing does: whoever gets an exception has nothing here.
            _waiting.EnsureCapacity(_waiting.Count + grants.Count);
            group = _lookedFor > 0 ? null : Form(_waiting.Concat(grants));
            if (_waiting.Count + grants.Count > (group?.Grants.Length ?? 0))
            {
                _watch ??= MakeWatch();
            }

            _waiting.AddRange(grants);
            Begin(group);
        }

        Send(group);
    }

    /// <summary>Their caller waits no more. A group for which nobody waits is given up.</summary>
    public void Leave(IReadOnlyList<PendingGrant> grants, CancellationToken cancellationToken)
    {
        for (int i = 0; i < grants.Count; i++)
        {
            PendingGrant grant = grants[i];
            GrantGroup? abandoned = Remove(grant);         // first, as it needs no memory
            grant.Answer.TrySetCanceled(cancellationToken);
            if (abandoned is not null)
            {
                _ = abandoned.Abandoned.CancelAsync();     // on the pool: Npgsql may wait in there
            }
        }
    }

    /// <summary>The group that nobody waits for any more, if there is one.</summary>
    private GrantGroup? Remove(PendingGrant grant)
    {
        using (_lock.EnterScope())
        {
            bool leaves = !grant.HasLeft && !grant.Answer.Task.IsCompleted;
            grant.HasLeft |= leaves;
            return leaves && !_waiting.Remove(grant) && grant.Group is { } group && --group.Staying == 0 ? group : null;
        }
    }

    /// <summary>After a group: the next one, or a look for those who were answered.</summary>
    void IThreadPoolWorkItem.Execute()
    {
        try
        {
            GrantGroup? group = null;
            bool looksOn;
            using (_lock.EnterScope())
            {
                looksOn = _waiting.Count < _lookedFor && time.GetElapsedTime(_looksSince) < s_longestLook;
                if (!looksOn)
                {
                    _lookedFor = 0;
                    group = Form(_waiting);
                    Begin(group);
                }
            }

            if (looksOn)
            {
                ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
            }

            Send(group);
        }
        catch (OutOfMemoryException)
        {
            // Out of here it would end the process. Whoever waits is watched.
        }
    }

    /// <summary>Sends those who wait for a group that hangs.</summary>
    private void Watch()
    {
        try
        {
            GrantGroup? group;
            using (_lock.EnterScope())
            {
                group = Form(_waiting);
                Begin(group);
                if (_waiting.Count == 0)
                {
                    _watch?.Dispose();
                    _watch = null;
                }
            }

            Send(group);
        }
        catch (OutOfMemoryException)
        {
            // Out of here it would end the process. The timer calls again.
        }
    }

    private ITimer MakeWatch() => DetachedTimer.Start(time, static queue => ((GrantQueue)queue!).Watch(), this, s_watch, s_watch);

    /// <summary>The next group, if one may go; those of one session follow each other, and sessions are in the same order everywhere. A
    /// grant locks its session, and two groups of two arenas must not lock the same ones crosswise. This changes nothing.</summary>
    private GrantGroup? Form(IEnumerable<PendingGrant> waiting)
    {
        if (_sent.Count == MostGroups || _sent.Exists(group => time.GetElapsedTime(group.Began) < s_patience))
        {
            return null;
        }

        PendingGrant[] grants = [.. waiting.Take(LargestGroup).OrderBy(static grant => grant.Request.Session)];
        return grants.Length == 0 ? null : new GrantGroup(grants, time.GetTimestamp());
    }

    /// <summary>The first of those who wait are a group that is under way now. This needs no memory.</summary>
    private void Begin(GrantGroup? group)
    {
        if (group is not null)
        {
            foreach (PendingGrant grant in group.Grants)
            {
                grant.Group = group;
            }

            _sent.Add(group);
            _waiting.RemoveRange(0, group.Grants.Length);
        }
    }

    private void Send(GrantGroup? group)
    {
        if (group is not null)
        {
            _ = SendAsync(group);
        }
    }

    private async Task SendAsync(GrantGroup group)
    {
        try
        {
            await AnswerAsync(group).ConfigureAwait(false);
        }
        catch (OutOfMemoryException)
        {
            // Those who could not be told wait until they leave.
        }
        finally
        {
            End(group);
        }
    }

    private void End(GrantGroup group)
    {
        bool isNext;
        using (_lock.EnterScope())
        {
            _sent.Remove(group);
            _lookedFor = group.Grants.Length > 1 ? group.Grants.Length : 0;
            _looksSince = time.GetTimestamp();
            isNext = _lookedFor + _waiting.Count > 0;
        }

        if (isNext)
        {
            // Behind those who were just answered, so that they are in it, and without what flows with this group's first caller.
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        }
    }

    private async Task AnswerAsync(GrantGroup group)
    {
        try
        {
            IReadOnlyList<LeaseAnswer> answers = await send(group.Grants, group.Abandoned.Token).ConfigureAwait(false);
            for (int i = 0; i < group.Grants.Length; i++)
            {
                group.Grants[i].Answer.TrySetResult(answers[i]);
            }
        }
        catch (Exception fault) when (group.Grants.Length > 1 && IsOfOneRequest(fault))
        {
            foreach (PendingGrant grant in group.Grants)
            {
                await AnswerAloneAsync(grant).ConfigureAwait(false);
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

    private async Task AnswerAloneAsync(PendingGrant grant)
    {
        try
        {
            if (Part(grant) is { } alone)
            {
                grant.Answer.TrySetResult((await send(alone.Grants, alone.Abandoned.Token).ConfigureAwait(false))[0]);
            }
        }
        catch (Exception fault)
        {
            grant.Answer.TrySetException(fault);
        }
    }

    /// <summary>From now on its caller alone waits for it; null if he does no more.</summary>
    private GrantGroup? Part(PendingGrant grant)
    {
        using (_lock.EnterScope())
        {
            return grant.HasLeft ? null : grant.Group = new GrantGroup([grant], time.GetTimestamp());
        }
    }
}
