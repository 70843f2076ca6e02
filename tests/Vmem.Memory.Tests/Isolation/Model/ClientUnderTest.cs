using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Vmem.Memory.Tests.Isolation.Model;

/// <summary>Which of the equivalent calls allocates.</summary>
internal enum AllocationCall
{
    Allocate,
    TryAllocate,
    AllocateZeroed,
    AllocateAligned,
    AllocateSpan,
    Rent,
}

/// <summary>Which of the calls that name a block.</summary>
internal enum BlockCall
{
    Free,
    GetSize,
    Reallocate,
    TryResize,
    FreeSpan,
}

/// <summary>A client with addresses for pointers. The tests of the tests override what is to go wrong.</summary>
internal unsafe class ClientUnderTest(MemoryClient client)
{
    public MemoryClient Client { get; } = client;

    public virtual MemoryClientStatistics Statistics => Client.GetStatistics();

    /// <summary>The block's address, with its owner where it has one; 0 where a call says false. What else is refused throws.</summary>
    public virtual nint Allocate(AllocationCall call, nuint size, nuint alignment, out IMemoryOwner<byte>? owner)
    {
        owner = null;
        switch (call)
        {
            case AllocationCall.TryAllocate:
                return Client.TryAllocate(size, out void* block) ? (nint)block : 0;
            case AllocationCall.AllocateZeroed:
                return (nint)Client.AllocateZeroed(size);
            case AllocationCall.AllocateAligned:
                return (nint)Client.AllocateAligned(size, alignment);
            case AllocationCall.AllocateSpan:
                return (nint)Unsafe.AsPointer(ref MemoryMarshal.GetReference(Client.AllocateSpan<byte>((int)size)));
            case AllocationCall.Rent:
                owner = Client.Rent<byte>((int)size);
                return (nint)Unsafe.AsPointer(ref MemoryMarshal.GetReference(owner.Memory.Span));
            default:
                return (nint)Client.Allocate(size);
        }
    }

    public virtual void Free(nint block) => Client.Free((void*)block);

    public virtual nint Reallocate(nint block, nuint size) => (nint)Client.Reallocate((void*)block, size);

    public virtual bool TryResize(nint block, nuint size) => Client.TryResize((void*)block, size);

    public virtual nuint GetSize(nint block) => Client.GetSize((void*)block);

    public bool Owns(nint address) => Client.Owns((void*)address);

    /// <summary>Makes a call that is to be refused.</summary>
    public void Call(BlockCall call, nint address)
    {
        switch (call)
        {
            case BlockCall.GetSize:
                GetSize(address);
                break;
            case BlockCall.Reallocate:
                Reallocate(address, 1);
                break;
            case BlockCall.TryResize:
                TryResize(address, 1);
                break;
            case BlockCall.FreeSpan:
                Client.Free(new Span<byte>((void*)address, 1));
                break;
            default:
                Free(address);
                break;
        }
    }

    public virtual nuint Trim() => Client.Trim();

    public virtual void Dispose() => Client.Dispose();
}
