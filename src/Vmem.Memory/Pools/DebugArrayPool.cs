using System.Buffers;
using System.Diagnostics;
using System.Numerics;
using System.Runtime.CompilerServices;
using Vmem.Checks;
using Vmem.Diagnostics;
using Vmem.Memory.Pools;

namespace Vmem.Memory;

/// <summary>An <see cref="ArrayPool{T}"/> that finds mistakes: arrays returned twice, or to the wrong pool, used after their return, or
/// never returned. It says who rented the array and who returned it. For tests, in the place of another pool.</summary>
/// <remarks>
/// <para>
/// A returned array is filled with the byte 0xDD and rests. When it leaves the quarantine, and again when it is rented, each byte is
/// compared: one that differs was written after the return. <see cref="Check"/> compares all of them at once. Who reads after the return
/// reads 0xDD. A rented array is filled with 0xCD, so that nobody takes it for zeroed. Elements that hold references are set to null, and
/// compared with that.
/// </para>
/// <para>
/// What the pool knows of an array is attached to the array (<see cref="ConditionalWeakTable{TKey, TValue}"/>), so it keeps none alive that
/// is rented. If one is collected, it was never returned.
/// </para>
/// <para>
/// Lengths are the powers of two from 16, as of <see cref="ArrayPool{T}.Shared"/>. All members may be called by any thread at any time. A
/// rent and a return cost microseconds, and a pass over the array each.
/// </para>
/// <para>
/// Rejected: a wrapper around the pool in use. The array would then be the inner pool's while it rests, and another of its renters would
/// look like a late use.
/// </para>
/// </remarks>
/// <typeparam name="T">The elements' type.</typeparam>
[DebuggerDisplay("{Name,nq}")]
public sealed partial class DebugArrayPool<T> : ArrayPool<T>
{
    private const int LeastLength = 16;
    private const int MostClassed = 1 << 30;      // what is longer has its own length, and is not used again

    private readonly DebugArrayPoolOptions _options;
    private readonly AuditStacks? _stacks;
    private readonly Gate _gate = new();          // over all that follows
    private readonly ConditionalWeakTable<T[], PooledArray> _known = [];
    private readonly HashSet<ArrayRental> _out = new(ReferenceEqualityComparer.Instance);
    private readonly Queue<T[]> _resting = new();
    private readonly Stack<T[]>[] _ready = [.. Enumerable.Range(0, 32).Select(static _ => new Stack<T[]>())];  // by the length's logarithm
    private readonly long[] _found = new long[4]; // by kind
    private long _rents;

    /// <summary>A pool that has no array yet.</summary>
    /// <param name="options">How it behaves; null for the defaults.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number of arrays is negative.</exception>
    public DebugArrayPool(DebugArrayPoolOptions? options = null)
    {
        _options = options ?? new DebugArrayPoolOptions();
        ArgumentNullException.ThrowIfNull(_options.Name, nameof(options));
        ArgumentNullException.ThrowIfNull(_options.TimeProvider, nameof(options));
        ArgumentOutOfRangeException.ThrowIfNegative(_options.Quarantine, nameof(options));
        ArgumentOutOfRangeException.ThrowIfNegative(_options.KeptEach, nameof(options));
        _stacks = _options.Stacks ? new AuditStacks() : null;
    }

    /// <summary>The pool's name.</summary>
    public string Name => _options.Name;

    /// <summary>An array, which is the caller's until he returns it. O(length).</summary>
    /// <param name="minimumLength">The fewest elements that will do.</param>
    /// <returns>The array: filled with 0xCD, or with nulls if its elements hold references.</returns>
    /// <exception cref="ArgumentOutOfRangeException">It is negative.</exception>
    /// <exception cref="ArrayMisuseException">The array that would have been rented was written to after its return. It is dropped; nothing
    /// else has changed.</exception>
    public override T[] Rent(int minimumLength)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(minimumLength);
        if (minimumLength == 0)
        {
            return [];
        }

        int length = minimumLength > MostClassed
            ? minimumLength
            : (int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(minimumLength, LeastLength));
        T[] array = TakeReady(length) ?? new T[length];
        ArrayRental rental = NewSite(length);
        ArrayContents<T>.Fill(array, ArrayContents<T>.Fresh);
        using (_gate.EnterScope())
        {
            PooledArray known = _known.GetValue(array, _ => new PooledArray(NoteLost));
            known.Rented = rental;
            known.Rental = rental;
            _ = _out.Add(rental);
            _rents++;
        }

        return array;
    }

    /// <summary>Gives an array back. O(length).</summary>
    /// <param name="array">The array.</param>
    /// <param name="clearArray">Without effect: it is filled in any case.</param>
    /// <exception cref="ArgumentNullException">There is no array.</exception>
    /// <exception cref="ArrayMisuseException">The array is the pool's already, or was never rented from it: nothing has changed. Or another
    /// one, whose rest has ended, was written to after its return: that one is dropped, and this one was returned.</exception>
    public override void Return(T[] array, bool clearArray = false)
    {
        ArgumentNullException.ThrowIfNull(array);
        if (array.Length == 0)
        {
            return;
        }

        ArrayRental site = NewSite(array.Length);
        if (!TryEndRental(array, site, out PooledArray? known))
        {
            Tell(known is null
                ? new ArrayMisuse(Name, ArrayMisuseKind.Foreign, array.Length, -1,
                    site.Tell($"Pool '{Name}': an array of {array.Length} elements was returned that it never rented. Returned"))
                : new ArrayMisuse(Name, ArrayMisuseKind.ReturnedTwice, array.Length, -1,
                    site.Tell($"Pool '{Name}': an array of {array.Length} elements was returned twice. Returned now") + Story(known)));
            return;
        }

        ArrayContents<T>.Fill(array, ArrayContents<T>.Freed);
        using (_gate.EnterScope())
        {
            _resting.Enqueue(array);
        }

        // More than one, if a check put back what had come meanwhile.
        while (TakeRested() is { } rested)
        {
            if (IsIntact(rested))
            {
                KeepReady(rested);
            }
        }
    }

    private T[]? TakeRested()
    {
        using (_gate.EnterScope())
        {
            return _resting.Count > _options.Quarantine ? _resting.Dequeue() : null;
        }
    }

    /// <summary>Compares all arrays that the pool has with what they were filled with. O(bytes of them).</summary>
    /// <exception cref="ArrayMisuseException">One was written to after its return. It is dropped, and the others were not looked at unless
    /// <see cref="DebugArrayPoolOptions.Found"/> is set.</exception>
    public void Check()
    {
        Queue<T[]> ready;
        Queue<T[]> resting;
        using (_gate.EnterScope())
        {
            // Nobody rents what is being compared.
            ready = new Queue<T[]>(_ready.SelectMany(static kept => kept));
            resting = new Queue<T[]>(_resting);
            _resting.Clear();
            Array.ForEach(_ready, static kept => kept.Clear());
        }

        try
        {
            DropBroken(ready);
            DropBroken(resting);
        }
        finally
        {
            foreach (T[] array in ready)
            {
                KeepReady(array);
            }

            using (_gate.EnterScope())
            {
                while (resting.TryDequeue(out T[]? array))
                {
                    _resting.Enqueue(array);
                }
            }
        }
    }

    private void DropBroken(Queue<T[]> arrays)
    {
        for (int left = arrays.Count; left > 0; left--)
        {
            T[] array = arrays.Dequeue();
            if (IsIntact(array))
            {
                arrays.Enqueue(array);
            }
        }
    }

    /// <summary>The arrays that are out: who rented them, the oldest first.</summary>
    /// <returns>A list of this moment. O(arrays).</returns>
    public IReadOnlyList<ArrayRental> GetRentals()
    {
        using (_gate.EnterScope())
        {
            return [.. _out.OrderBy(static rental => rental.Time)];
        }
    }

    /// <summary>What the pool has done and found.</summary>
    /// <returns>The figures, of one moment. O(1).</returns>
    public DebugArrayPoolStatistics GetStatistics()
    {
        using (_gate.EnterScope())
        {
            return new DebugArrayPoolStatistics
            {
                Rents = _rents,
                Outstanding = _out.Count,
                Kept = _resting.Count + _ready.Sum(static ready => ready.Count),
                ReturnedTwice = _found[(int)ArrayMisuseKind.ReturnedTwice],
                Foreign = _found[(int)ArrayMisuseKind.Foreign],
                UsedAfterReturn = _found[(int)ArrayMisuseKind.UsedAfterReturn],
                NeverReturned = _found[(int)ArrayMisuseKind.NeverReturned],
            };
        }
    }
}
