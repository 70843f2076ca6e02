using System.Collections.Concurrent;
using Xunit;

namespace Vmem.Memory.Tests.Isolation.Concurrency;

/// <summary>Runs several threads at once and hands over whatever went wrong in one.</summary>
internal static class Workers
{
    /// <summary>All start together.</summary>
    public static void Run(int count, Action<int> work) => Run(count, work, () => { });

    /// <summary><paramref name="watch"/> is called again and again until all are done.</summary>
    public static void Run(int count, Action<int> work, Action watch)
    {
        ConcurrentQueue<Exception> failures = [];
        using Barrier start = new(count + 1);
        int running = count;
        Thread[] threads =
        [
            .. Enumerable.Range(0, count).Select(index => new Thread(() => Guard(failures, start, () =>
            {
                try
                {
                    work(index);
                }
                finally
                {
                    Interlocked.Decrement(ref running);
                }
            }))),
            new Thread(() => Guard(failures, start, () =>
            {
                while (Volatile.Read(ref running) > 0)
                {
                    watch();
                    Thread.Yield();
                }
            })),
        ];
        Array.ForEach(threads, thread => thread.Start());
        Array.ForEach(threads, thread => thread.Join());
        Assert.Empty(failures);
    }

    private static void Guard(ConcurrentQueue<Exception> failures, Barrier start, Action work)
    {
        try
        {
            start.SignalAndWait();
            work();
        }
#pragma warning disable CA1031 // A thread of a test hands over whatever went wrong.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            failures.Enqueue(failure);
        }
    }
}
