namespace Vmem.Leasing.PostgreSql.Tests.Chaos;

/// <summary>What a holder's process runs: a class of its own, without a server of its own.</summary>
public sealed class HolderProcess
{
    [Fact(Explicit = true)]
    public Task Run() => Holder.RunAloneAsync();
}
