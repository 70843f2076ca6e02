using System.Runtime.CompilerServices;

namespace Vmem.Testing.Exploration;

/// <summary>What the threads of one schedule have stored, and when the others see it.</summary>
/// <remarks>
/// <para>
/// Each thread has a buffer of stores that only it sees. A store leaves its buffer when somebody else loads from its place and the schedule
/// wants it to be seen, at a barrier, and when the buffer is full (<see cref="MemoryOrder"/> says which leave with it). So nothing is
/// decided before it makes a difference.
/// </para>
/// <para>
/// Early loads are simulated from the other end: a load may return a former value that the place still held at or after the thread's
/// <see cref="ThreadMemory.Floor"/>. That is the time of what its last acquire saw, or of its last barrier.
/// </para>
/// <para>
/// <b>Not simulated:</b> loads that see a store of another thread that itself depends on them (out of thin air), values that different
/// threads see in a different order, and two threads' buffered stores to one place that leave in the other order than they are looked for.
/// Arm's processors of today do neither of the first two.
/// </para>
/// </remarks>
internal sealed class SimulatedMemory(MemoryOrder order, Choices choices, IReadOnlyList<ThreadMemory> threads)
{
    private const int MostPending = 8;            // arbitrary: a processor has some fifty

    private readonly Dictionary<(object, int), Place> _places = new(PlaceKeys.Instance);
    private long _now;

    /// <summary>Changes with each store.</summary>
    public long Progress { get; private set; }

    public Place Field<T>(StrongBox<T> field) => _places.TryGetValue((field, 0), out Place? place) ? place
        : _places[(field, 0)] = new FieldPlace<T>(field);

    public Place Item<T>(T[] items, int index) => _places.TryGetValue((items, index), out Place? place) ? place
        : _places[(items, index)] = new ItemPlace<T>(items, index);

    public object? Load(ThreadMemory thread, Place place, bool acquire)
    {
        if (thread.TryForward(place, out object? own))
        {
            return own;
        }

        LetOthersBeSeen(thread, place);
        IReadOnlyList<(long Since, object? Value)> versions = place.Versions;
        int newest = versions.Count - 1;
        int oldest = newest;
        long floor = thread.FloorOf(place);
        while (order == MemoryOrder.Arm && oldest > 0 && versions[oldest].Since > floor)
        {
            oldest--;
        }

        int seen = newest - choices.Choose(newest - oldest + 1, isSurprise: true);
        (long since, object? value) = seen == newest ? (versions[newest].Since, place.Load()) : versions[seen];
        thread.Saw(place, since, value, acquire);
        return value;
    }

    /// <summary>What the thread would load now, if all were seen that has left a buffer.</summary>
    public static object? Peek(ThreadMemory thread, Place place) => thread.TryForward(place, out object? own) ? own : place.Load();

    public void Store(ThreadMemory thread, Place place, object? value, bool release)
    {
        thread.Pending.Add(new PendingStore(place, value, release));
        Progress++;
        if (order == MemoryOrder.Sequential || thread.Pending.Count > MostPending)
        {
            Leave(thread, order == MemoryOrder.Sequential ? thread.Pending.Count - 1 : 0);
        }
    }

    /// <summary>Replaces what is there in one step, if it is what it should be.</summary>
    public object? Swap(ThreadMemory thread, Place place, Func<object?, bool> isExpected, object? value)
    {
        Fence(thread);
        LetOthersBeSeen(thread, place);
        object? old = place.Load();
        if (isExpected(old))
        {
            Arrive(thread, place, value);
        }

        thread.Floor = _now;

        return old;
    }

    /// <summary>A full barrier of one thread.</summary>
    public void Fence(ThreadMemory thread)
    {
        while (thread.Pending.Count > 0)
        {
            Leave(thread, 0);
        }

        thread.Floor = _now;
    }

    /// <summary>A full barrier of all: what one has stored, the next finds.</summary>
    public void FenceAll()
    {
        foreach (ThreadMemory thread in threads)
        {
            Fence(thread);
        }

        foreach (ThreadMemory thread in threads)
        {
            thread.Floor = _now;
        }
    }

    /// <summary>In the end every store is seen, and no load comes early.</summary>
    /// <returns>Whether that makes a difference.</returns>
    public bool Settle()
    {
        bool any = false;
        foreach (ThreadMemory thread in threads)
        {
            any |= thread.Pending.Count > 0 || thread.Floor < _now;
        }

        FenceAll();
        Progress += any ? 1 : 0;
        return any;
    }

    /// <summary>The schedule says how many of the others' stores to a place have been seen by now.</summary>
    private void LetOthersBeSeen(ThreadMemory thread, Place place)
    {
        int count = 0;
        foreach (ThreadMemory other in threads)
        {
            count += other == thread ? 0 : other.Pending.Count(store => store.Place == place);
        }

        int seen = count == 0 ? 0 : count - choices.Choose(count + 1, isSurprise: true);
        foreach (ThreadMemory other in threads)
        {
            while (seen > 0 && other != thread && other.Pending.FindIndex(store => store.Place == place) is >= 0 and int at)
            {
                Leave(other, at);
                seen--;
            }
        }
    }

    /// <summary>A store leaves, and before it whatever the order demands.</summary>
    private void Leave(ThreadMemory thread, int at)
    {
        List<PendingStore> pending = thread.Pending;
        var leaving = new List<PendingStore> { pending[at] };
        for (int i = at - 1; i >= 0; i--)
        {
            PendingStore earlier = pending[i];
            if (order != MemoryOrder.Arm || leaving.Exists(later => later.IsRelease || later.Place == earlier.Place))
            {
                leaving.Insert(0, earlier);
            }
        }

        foreach (PendingStore store in leaving)
        {
            _ = pending.Remove(store);
            Arrive(thread, store.Place, store.Value);
        }
    }

    private void Arrive(ThreadMemory thread, Place place, object? value)
    {
        place.Store(value, ++_now);
        Progress++;
        thread.Saw(place, _now, value, acquire: false);
    }

    private sealed class PlaceKeys : IEqualityComparer<(object Owner, int Index)>
    {
        public static readonly PlaceKeys Instance = new();

        public bool Equals((object Owner, int Index) x, (object Owner, int Index) y) =>
            ReferenceEquals(x.Owner, y.Owner) && x.Index == y.Index;

        public int GetHashCode((object Owner, int Index) key) => RuntimeHelpers.GetHashCode(key.Owner) + (31 * key.Index);
    }
}
