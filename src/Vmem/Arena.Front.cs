using System.Runtime.CompilerServices;

namespace Vmem;

/// <summary>What may stand in front of the segments: quantum caches, or an audit. An arena with neither pays one comparison.</summary>
public sealed partial class Arena<T>
{
    /// <summary>Requests up to this size meet what stands in front; 0: nothing does. Compared with size − 1, so that 0 is out of
    /// bounds.</summary>
    private T _frontMax;
    private int _suspensions;

    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TryAllocateInFront(T size, FitPolicy policy, out T start)
    {
        if (_audit is not null)
        {
            return TryAllocateSigned(RoundUp(size), policy, out start);
        }

        return TryAllocateBehind(RoundUp(size), policy, out start);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void FreeInFront(T start, T size)
    {
        if (_audit is not null)
        {
            FreeSigned(start, RoundUp(size), AuditCall.Free);
            return;
        }

        FreeBehind(start, RoundUp(size));
    }

    /// <summary>From now until <see cref="ResumeCaches"/> the caches hold nothing and keep nothing: every free reaches the segments. Calls
    /// nest. Not to be called under the lock.</summary>
    private void SuspendCaches() => Interlocked.Increment(ref _suspensions);

    /// <summary>Ends one <see cref="SuspendCaches"/>.</summary>
    private void ResumeCaches() => Interlocked.Decrement(ref _suspensions);
}
