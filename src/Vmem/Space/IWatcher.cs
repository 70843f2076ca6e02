namespace Vmem.Space;

/// <summary>Wants to know when a request that failed may succeed. Never called under the lock.</summary>
internal interface IWatcher
{
    /// <summary>Room may have come.</summary>
    /// <param name="isOwnRelease">Whether it may be no more than what an attempt to import has itself just put back.</param>
    void RoomMayHaveCome(bool isOwnRelease);

    /// <summary>Something has gone that a request may have counted on: a span, or headroom under the limit.</summary>
    void RoomHasGone();
}
