using System.Numerics;
using System.Runtime.CompilerServices;

namespace Vmem.Caching;

/// <summary>Watches over ranges of one size.</summary>
/// <param name="states">Null: the caller is trusted.</param>
/// <param name="sizeClass">Their class.</param>
internal readonly struct RangeGuard<T>(RangeStates<T>? states, int sizeClass) : IItemGuard<T>
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryTake(T item) => states is null || states.TryTake(item, sizeClass);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryGive(T item) => states is null || states.TryGive(item, sizeClass);

    public bool Searches => false;

    public bool SeemsAmong(T[] items, int rounds, T item) => false;

    /// <summary>Whether an item may be taken in.</summary>
    public bool MayGive(T item) => states is null || states.IsWithCaller(item, sizeClass);
}
