using System.Diagnostics.CodeAnalysis;
using Vmem.Checks;

namespace Vmem.Leasing.Sessions;

/// <summary>Calls the program's handlers on the pool, one after the other, in the order in which they were added.</summary>
/// <remarks>A handler may wait, even for the end of its session. On the session's own task it would wait for itself, and a slow one would
/// hold up renewals. Rejected: an end that does not wait for that task while a handler runs. It mends the first and not the
/// second.</remarks>
/// <param name="report">Gets what a handler throws; the others are called all the same.</param>
internal sealed class CallbackQueue(Action<Exception> report) : IThreadPoolWorkItem
{
    private readonly Gate _lock = new();
    private readonly Queue<Action> _callbacks = [];
    private bool _isRunning;

    public void Add(Action callback)
    {
        using (_lock.EnterScope())
        {
            _callbacks.Enqueue(callback);
            if (!_isRunning)
            {
                ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
                _isRunning = true;                             // last: if there was no memory for it, the next call tries again
            }
        }
    }

    void IThreadPoolWorkItem.Execute()
    {
        while (TryTake(out Action? callback))
        {
            try
            {
                callback();
            }
            catch (Exception fault)
            {
                report(fault);
            }
        }
    }

    private bool TryTake([NotNullWhen(true)] out Action? callback)
    {
        using (_lock.EnterScope())
        {
            return _isRunning = _callbacks.TryDequeue(out callback);
        }
    }
}
