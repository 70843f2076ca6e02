using Vmem.Checks;
using Vmem.Memory.Isolation;

namespace Vmem.Memory;

// The list of clients, and the gate before it.
public sealed unsafe partial class MemoryContext
{
    /// <summary>Takes a client off the list. It keeps no link: who keeps a client that is gone keeps no others by that.</summary>
    internal void Forget(MemoryClient client)
    {
        using (_gate.EnterScope())
        {
            ClientTables tables = client.Tables!;
            client.Tables = null;
            _clients.Remove(tables.Node);
            tables.Node.Value = null!;
            _tables.Push(tables);
            _clientsDeleted++;
        }

        ReleaseIfLast();
    }

    private MemoryClient? FirstClient()
    {
        using (_gate.EnterScope())
        {
            return _clients.First?.Value;
        }
    }

    /// <summary>The client that was created next after this one, which may be gone by now, of those that exist.</summary>
    private MemoryClient? ClientAfter(MemoryClient client)
    {
        using (_gate.EnterScope())
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
