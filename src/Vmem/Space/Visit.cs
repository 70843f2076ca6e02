using System.Numerics;
using System.Runtime.CompilerServices;

namespace Vmem.Space;

/// <summary>One stay under the lock. Its end is always the same: give the lock back, give spans back to the source, wake the requests that
/// wait.</summary>
/// <remarks>
/// What is to follow collects in the space while the lock is held (<see cref="Space{T}.NoteRoom"/>, <see cref="Space{T}.ReleaseLater"/>),
/// so no method has to hand it up. Sources and waiting requests are called with no lock held, whatever was thrown under it. Rejected: an
/// epilogue in each method, of which there were a dozen, no two quite the same.
/// </remarks>
internal readonly ref struct Visit<T>
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    private readonly Space<T> _space;
    private readonly bool _isFrozen;
    private readonly bool _isOwnRelease;
    private readonly ref Aftermath<T> _later;

    /// <summary>The lock has been taken.</summary>
    /// <param name="space">Whose.</param>
    /// <param name="isFrozen">Whether what stands in front has been frozen, too.</param>
    /// <param name="isOwnRelease">See <see cref="IWatcher{T}.RoomMayHaveCome"/>.</param>
    public Visit(Space<T> space, bool isFrozen, bool isOwnRelease)
    {
        _space = space;
        _isFrozen = isFrozen;
        _isOwnRelease = isOwnRelease;
    }

    /// <summary>The lock has been taken; what is left to do is for the caller to do later, when it holds no lock either.</summary>
    public Visit(Space<T> space, ref Aftermath<T> later, bool isFrozen = false)
    {
        _space = space;
        _isFrozen = isFrozen;
        _later = ref later;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Dispose()
    {
        if (_isFrozen || !_space.HasNothingToFollow)
        {
            End();
            return;
        }

        _space.Exit();
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void End()
    {
        Aftermath<T> aftermath = _space.TakeAftermath();
        _space.Exit();
        if (_isFrozen)
        {
            _space.Caches?.Thaw();
        }

        if (Unsafe.IsNullRef(ref _later))
        {
            _ = _space.Settle(aftermath, _isOwnRelease);
        }
        else
        {
            _later = aftermath;
        }
    }
}
