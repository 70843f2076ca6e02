using System.Runtime.CompilerServices;

namespace Vmem.Benchmarks.Subjects;

/// <summary>Any target in a test-and-set lock whose waiters stand back twice as long each time: the lock that costs a peer least. Its
/// waiters never sleep, so it is for no more threads than processors.</summary>
internal readonly struct InBackoffLock<TTarget, TTicket>(TTarget inner) : ITarget<TTicket>
    where TTarget : struct, ITarget<TTicket>
    where TTicket : struct
{
    private readonly TTarget _inner = inner;
    private readonly Gate _gate = new();

    public long BookkeepingBytes => _inner.BookkeepingBytes;

    public static bool IsLive(in TTicket ticket) => TTarget.IsLive(in ticket);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryAllocate(ulong size, out TTicket ticket)
    {
        _gate.Enter();
        bool found = _inner.TryAllocate(size, out ticket);
        _gate.Exit();
        return found;
    }

    public bool TryAllocateConstrained(ulong size, in RangeConstraints<ulong> constraints, out TTicket ticket)
    {
        _gate.Enter();
        bool found = _inner.TryAllocateConstrained(size, in constraints, out ticket);
        _gate.Exit();
        return found;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Free(in TTicket ticket)
    {
        _gate.Enter();
        _inner.Free(in ticket);
        _gate.Exit();
    }

    public void Dispose() => _inner.Dispose();

    private sealed class Gate
    {
        private const int MostSpins = 1 << 14;

        private int _held;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Enter()
        {
            if (Interlocked.Exchange(ref _held, 1) != 0)
            {
                Wait();
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Exit() => Volatile.Write(ref _held, 0);

        private void Wait()
        {
            int spins = 1;
            do
            {
                Thread.SpinWait(spins);
                spins = Math.Min(2 * spins, MostSpins);
            }
            while (Interlocked.Exchange(ref _held, 1) != 0);
        }
    }
}
