using System.Numerics;

namespace Vmem.Diagnostics;

/// <summary>Sums that stop at the top of the type instead of wrapping.</summary>
internal static class Saturation
{
    public static T Add<T>(T left, T right)
        where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T> =>
            right > T.MaxValue - left ? T.MaxValue : left + right;
}
