using Vmem.Checks;
using Vmem.Memory.Isolation;

namespace Vmem.Memory;

// The list of clients, and the gate before it.
public sealed unsafe partial class MemoryContext
{
    /// <summary>Takes a client off the list. It keeps no link: who keeps a client that is gone keeps no others by that.</summary>
    internal void Forget(MemoryClient client)
    {
        EnterGateThroughInterrupts();
        try
        {
            ClientTables tables = client.Tables!;
            client.Tables = null;
            _clients.Remove(tables.Node);
            tables.Node.Value = null!;
            _tables.Push(tables);
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
        MemoryClient? first = _clients.First?.Value;
        _gate.Exit();
        return first;
    }

    /// <summary>The client that was created next after this one, which may be gone by now, of those that exist.</summary>
    private MemoryClient? ClientAfter(MemoryClient client)
    {
        lock (_gate)
        {
            LinkedListNode<MemoryClient>? next = client.Tables is { } tables ? tables.Node.Next : _clients.First;
            while (next is not null && next.Value.Serial <= client.Serial)
            {
                next = next.Next;
            }

            return next?.Value;
        }
    }
}
