using Vmem.Diagnostics;

namespace Vmem.Listing;

/// <summary>What <see cref="VmemProcess"/> lists.</summary>
/// <typeparam name="TView">What it is seen as there.</typeparam>
internal interface IListed<out TView> : IMetered
{
    /// <summary>A new view. Needs no lock.</summary>
    TView View { get; }
}
