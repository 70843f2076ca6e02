using Vmem.Leasing.Sessions;

namespace Vmem.Leasing.Tests.Sessions;

/// <summary>Handlers on the pool, one after the other.</summary>
public sealed class CallbackQueueTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Handlers_run_in_order_and_a_fault_of_one_keeps_no_other_from_it()
    {
        List<string> faults = [];
        CallbackQueue queue = new(fault => faults.Add(fault.Message));
        for (int round = 0; round < 3; round++)                // each time it has nothing left in between
        {
            List<int> called = [];
            TaskCompletionSource done = new();
            using SemaphoreSlim begin = new(0);
            queue.Add(() => begin.Wait(Token));
            queue.Add(() => called.Add(1));
            queue.Add(() => throw new IOException("broken"));
            queue.Add(() => called.Add(2));
            queue.Add(done.SetResult);
            Assert.Empty(called);
            begin.Release();
            await done.Task.WaitAsync(Token);
            Assert.Equal([1, 2], called);
            Assert.Equal(round + 1, faults.Count);
        }
    }

    /// <summary>They are added faster than a thread of the pool takes the first.</summary>
    [Fact]
    public async Task Handlers_never_run_side_by_side()
    {
        int running = 0;
        int most = 0;
        for (int round = 0; round < 200; round++)
        {
            CallbackQueue queue = new(static _ => { });
            TaskCompletionSource done = new();
            for (int i = 0; i < 20; i++)
            {
                queue.Add(() =>
                {
                    most = Math.Max(most, Interlocked.Increment(ref running));
                    Thread.SpinWait(50);
                    Interlocked.Decrement(ref running);
                });
            }

            queue.Add(done.SetResult);
            await done.Task.WaitAsync(Token);
        }

        Assert.Equal(1, most);
    }
}
