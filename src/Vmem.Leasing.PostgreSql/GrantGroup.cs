namespace Vmem.Leasing.PostgreSql;

/// <summary>Grants that go together.</summary>
/// <param name="grants">They.</param>
/// <param name="began">When they went, by the queue's clock.</param>
internal sealed class GrantGroup(PendingGrant[] grants, long began)
{
    public PendingGrant[] Grants => grants;

    public long Began => began;

    /// <summary>How many callers wait for it. Changes under the queue's lock.</summary>
    public int Staying { get; set; } = grants.Length;

    /// <summary>Cancelled if that is none.</summary>
    public CancellationTokenSource Abandoned { get; } = new();
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
    public GrantGroup? Group { get; set; }

    /// <summary>Whether its caller waits no more, or never did. Changes under the queue's lock.</summary>
    public bool HasLeft { get; set; }
}
