using Vmem.Testing.Generation;

namespace Vmem.Memory.Tests.Isolation.Concurrency;

/// <summary>One thread's share of a stress test: random calls on a client, each block filled with the worker's own byte and checked before
/// it is let go.</summary>
internal sealed unsafe class ClientWorker(MemoryClient client, int id)
{
    private const int MaxBlocks = 100;

    private readonly SeededRandom _random = new((ulong)id);
    private readonly List<nint> _blocks = [];
    private readonly byte _mark = (byte)(id + 1);

    public long Allocations { get; private set; }

    public int Blocks => _blocks.Count;

    public void Work(int rounds)
    {
        for (int i = 0; i < rounds; i++)
        {
            int draw = _random.Below(100);
            if (draw < 45 && _blocks.Count < MaxBlocks)
            {
                Allocate();
            }
            else if (_blocks.Count > 0)
            {
                Change(draw, _random.Below(_blocks.Count));
            }
        }
    }

    public void FreeAll()
    {
        while (_blocks.Count > 0)
        {
            Free(_blocks.Count - 1);
        }
    }

    /// <summary>A block for somebody else to check and free; 0 if there is no room.</summary>
    public nint Take()
    {
        Allocate();
        nint last = _blocks.Count > 0 ? _blocks[^1] : 0;
        _blocks.Clear();
        return last;
    }

    /// <summary>Every byte that the user may use is the first one's equal.</summary>
    public static void CheckAndFree(MemoryClient client, nint block)
    {
        Check(client, block, *(byte*)block);
        client.Free((void*)block);
    }

    private void Allocate()
    {
        // Now and then a large block; never an empty one, which has no byte to mark.
        nuint size = (nuint)(1 + (_random.Below(20) == 0 ? _random.Below(10_000) : _random.Below(500)));
        if (client.TryAllocate(size, out void* block))
        {
            Fill((nint)block);
            _blocks.Add((nint)block);
            Allocations++;
        }
    }

    private void Change(int draw, int index)
    {
        nint block = _blocks[index];
        if (draw < 52)
        {
            Check(client, block, _mark);
            client.TryResize((void*)block, (nuint)(1 + _random.Below(600)));
            Fill(block);
        }
        else if (draw < 56)
        {
            FreeWrongly(block);
        }
        else
        {
            Free(index);
        }
    }

    private void FreeWrongly(nint block)
    {
        try
        {
            client.Free((void*)(block + 1));
        }
        catch (InvalidFreeException refusal) when (refusal.Reason == InvalidFreeReason.InteriorAddress)
        {
            return;
        }

        throw new InvalidOperationException($"The interior address {block + 1:x} was freed.");
    }

    private void Free(int index)
    {
        nint block = _blocks[index];
        _blocks[index] = _blocks[^1];
        _blocks.RemoveAt(_blocks.Count - 1);
        Check(client, block, _mark);
        client.Free((void*)block);
    }

    private void Fill(nint block) => new Span<byte>((void*)block, (int)client.GetSize((void*)block)).Fill(_mark);

    private static void Check(MemoryClient client, nint block, byte mark)
    {
        int other = new ReadOnlySpan<byte>((void*)block, (int)client.GetSize((void*)block)).IndexOfAnyExcept(mark);
        if (other >= 0)
        {
            throw new InvalidOperationException($"Byte {other} of the block at {block:x} is {((byte*)block)[other]:x2}, not {mark:x2}.");
        }
    }
}
