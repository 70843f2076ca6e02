using Vmem.Checks;
using Vmem.Memory.Isolation;

namespace Vmem.Memory;

// The list of clients, and the gate before it.
public sealed unsafe partial class MemoryContext
{
    /// <summary>Takes a client off the list. It keeps no link: who keeps a client that is gone keeps no others by that.</summary>
    internal void Forget(MemoryClient client, ClientTables tables)
    {
        EnterGateThroughInterrupts();
        try
        {
            _tables.Push(tables);
            if (client.PreviousClient is { } previous)
            {
                previous.NextClient = client.NextClient;
            }
            else
            {
                _firstClient = client.NextClient;
            }

            if (client.NextClient is { } next)
            {
                next.PreviousClient = client.PreviousClient;
            }
            else
            {
                _lastClient = client.PreviousClient;
            }

            client.PreviousClient = client.NextClient = null;
            _clients--;
            _clientsDeleted++;
        }
        finally
        {
            _gate.Exit();
        }
    }

    /// <summary>For what gives memory back: it has changed something already, and must not stop half way. A thread that is interrupted
    /// while it waits here is so at its next wait instead.</summary>
    private void EnterGateThroughInterrupts()
    {
        using var interrupts = new DeferredInterrupt();
        interrupts.Enter(_gate);
    }

    private MemoryClient? FirstClient()
    {
        EnterGateThroughInterrupts();
        MemoryClient? first = _firstClient;
        _gate.Exit();
        return first;
    }

    /// <summary>The client that was created next after this one, which may be gone by now, of those that exist.</summary>
    private MemoryClient? ClientAfter(MemoryClient client)
    {
        lock (_gate)
        {
            if (!client.IsDisposed)
            {
                return client.NextClient;
            }

            MemoryClient? next = _firstClient;
            while (next is not null && next.Serial <= client.Serial)
            {
                next = next.NextClient;
            }

            return next;
        }
    }
}
