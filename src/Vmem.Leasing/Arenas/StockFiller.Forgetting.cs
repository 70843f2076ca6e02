namespace Vmem.Leasing.Arenas;

// What becomes of the stock of an arena that the store does not know any more.
internal sealed partial class StockFiller<T>
{
    private bool _isForgotten;                             // only the filler looks

    /// <summary>The store refused a call. If it has no such arena any more, after a failover or as it was deleted, it is not asked again:
    /// numbers are never given twice, so it would refuse for ever. One of the name that was made since is another.</summary>
    private async Task TryLookForArenaAsync()
    {
        try
        {
            LeaseArena known = await session.AskAsync((store, token) => store.EnsureArenaAsync(arena.Name, null, token), _stop.Token)
                .ConfigureAwait(false);
            _isForgotten = known.Id != arena.Id;
        }
        catch (LeaseDefinitionException)
        {
            _isForgotten = true;
        }
        catch (Exception fault) when (!_stop.IsCancellationRequested)
        {
            session.NoteFault(fault);                          // it does not say: the next refusal asks again
        }

        if (_isForgotten)
        {
            stock.AnswerAll(forEver: true);
            forget();
        }
    }
}
