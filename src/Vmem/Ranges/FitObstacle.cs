namespace Vmem;

/// <summary>What is in the way of a request at the place or in the window that its constraints name: <see
/// cref="FitReport{T}.Obstacle"/>.</summary>
public enum FitObstacle
{
    /// <summary>It fits, or what is in the way is not a place: then <see cref="FitReport{T}.Failure"/> says all.</summary>
    None,

    /// <summary>A part of the place is taken (<see cref="FitReport{T}.Holder"/> says by which segment), or nothing that is long enough is
    /// free in the window.</summary>
    Taken,

    /// <summary>A part of the place, or all of the window, lies in no span.</summary>
    OutsideSpans,

    /// <summary>Something long enough is free, but no place in it has the alignment, phase and <see cref="RangeConstraints{T}.NoCross"/>
    /// that were asked for.</summary>
    Misaligned,

    /// <summary>The window is shorter than the request, or holds no place of that alignment, whatever is free.</summary>
    WindowTooShort,

    /// <summary>The place is free, but lies in two spans that touch and were not joined.</summary>
    Seam,
}
