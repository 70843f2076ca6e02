using Vmem.Memory.Tests.Window;
using Vmem.Memory.Window;
using Xunit;

namespace Vmem.Memory.Tests.Growth;

/// <summary>How often a cache line changes hands that nobody means to share: blocks of several threads lie side by side in a slab, and so
/// do the bytes that say which of them are live.</summary>
/// <remarks>Threads work in turns, a hundred operations each, over address space of their own, so that the count is the same on any machine
/// and whatever other tests have left. A line counts as changed hands when its last writer was another thread.</remarks>
public sealed unsafe class LineOwnerTests(ITestOutputHelper output) : IDisposable
{
    private const int LineShift = 6;
    private const int Live = 10_000;
    private const int Turn = 100;
    private const int Turns = 300;                // of each thread; the first half are not counted

    // No interval ends while it is counted: what goes back then comes again elsewhere.
    private static readonly NativeHeapOptions s_options =
        new() { Debugging = HeapDebugging.None, RetainedInterval = TimeSpan.FromHours(1) };

    private readonly OwnWindow _window = new();
    private readonly Dictionary<nuint, int> _owners = [];
    private long _operations;
    private long _states;
    private long _data;
    private Exception? _fault;

    public void Dispose() => _window.Dispose();

    /// <summary>The mix: 10,000 live blocks a thread of 8 to 512 bytes, replaced at random.</summary>
    [Theory]
    [InlineData(2, 0.032, 0.0005)]
    [InlineData(16, 0.038, 0.002)]
    public void Lines_of_neighbours_change_hands_for_a_small_share_of_operations(int threads, double mostStates, double mostData)
    {
        NativeHeap heap = _window.NewHeap(s_options);
        using Barrier barrier = new(threads);
        Thread[] workers = [.. Enumerable.Range(0, threads).Select(number => new Thread(() => Attend(number, threads, heap, barrier)))];
        Array.ForEach(workers, static worker => worker.Start());
        Array.ForEach(workers, static worker => worker.Join());
        Assert.Null(_fault);
        double states = (double)_states / _operations;
        double data = (double)_data / _operations;
        output.WriteLine($"{threads} threads: a line of states changes hands {states:0.0000} times an operation, one of blocks {data:0.0000}");
        Assert.InRange(states, 0.005, mostStates);
        Assert.InRange(data, 0, mostData);
    }

    private void Attend(int number, int threads, NativeHeap heap, Barrier barrier)
    {
        try
        {
            Work(number, threads, heap, barrier);
        }
        catch (Exception e)
        {
            _fault = e;
            barrier.RemoveParticipant();
        }
    }

    private void Work(int number, int threads, NativeHeap heap, Barrier barrier)
    {
        Random random = new(number);
        var blocks = new (nuint Start, int Size)[Live];
        for (int turn = 0; turn < Turns * threads; turn++)
        {
            barrier.SignalAndWait(TestContext.Current.CancellationToken);
            if (turn % threads != number)
            {
                continue;
            }

            bool counts = turn >= Turns * threads / 2;
            int operations = turn < threads ? Live : Turn;
            for (int i = 0; i < operations; i++)
            {
                ref (nuint Start, int Size) block = ref blocks[turn < threads ? i : random.Next(Live)];
                if (block.Start != 0)
                {
                    Note(heap, block, number, counts);
                    heap.Free((void*)block.Start);
                }

                block.Size = random.Next(8, 513);
                block.Start = (nuint)heap.Allocate((nuint)block.Size);
                Note(heap, block, number, counts);
            }
        }
    }

    /// <summary>An operation has written the block's state, and its user the block's first word.</summary>
    private void Note(NativeHeap heap, (nuint Start, int Size) block, int thread, bool counts)
    {
        AddressWindow window = _window.Window;
        int shift = BlockStates.ShiftFor((int)heap.GetSize((void*)block.Start));
        nuint state = (nuint)window.States.Table + (((block.Start - window.Start >> BlockStates.GrainShift) + window.States.Bias) >> shift);
        bool stateMoved = Write(state >> LineShift, thread);
        bool dataMoved = Write(block.Start >> LineShift, thread);
        if (counts)
        {
            _operations++;
            _states += stateMoved ? 1 : 0;
            _data += dataMoved ? 1 : 0;
        }
    }

    private bool Write(nuint line, int thread)
    {
        bool isOthers = _owners.TryGetValue(line, out int owner) && owner != thread;
        _owners[line] = thread;
        return isOthers;
    }
}
