using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Vmem.Checks;

/// <summary>A field that several threads use without a lock: how each use is ordered stands where the use is.</summary>
/// <remarks>
/// In Release builds it is the field, and its members are the single instructions. In Debug builds a schedule explorer may drive the
/// threads that come here (<see cref="Exploration"/>). It then decides who goes on before each use, and keeps stores back as processors do.
/// </remarks>
/// <typeparam name="T">A reference, or a primitive type.</typeparam>
internal partial struct Shared<T>(T value)
{
    private T _value = value;

#if DEBUG
    // Where the value is once an explorer has seen the field. A field of an object cannot be kept by reference, as a store buffer must.
    private StrongBox<T>? _box;
#endif

#if !DEBUG
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly T Read() => _value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Write(T value) => _value = value;

    /// <summary>For assertions: what the thread itself knows to be there.</summary>
    public readonly T Peek() => _value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Exchange(T value) => Interlocked.Exchange(ref _value, value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T CompareExchange(T value, T comparand) => Interlocked.CompareExchange(ref _value, value, comparand);

    /// <summary>Where the value is.</summary>
    [UnscopedRef]
    public ref T Place
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => ref _value;
    }
#endif
}

#if !DEBUG
/// <summary>Loads after which, and stores before which, everything else is done. <see cref="Volatile"/> has one for each type,
/// too.</summary>
internal static class SharedFields
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T VolatileRead<T>(this ref Shared<T> field)
        where T : class => Volatile.Read(ref field.Place);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void VolatileWrite<T>(this ref Shared<T> field, T value)
        where T : class => Volatile.Write(ref field.Place, value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ushort VolatileRead(this ref Shared<ushort> field) => Volatile.Read(ref field.Place);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void VolatileWrite(this ref Shared<ushort> field, ushort value) => Volatile.Write(ref field.Place, value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int VolatileRead(this ref Shared<int> field) => Volatile.Read(ref field.Place);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void VolatileWrite(this ref Shared<int> field, int value) => Volatile.Write(ref field.Place, value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint VolatileRead(this ref Shared<uint> field) => Volatile.Read(ref field.Place);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void VolatileWrite(this ref Shared<uint> field, uint value) => Volatile.Write(ref field.Place, value);
}
#endif
