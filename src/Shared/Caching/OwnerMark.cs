using System.Runtime.CompilerServices;
using Vmem.Checks;

namespace Vmem.Caching;

/// <summary>Says that a thread is at work on its magazines. By it, others can claim them although the thread uses no interlocked
/// instruction.</summary>
/// <remarks>
/// <para>
/// An asymmetric form of Dekker's protocol. The owner sets this mark, then reads how far its magazine may be used. A claimant writes that
/// it may not be used at all, passes a barrier on every processor of the process (<see cref="Interlocked.MemoryBarrierProcessWide"/>), and
/// waits until the mark is clear. After the barrier the owner either finds its magazine closed, or was at work before and is seen to be. So
/// the cost falls on the claimant, who is rare.
/// </para>
/// <para>
/// Rejected: a lock, or a compare-and-swap, for each operation, which costs several times what the operation itself does. Rejected:
/// magazines that nobody but their owner can empty, with which a request would fail while another thread sits on what it needs.
/// </para>
/// </remarks>
internal struct OwnerMark
{
    private Shared<int> _isBusy;

    /// <summary>For assertions: the owner is in an operation.</summary>
    public readonly bool IsBusy => _isBusy.Peek() != 0;

    /// <summary>Before anything else is read. Owner only.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Begin() => _isBusy.VolatileWrite(1);

    /// <summary>After everything else is written. Owner only.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void End() => _isBusy.VolatileWrite(0);

    /// <summary>Waits until the owner is out of the operation that it may have begun before the barrier: some nanoseconds, unless it has
    /// lost the processor in it.</summary>
    public void Await()
    {
        using var spin = new Spin();
        while (_isBusy.VolatileRead() != 0)
        {
            spin.Pause();
        }
    }
}
