using System.Numerics;
using System.Runtime.CompilerServices;
using Vmem.Checks;

namespace Vmem.Space;

/// <summary>One stay under the lock. Its end is always the same: give the lock back, give spans back to the source, wake the requests that
/// wait.</summary>
/// <remarks>
/// What is to follow collects in the space while the lock is held (<see cref="Space{T}.NoteRoom"/>, <see cref="Space{T}.ReleaseLater"/>),
/// so no method has to hand it up. Sources and waiting requests are called with no lock held, whatever was thrown under it. Rejected: an
/// epilogue in each method, of which there were a dozen, no two quite the same.
/// <para>
/// What sources and listeners throw then comes after the deed. A call that gives ranges takes them back, and throws it. One that gives
/// something up has done so, all of it, when it throws it. Of any other its caller would not know what became of his ranges: such a call
/// answers, and passes a <see cref="Conclusion"/> of which only a fault of the library's own is thrown.
/// </para>
/// </remarks>
internal readonly ref struct Visit<T>
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    private readonly Space<T> _space;
    private readonly Traits _traits;
    private readonly ref Aftermath<T> _later;
    private readonly ref Conclusion _end;

    /// <summary>The lock has been taken.</summary>
    /// <param name="space">Whose.</param>
    /// <param name="isFrozen">Whether what stands in front has been frozen, too.</param>
    /// <param name="isOwnRelease">See <see cref="IWatcher{T}.RoomMayHaveCome"/>.</param>
    public Visit(Space<T> space, bool isFrozen, bool isOwnRelease)
    {
        _space = space;
        _traits = (isFrozen ? Traits.Frozen : Traits.None) | (isOwnRelease ? Traits.OwnRelease : Traits.None);
    }

    /// <summary>The same, but what is thrown when the lock has been given back is taken by <paramref name="end"/>.</summary>
    public Visit(Space<T> space, ref Conclusion end, bool isFrozen, bool isOwnRelease)
        : this(space, isFrozen, isOwnRelease) => _end = ref end;

    /// <summary>The lock has been taken; what is left to do is for the caller to do later, when it holds no lock either.</summary>
    public Visit(Space<T> space, ref Aftermath<T> later, bool isFrozen = false)
        : this(space, isFrozen, isOwnRelease: false) => _later = ref later;

    [Flags]
    private enum Traits : byte
    {
        None = 0,
        Frozen = 1,
        OwnRelease = 2,
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Dispose()
    {
        if ((_traits & Traits.Frozen) != 0 || !_space.HasNothingToFollow)
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
        if ((_traits & Traits.Frozen) != 0)
        {
            _space.Caches?.Thaw();
        }

        bool isOwnRelease = (_traits & Traits.OwnRelease) != 0;
        if (!Unsafe.IsNullRef(ref _later))
        {
            _later = aftermath;
        }
        else if (Unsafe.IsNullRef(ref _end))
        {
            _ = _space.Settle(aftermath, isOwnRelease);
        }
        else
        {
            _ = _space.Settle(aftermath, isOwnRelease, ref _end);
        }
    }
}
