namespace Vmem.Leasing.Sessions;

/// <summary>Who holds leases through a session: a leased arena, or a worker ID.</summary>
internal interface ILeaseHolder
{
    /// <summary>A lease is gone. Must not wait. What it throws is reported, and keeps nobody else from being told; so with
    /// <see cref="Resume"/>. If the session lives on, the next renewal tells it again.</summary>
    void Lose(Holding holding, string reason);

    /// <summary>The session is valid again.</summary>
    void Resume();

    /// <summary>The session ends: give everything back, and hand out nothing more.</summary>
    ValueTask CloseAsync();
}

/// <summary>A lease that a session holds.</summary>
internal sealed class Holding(LeaseClaim claim, ILeaseHolder holder, long? watermark)
{
    public LeaseClaim Claim { get; } = claim;

    public ILeaseHolder Holder { get; set; } = holder;

    /// <summary>What former holders left.</summary>
    public long? Inherited { get; } = watermark;

    /// <summary>Why it is lost; null: it is not. Whoever has it is being told, and leaves it to nobody.</summary>
    public string? Loss { get; set; }

    /// <summary>It has been given up, and the store may not know yet.</summary>
    public Return? Return { get; set; }
}

/// <summary>How a lease is given back.</summary>
internal sealed record Return(bool IsClean, long? Watermark);
