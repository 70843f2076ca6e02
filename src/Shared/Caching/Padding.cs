using System.Runtime.InteropServices;

namespace Vmem.Caching;

/// <summary>Two cache lines of nothing. A processor that fetches lines in pairs makes neighbours of two.</summary>
[StructLayout(LayoutKind.Sequential, Size = 128)]
internal readonly struct Padding;

/// <summary>Keeps what a derived class adds off the lines of the object before it.</summary>
internal abstract class PaddedBefore
{
#pragma warning disable CS0169, IDE0051, CA1823 // it is there to take up room
    private readonly Padding _before;
#pragma warning restore CS0169, IDE0051, CA1823
}
