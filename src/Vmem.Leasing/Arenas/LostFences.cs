using Vmem.Checks;

namespace Vmem.Leasing.Arenas;

/// <summary>The fences of leases that were lost not long ago, so that a late free is told apart from a wrong one.</summary>
internal sealed class LostFences
{
    /// <summary>How many are remembered. Arbitrary: it only decides which of two errors a late free gets.</summary>
    private const int Remembered = 1024;

    private readonly Gate _lock = new();
    private readonly HashSet<long> _fences = [];
    private readonly Queue<long> _order = [];

    public void Add(long fence)
    {
        using (_lock.EnterScope())
        {
            if (_fences.Add(fence))
            {
                _order.Enqueue(fence);
            }

            if (_order.Count > Remembered)
            {
                _fences.Remove(_order.Dequeue());
            }
        }
    }

    public bool Contains(long fence)
    {
        using (_lock.EnterScope())
        {
            return _fences.Contains(fence);
        }
    }
}
