using System.Diagnostics;
using Silk.NET.Vulkan;
using Vmem.Checks;
using Vmem.Vulkan.Calls;

namespace Vmem.Vulkan;

/// <summary>The frames that the device works on, by fence: what a frame uses must not be given to another before the device has done
/// it.</summary>
/// <remarks>
/// <para>
/// A frame here is one submission to a queue, whatever it does. The order is <see cref="Begin"/>, record, submit with the fence that it
/// gave, <see cref="End"/>. The fences belong to this object: do not reset them.
/// </para>
/// <para>
/// Frames must be complete in the order of their numbers, as they are on one queue. A frame that was begun and not submitted goes on: the
/// next <see cref="Begin"/> gives the same fence. One thread at a time may begin and end frames; all others may allocate, retire, collect
/// and wait meanwhile.
/// </para>
/// <para>
/// Vulkan wants nobody else at a fence that is reset or submitted; several threads may wait for it. So a fence is reset when the next frame
/// needs it, and then nobody waits for it any more: its frame is complete. Rejected: to reset it as its frame is seen to be done, and to
/// hold the gate in each wait for its sake. Whoever only wanted to collect then waited for the frame, too.
/// </para>
/// </remarks>
[DebuggerDisplay("frame {Current}, {Completed} done, {InFlight} in flight")]
public sealed unsafe class GpuFrames
{
    private readonly GpuDevice _device;
    private readonly Fence[] _fences;
    private readonly int[] _waiting;              // for each fence, how many threads wait; none comes once its frame is complete
    private readonly Gate _gate = new();
    private readonly List<Action<ulong>> _listeners = [];
    private ulong _current = 1;
    private ulong _begun;
    private ulong _completed;
    private bool _isDisposed;

    internal GpuFrames(GpuDevice device, int inFlight)
    {
        _device = device;
        _fences = new Fence[inFlight];
        _waiting = new int[inFlight];
        try
        {
            var info = new FenceCreateInfo { SType = StructureType.FenceCreateInfo };
            for (int i = 0; i < inFlight; i++)
            {
                Fence fence;
                VulkanException.Check(device.Vk.CreateFence(device.Handle, &info, device.Callbacks, &fence), "vkCreateFence");
                _fences[i] = fence;
            }
        }
        catch
        {
            DestroyFences();
            throw;
        }
    }

    /// <summary>How many frames may be under way at once.</summary>
    public int InFlight => _fences.Length;

    /// <summary>The number of the frame that is being recorded; the first is 1.</summary>
    public ulong Current => Volatile.Read(ref _current);

    /// <summary>The last frame that the device was seen to have done; 0: none.</summary>
    public ulong Completed => Volatile.Read(ref _completed);

    /// <summary>Waits until one more frame may be under way, ends the rests of all that are complete, and gives the fence to submit this
    /// one with.</summary>
    /// <returns>The fence, not signalled.</returns>
    /// <exception cref="VulkanException">The device is lost, or the driver failed; the frame has not begun.</exception>
    /// <exception cref="ObjectDisposedException">The memory was disposed of.</exception>
    public Fence Begin()
    {
        ulong current = Current;
        if (current > (ulong)InFlight)
        {
            _ = Wait(current - (ulong)InFlight, Timeout.InfiniteTimeSpan);
        }

        Collect();
        Fence fence = _fences[SlotOf(current)];
        if (_begun != current)
        {
            AwaitLast(SlotOf(current));
            VulkanException.Check(_device.Vk.ResetFences(_device.Handle, 1, &fence), "vkResetFences");
            _begun = current;
        }

        return fence;
    }

    /// <summary>The current frame was submitted with the fence that <see cref="Begin"/> gave; the next one is current. No thread may be
    /// at work on a <see cref="StagingSlice"/> meanwhile: it is this frame's.</summary>
    /// <exception cref="InvalidOperationException">The frame was not begun: no fence of it could be submitted.</exception>
    /// <exception cref="ObjectDisposedException">The memory was disposed of.</exception>
    public void End()
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        if (_begun != _current)
        {
            throw new InvalidOperationException($"Frame {_current} was not begun: call Begin, and submit with the fence that it gives.");
        }

        Volatile.Write(ref _current, _current + 1);
    }

    /// <summary>Ends the rests of all frames that the device has done. Does not wait.</summary>
    /// <exception cref="VulkanException">The device is lost. What it was not seen to have done goes on resting.</exception>
    /// <exception cref="ObjectDisposedException">The memory was disposed of.</exception>
    public void Collect()
    {
        using Gate.Scope scope = _gate.EnterScope();
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        ulong done = _completed;
        while (done + 1 < Current && IsDone(done + 1))
        {
            done++;
        }

        for (ulong frame = _completed + 1; frame <= done; frame++)
        {
            Volatile.Write(ref _completed, frame);
            foreach (Action<ulong> listener in _listeners)
            {
                listener(frame);
            }
        }
    }

    /// <summary>Waits until the device has done a frame, and ends the rests of that and all before.</summary>
    /// <param name="frame">A frame that was submitted.</param>
    /// <param name="timeout">How long at most; <see cref="Timeout.InfiniteTimeSpan"/>: for ever.</param>
    /// <returns>False if the time was over first.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The frame was not submitted yet, or the time is below zero.</exception>
    /// <exception cref="VulkanException">The device is lost.</exception>
    /// <exception cref="ObjectDisposedException">The memory was disposed of.</exception>
    public bool Wait(ulong frame, TimeSpan timeout)
    {
        bool isForEver = timeout == Timeout.InfiniteTimeSpan;
        ArgumentOutOfRangeException.ThrowIfLessThan(isForEver ? TimeSpan.Zero : timeout, TimeSpan.Zero, nameof(timeout));
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(frame, Current);
        if (TryEnter(frame) && !WaitEntered(frame, isForEver ? ulong.MaxValue : ulong.CreateSaturating(timeout.TotalNanoseconds)))
        {
            return false;
        }

        Collect();
        return true;
    }

    /// <summary>Waits until the device has done all frames that were submitted.</summary>
    /// <exception cref="VulkanException">The device is lost.</exception>
    /// <exception cref="ObjectDisposedException">The memory was disposed of.</exception>
    public void WaitIdle() => _ = Wait(Current - 1, Timeout.InfiniteTimeSpan);

    internal void Destroy()
    {
        using Gate.Scope scope = _gate.EnterScope();
        if (!_isDisposed)
        {
            _isDisposed = true;                   // nobody begins to wait any more
            for (int slot = 0; slot < InFlight; slot++)
            {
                AwaitLast(slot);
            }

            DestroyFences();
        }
    }

    /// <summary>From now on, <paramref name="completed"/> hears of every frame that is complete, in order, and must not throw.</summary>
    internal void Listen(Action<ulong> completed)
    {
        using Gate.Scope scope = _gate.EnterScope();
        _listeners.Add(completed);
    }

    internal void StopListening(Action<ulong> completed)
    {
        using Gate.Scope scope = _gate.EnterScope();
        _ = _listeners.Remove(completed);
    }

    private int SlotOf(ulong frame) => (int)(frame % (ulong)InFlight);

    private bool IsDone(ulong frame)
    {
        Result result = _device.Vk.GetFenceStatus(_device.Handle, _fences[SlotOf(frame)]);
        VulkanException.Check(result, "vkGetFenceStatus");
        return result == Result.Success;
    }

    // One more waits for the fence of a frame; not if the frame is complete, as then the fence may be reset.
    private bool TryEnter(ulong frame)
    {
        using Gate.Scope scope = _gate.EnterScope();
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        bool isOpen = frame > _completed;
        if (isOpen)
        {
            _ = Interlocked.Increment(ref _waiting[SlotOf(frame)]);
        }

        return isOpen;
    }

    private bool WaitEntered(ulong frame, ulong nanoseconds)
    {
        try
        {
            Fence fence = _fences[SlotOf(frame)];
            Result result = _device.Vk.WaitForFences(_device.Handle, 1, &fence, true, nanoseconds);
            VulkanException.Check(result, "vkWaitForFences");
            return result != Result.Timeout;
        }
        finally
        {
            _ = Interlocked.Decrement(ref _waiting[SlotOf(frame)]);
        }
    }

    // The fence is signalled, or will be soon: those who wait for it are about to leave.
    private void AwaitLast(int slot)
    {
        using var spin = new Spin();
        while (Volatile.Read(ref _waiting[slot]) > 0)
        {
            spin.Pause();
        }
    }

    private void DestroyFences()
    {
        foreach (Fence fence in _fences)
        {
            _device.Vk.DestroyFence(_device.Handle, fence, _device.Callbacks);
        }
    }
}
