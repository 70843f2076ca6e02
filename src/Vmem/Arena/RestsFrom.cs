using System.Numerics;
using Vmem.Diagnostics;

namespace Vmem;

/// <summary>Looks in sorted rests for the first that does not begin below an address: none compares as equal to it.</summary>
internal readonly struct RestsFrom<T>(T start) : IComparable<RestSnapshot<T>>
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    public int CompareTo(RestSnapshot<T> other) => other.Start < start ? 1 : -1;
}
