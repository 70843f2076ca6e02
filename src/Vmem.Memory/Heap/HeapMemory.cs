using System.Buffers;

namespace Vmem.Memory.Heap;

/// <summary>A block of a heap behind <see cref="Memory{T}"/>, for one renter; a pool derives one for many in turn.</summary>
/// <remarks>
/// <b>State.</b> One word: whether it is rented, and how often it is pinned. Whoever brings it to zero, the renter by disposing of it or
/// the last pin by its end, frees the block: once, whoever calls what how often and on which thread. So a block that is pinned when its
/// owner is disposed of stays until the last pin is gone: the system may be writing to it. Every look at the memory asks the word and the
/// heap first. Rejected: an exception, as aspnetcore's diagnostic pool has it; a connection is often aborted while it is being read from.
/// </remarks>
internal unsafe class HeapMemory<T>(NativeHeap heap) : MemoryManager<T>, IMemoryOwner<T>
    where T : unmanaged
{
    private const int Rented = 1;
    private const int Pin1 = 2;

    private T* _block;
    private int _length;
    private IDisposable? _witness;                // null: it is not tracked
    private int _state;

    /// <inheritdoc/>
    public override Memory<T> Memory
    {
        get
        {
            ThrowIfGone();
            return CreateMemory(_length);
        }
    }

    /// <summary>It is rented from now on.</summary>
    public void Begin(void* block, int length, IDisposable? witness = null)
    {
        _block = (T*)block;
        _length = length;
        _witness = witness;
        Volatile.Write(ref _state, Rented);
    }

    public override Span<T> GetSpan()
    {
        ThrowIfGone();
        return new Span<T>(_block, _length);
    }

    public override MemoryHandle Pin(int elementIndex = 0)
    {
        int state = Volatile.Read(ref _state);
        while (true)
        {
            ThrowIfGone(state);
            ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)elementIndex, (uint)_length, nameof(elementIndex));
            int seen = Interlocked.CompareExchange(ref _state, state + Pin1, state);
            if (seen == state)
            {
                return new MemoryHandle(_block + elementIndex, pinnable: this);
            }

            state = seen;
        }
    }

    /// <exception cref="InvalidOperationException">It is not pinned: a handle's copy was disposed of, too.</exception>
    public override void Unpin()
    {
        int state = Volatile.Read(ref _state);
        while (true)
        {
            if (state < Pin1)
            {
                throw new InvalidOperationException("The memory is not pinned: more pins have ended than were made.");
            }

            int seen = Interlocked.CompareExchange(ref _state, state - Pin1, state);
            if (seen == state)
            {
                break;
            }

            state = seen;
        }

        if (state == Pin1)
        {
            End();
        }
    }

    /// <summary>Whether the contents are zeroed before the block is freed.</summary>
    protected virtual bool ClearsAtEnd => false;

    /// <summary>Implemented anew: the base's goes on to the collector, which has nothing to do here.</summary>
    void IDisposable.Dispose() => Dispose(disposing: true);

    /// <summary>A rental has ended, and its block is free.</summary>
    protected virtual void NoteEnd()
    {
    }

    /// <summary>It was disposed of and is not rented.</summary>
    protected virtual void NoteDoubleDispose()
    {
    }

    protected override void Dispose(bool disposing)
    {
        int before = Interlocked.And(ref _state, ~Rented);
        if (before == Rented)
        {
            End();
        }
        else if ((before & Rented) == 0)
        {
            NoteDoubleDispose();
        }
    }

    /// <summary>Nobody uses the block any more. If the heap refuses it, because its debugging found it overrun, it is rented as before,
    /// and empty if it is cleared at its end.</summary>
    private void End()
    {
        try
        {
            if (!heap.IsDisposed)
            {
                if (ClearsAtEnd)
                {
                    new Span<T>(_block, _length).Clear();
                }

                heap.Free(_block);
            }
        }
        catch (ObjectDisposedException)
        {
            // The heap went meanwhile, and the block with it.
        }
        catch (InvalidFreeException e) when (e.Reason == InvalidFreeReason.Corrupted)
        {
            Volatile.Write(ref _state, Rented);
            throw;
        }
        catch
        {
            Leave();                              // it may be free already: to try again could free it twice
            throw;
        }

        Leave();
    }

    private void Leave()
    {
        _block = null;
        _length = 0;
        _witness?.Dispose();
        _witness = null;
        NoteEnd();
    }

    private void ThrowIfGone() => ThrowIfGone(Volatile.Read(ref _state));

    private void ThrowIfGone(int state)
    {
        ObjectDisposedException.ThrowIf((state & Rented) == 0, this);
        ObjectDisposedException.ThrowIf(heap.IsDisposed, heap);
    }
}
