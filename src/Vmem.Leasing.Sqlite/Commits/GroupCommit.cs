using System.Collections.Concurrent;
using System.Diagnostics;

namespace Vmem.Leasing.Sqlite.Commits;

/// <summary>Runs all operations that wait, together: one transaction, one flush of the disk.</summary>
/// <remarks>
/// <para>
/// Whoever comes first starts a work item. It takes what has queued up, has it run and committed, and puts itself at the end of the pool's
/// queue again. So those who were answered, and ask again, are in the next group: a flush is shared by all who wait, and one who is alone
/// waits for one flush. No thread is kept.
/// </para>
/// <para>
/// Those who were answered together ask again one after the other, and the first of them would have a flush of their own. So as long as
/// fewer wait than were answered last, it looks again, some microseconds long in all. Who is alone is never looked for. A pool that is
/// busy, so that a single look takes longer than all of them should, is looked into no more: a renewal must not wait for many turns of it.
/// </para>
/// <para>
/// Rejected: to wait for a set time for more to come. A timer is a thousand times coarser than what the many need, and costs the lonely one
/// that time.
/// </para>
/// </remarks>
/// <param name="file">Runs a group, and answers each.</param>
internal sealed class GroupCommit(LeaseFile file) : IThreadPoolWorkItem
{
    // A transaction of that many grants takes about 10 ms: other processes wait for it. Arbitrary.
    private const int LargestGroup = 512;

    // How often it looks in vain for more to come: about as long as a client takes to ask again. Arbitrary.
    private const int LooksInVain = 32;

    // Above this a look waited for other work in the pool. Arbitrary: as long as all looks take in a pool that is idle.
    private static readonly TimeSpan s_longestLook = TimeSpan.FromMicroseconds(200);

    private readonly ConcurrentQueue<Operation> _waiting = new();
    private readonly List<Operation> _group = new(LargestGroup);           // none is lost for want of memory
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile bool _isEnding;
    private int _isScheduled;
    private int _answered;                                 // in the last group
    private int _seen;                                     // waiting, at the last look
    private int _vain;                                     // looks since more came
    private long _lookedAt;                                // a time stamp; 0: not in this group

    /// <summary>How many groups were run.</summary>
    public long Groups { get; private set; }

    public Task<TResult> RunAsync<TResult>(Operation<TResult> operation)
    {
        ObjectDisposedException.ThrowIf(_isEnding, file);
        _waiting.Enqueue(operation);
        Schedule();
        return operation.Done;
    }

    /// <summary>Answers all that wait, then closes the file.</summary>
    public Task EndAsync()
    {
        _isEnding = true;
        Schedule();
        return _ended.Task;
    }

    void IThreadPoolWorkItem.Execute()
    {
        bool isEnding = _isEnding;                         // before the queue is looked at
        if (!isEnding && MayGrow() && TryQueue())
        {
            return;
        }

        while (_group.Count < LargestGroup && _waiting.TryDequeue(out Operation? operation))
        {
            if (operation.IsCancelled)
            {
                operation.Cancel();
            }
            else
            {
                _group.Add(operation);
            }
        }

        if (_group.Count > 0)
        {
            Groups++;
            _answered = _group.Count;
            Run();
        }

        if (isEnding && _waiting.IsEmpty && !_ended.Task.IsCompleted)
        {
            Close();
        }

        Volatile.Write(ref _isScheduled, 0);
        Interlocked.MemoryBarrier();                       // who comes now sees 0, or is seen here
        if ((!_waiting.IsEmpty || (_isEnding && !_ended.Task.IsCompleted)) && Interlocked.Exchange(ref _isScheduled, 1) == 0 && !TryQueue())
        {
            Volatile.Write(ref _isScheduled, 0);           // whoever comes next tries again
        }
    }

    /// <summary>An exception out of a work item would end the process.</summary>
    private void Run()
    {
        try
        {
            file.Run(_group);
        }
        catch (Exception fault)
        {
            foreach (Operation operation in _group)
            {
                operation.Fail(fault);
            }
        }

        _group.Clear();
    }

    private void Close()
    {
        try
        {
            file.Close();
            _ended.SetResult();
        }
        catch (Exception fault)
        {
            _ended.SetException(fault);
        }
    }

    private bool TryQueue()
    {
        try
        {
            return ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        }
        catch (OutOfMemoryException)
        {
            return false;
        }
    }

    /// <summary>Whether some of those who were answered last may be about to ask again.</summary>
    private bool MayGrow()
    {
        int waiting = _waiting.Count;
        long now = Stopwatch.GetTimestamp();
        bool isBusy = _lookedAt != 0 && Stopwatch.GetElapsedTime(_lookedAt, now) > s_longestLook;
        _vain = waiting > _seen ? 0 : _vain + 1;
        _seen = waiting;
        if (waiting < _answered && _vain < LooksInVain && !isBusy)
        {
            _lookedAt = now;
            return true;
        }

        (_answered, _seen, _vain, _lookedAt) = (0, 0, 0, 0);
        return false;
    }

    private void Schedule()
    {
        if (Interlocked.Exchange(ref _isScheduled, 1) != 0)
        {
            return;
        }

        try
        {
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        }
        catch
        {
            Volatile.Write(ref _isScheduled, 0);           // the pool has no memory for it: the next caller tries again
            throw;
        }
    }
}
