using System.Diagnostics.CodeAnalysis;
using System.Numerics;
using Vmem.Memory.Pools;

namespace Vmem.Memory;

// Arrays between two renters, and what is told of them.
public sealed partial class DebugArrayPool<T>
{
    /// <summary>An array that has rested and is as it was left; null if there is none.</summary>
    private T[]? TakeReady(int length)
    {
        while (length <= MostClassed)
        {
            T[]? array;
            using (_gate.EnterScope())
            {
                _ = Ready(length).TryPop(out array);
            }

            if (array is null || IsIntact(array))
            {
                return array;
            }
        }

        return null;
    }

    /// <summary>Arrays that are longer than any class, or more than is kept, are the collector's.</summary>
    private void KeepReady(T[] array)
    {
        using (_gate.EnterScope())
        {
            if (array.Length <= MostClassed && Ready(array.Length).Count < _options.KeptEach)
            {
                Ready(array.Length).Push(array);
            }
        }
    }

    private Stack<T[]> Ready(int length) => _ready[BitOperations.Log2((uint)length)];

    /// <summary>From now on nobody has the array. False if nobody had.</summary>
    private bool TryEndRental(T[] array, ArrayRental site, [NotNullWhen(true)] out PooledArray? known)
    {
        using (_gate.EnterScope())
        {
            if (!_known.TryGetValue(array, out known) || known.Rental is not { } rental)
            {
                return false;
            }

            _ = _out.Remove(rental);
            known.Rental = null;
            known.Returned = site;
            return true;
        }
    }

    /// <summary>Whether nobody has written to the array since its return. If so, that is told, and the caller drops it.</summary>
    private bool IsIntact(T[] array)
    {
        int index = ArrayContents<T>.FindOther(array, ArrayContents<T>.Freed);
        if (index < 0)
        {
            return true;
        }

        PooledArray? known;
        using (_gate.EnterScope())
        {
            _ = _known.TryGetValue(array, out known);
        }

        Tell(new ArrayMisuse(Name, ArrayMisuseKind.UsedAfterReturn, array.Length, index,
            $"Pool '{Name}': an array of {array.Length} elements was written to after its return, at {index} first.{(known is null ? "" : Story(known))}"));
        return false;
    }

    private static string Story(PooledArray known) =>
        (known.Returned is { } returned ? "\n" + returned.Tell("Returned first") : "") + (known.Rented is { } rented ? "\n" + rented.Tell("Rented") : "");

    private ArrayRental NewSite(int length) => new(length, _stacks?.Capture() ?? "",
        Environment.CurrentManagedThreadId, Thread.CurrentThread.Name, _options.TimeProvider.GetUtcNow());

    /// <summary>An array was collected while it was rented. On the thread of finalisers, which no exception may reach.</summary>
    private void NoteLost(ArrayRental rental)
    {
        using (_gate.EnterScope())
        {
            _ = _out.Remove(rental);
            _found[(int)ArrayMisuseKind.NeverReturned]++;
        }

        try
        {
            _options.Found?.Invoke(new ArrayMisuse(Name, ArrayMisuseKind.NeverReturned, rental.Length, -1,
                rental.Tell($"Pool '{Name}': an array of {rental.Length} elements was never returned. Rented")));
        }
        catch (Exception)
        {
            // It was told, and counted.
        }
    }

    private void Tell(ArrayMisuse misuse)
    {
        using (_gate.EnterScope())
        {
            _found[(int)misuse.Kind]++;
        }

        if (_options.Found is null)
        {
            throw new ArrayMisuseException(misuse);
        }

        _options.Found(misuse);
    }
}
