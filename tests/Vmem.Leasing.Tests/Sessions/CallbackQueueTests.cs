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
}
