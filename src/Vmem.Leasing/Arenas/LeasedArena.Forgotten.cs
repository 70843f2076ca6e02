namespace Vmem.Leasing;

// The store may forget the arena: in a failover, or as somebody deleted it. Then nothing more comes, and whoever waits is told.
public sealed partial class LeasedArena<T>
{
    private readonly CancellationTokenSource _forgotten = new();

    private bool IsForgotten => _forgotten.IsCancellationRequested;

    private void Forget()
    {
        _ = _forgotten.CancelAsync();                          // on the pool: whoever waited runs there
        _resumed.TrySetResult();
    }

    private void ThrowIfForgotten()
    {
        if (IsForgotten)
        {
            throw new LeaseLostException($"The store does not know arena '{Name}' of the number {_arena.Id} any more: a failover forgot it, or it was deleted. What was leased of it may be somebody else's. Dispose of this one, and open it again.");
        }
    }
}
