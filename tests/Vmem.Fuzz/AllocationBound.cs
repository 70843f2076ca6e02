namespace Vmem.Fuzz;

/// <summary>
/// Holds a reader to a memory bound that is linear in its input. It counts the bytes that this thread allocates, which are at least those
/// that it keeps at any moment, and are the same in every run. Rejected: looking at the process's memory, which depends on when the
/// collector runs.
/// </summary>
internal readonly struct AllocationBound
{
    private readonly long _most;
    private readonly long _before;

    private AllocationBound(long most)
    {
        _most = most;
        _before = GC.GetAllocatedBytesForCurrentThread();
    }

    /// <param name="fixedBytes">Allowed for an empty input: buffers, tables.</param>
    /// <param name="perByte">Allowed besides for each byte of input.</param>
    /// <param name="inputBytes">The input's length.</param>
    public static AllocationBound Begin(long fixedBytes, long perByte, long inputBytes) => new(fixedBytes + (perByte * inputBytes));

    /// <exception cref="FindingException">More was allocated since <see cref="Begin"/>.</exception>
    public void Check(string reader)
    {
        long allocated = GC.GetAllocatedBytesForCurrentThread() - _before;
        if (allocated > _most)
        {
            throw new FindingException($"{reader} allocated {allocated} bytes, and {_most} are allowed for an input of this length.");
        }
    }
}
