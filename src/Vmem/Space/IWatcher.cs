using System.Numerics;

namespace Vmem.Space;

/// <summary>Wants to know when a request that failed may succeed. Called under no lock, unless it says so.</summary>
internal interface IWatcher<T>
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    /// <summary>The size of the request that is next; 0 if there is none, or others want to know of any room. Under the lock.</summary>
    T Needed { get; }

    /// <summary>Whether a request waits here, or above by more than so many that listen. Of some moment.</summary>
    bool IsWatchedBeside(int listeners);

    /// <summary>Gives an allocated range to the request that is next, if it wants just such a one. Under the lock.</summary>
    /// <param name="grant">The range.</param>
    /// <param name="policy">That of the request.</param>
    /// <returns>What is to be completed under no lock; null if it wants another.</returns>
    IGranted? HandOver(in Grant<T> grant, out FitPolicy policy);

    /// <summary>Room may have come.</summary>
    /// <param name="isOwnRelease">Whether it may be no more than what an attempt to import has itself just put back.</param>
    /// <param name="mayImport">Whether the source may give now what it would not before.</param>
    void RoomMayHaveCome(bool isOwnRelease, bool mayImport);

    /// <summary>Something has gone that a request may have counted on: a span, or headroom under the limit.</summary>
    void RoomHasGone();
}

/// <summary>A request that waited and has been granted its range.</summary>
internal interface IGranted
{
    /// <summary>Tells whoever waits for it. Called once, under no lock.</summary>
    void Complete();
}
