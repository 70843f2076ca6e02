namespace Vmem.Testing.Exploration;

/// <summary>What one thread passes to another, which waits for it.</summary>
internal sealed class Baton
{
    private readonly object _monitor = new();
    private bool _isHere;

    public void Pass()
    {
        lock (_monitor)
        {
            _isHere = true;
            Monitor.Pulse(_monitor);
        }
    }

    public void Take() => _ = TryTake(Timeout.InfiniteTimeSpan);

    /// <returns>False if the time has passed.</returns>
    public bool TryTake(TimeSpan patience)
    {
        lock (_monitor)
        {
            bool came = _isHere || Monitor.Wait(_monitor, patience);
            _isHere = false;
            return came;
        }
    }
}
