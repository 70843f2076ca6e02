using System.Buffers;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using Vmem.Memory.Pools;

namespace Vmem.Memory;

/// <summary>Bytes written one after the other into blocks of a heap, which are chained and not copied when there are more.</summary>
/// <remarks>
/// <para>
/// Each new block is twice as long as the one before, up to <see cref="LargestGrowth"/>: n bytes take O(log n) blocks as long as they are
/// few, and less than that is unused at the end. What a block has left when more is asked for in one piece stays unused, too.
/// </para>
/// <para>
/// <see cref="Reset"/> keeps blocks, up to a bound, so that a writer that serves one message after the other makes no
/// garbage; <see cref="Clear"/> gives them back. Memory and sequences of what was written before either must not be used thereafter: they
/// show what is written next, or throw. A block that is pinned when it is given back stays until it no longer is.
/// </para>
/// <para>For one thread at a time. A writer that is dropped without <see cref="Dispose"/> leaves its blocks to the heap until that is
/// disposed of.</para>
/// <para>Rejected: one block that is reallocated, as <see cref="ArrayBufferWriter{T}"/> has it. It copies, and what was given out
/// moves.</para>
/// </remarks>
[DebuggerDisplay("{WrittenCount} bytes written")]
public sealed unsafe class NativeBufferWriter : IBufferWriter<byte>, IDisposable
{
    /// <summary>Blocks do not grow beyond this, unless more is asked for in one piece. Arbitrary: 1 MiB.</summary>
    public const int LargestGrowth = 1 << 20;

    /// <summary>How many bytes <see cref="Reset"/> keeps by default: 4 MiB. One long message among many short ones must not be kept for
    /// ever.</summary>
    public const long MostKeptByDefault = 4L << 20;

    private readonly NativeHeap _heap;
    private readonly int _blockSize;
    private readonly long _mostKept;
    private readonly List<WriterBlock> _spare = [];       // with room for all blocks, so that beginning anew needs no memory
    private WriterBlock? _first;
    private WriterBlock? _beforeLast;
    private WriterBlock? _last;
    private byte* _next;                          // in the last block
    private int _room;                            // from there on
    private int _growth;                          // how long the next new block is
    private int _blocks;                          // written to and spare
    private bool _disposed;

    /// <summary>A writer that holds nothing yet.</summary>
    /// <param name="heap">Where the blocks come from; stays the caller's to dispose of.</param>
    /// <param name="blockSize">The size of the first block, in bytes.</param>
    /// <param name="mostKept">The most bytes that <see cref="Reset"/> keeps for what is written next.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="blockSize"/> is less than 1, or <paramref name="mostKept"/> is
    /// negative.</exception>
    public NativeBufferWriter(NativeHeap heap, int blockSize = 4096, long mostKept = MostKeptByDefault)
    {
        ArgumentNullException.ThrowIfNull(heap);
        ArgumentOutOfRangeException.ThrowIfLessThan(blockSize, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(mostKept);
        _heap = heap;
        _blockSize = blockSize;
        _mostKept = mostKept;
        _growth = blockSize;
    }

    /// <summary>How many bytes have been written. O(1).</summary>
    public long WrittenCount => _last is null ? 0 : _last.RunningIndex + WrittenInLast;

    /// <summary>What has been written, where it lies: valid until <see cref="Reset"/>, <see cref="Clear"/> or <see cref="Dispose"/>, also
    /// while more is written. O(1).</summary>
    /// <exception cref="ObjectDisposedException">The writer has been disposed of.</exception>
    public ReadOnlySequence<byte> WrittenSequence
    {
        get
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (_last is null)
            {
                return ReadOnlySequence<byte>.Empty;
            }

            // An empty last block may yet be replaced by a longer one.
            return WrittenInLast == 0 && _beforeLast is not null
                ? new ReadOnlySequence<byte>(_first!, 0, _beforeLast, _beforeLast.Memory.Length)
                : new ReadOnlySequence<byte>(_first!, 0, _last, WrittenInLast);
        }
    }

    private int WrittenInLast => _last is null ? 0 : _last.Length - _room;

    /// <inheritdoc/>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="count"/> is negative.</exception>
    /// <exception cref="InvalidOperationException">It is more than the last memory or span had; nothing has changed.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Advance(int count)
    {
        if ((uint)count > (uint)_room)
        {
            throw TooFar(count);
        }

        _next += count;
        _room -= count;
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="sizeHint"/> is negative.</exception>
    /// <exception cref="OutOfMemoryException">The heap has no room; nothing has changed.</exception>
    /// <exception cref="ObjectDisposedException">The writer has been disposed of, or the heap.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Span<byte> GetSpan(int sizeHint = 0)
    {
        if ((uint)sizeHint > (uint)_room || _room == 0 || _heap.IsDisposed)
        {
            MakeRoom(sizeHint);
        }

        return new Span<byte>(_next, _room);
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="sizeHint"/> is negative.</exception>
    /// <exception cref="OutOfMemoryException">The heap has no room; nothing has changed.</exception>
    /// <exception cref="ObjectDisposedException">The writer has been disposed of, or the heap.</exception>
    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        MakeRoom(sizeHint);
        return _last!.Whole[WrittenInLast..];
    }

    /// <summary>Copies what has been written.</summary>
    /// <exception cref="ArgumentException">The destination is shorter than <see cref="WrittenCount"/>.</exception>
    /// <exception cref="ObjectDisposedException">The writer has been disposed of, or the heap.</exception>
    public void CopyTo(Span<byte> destination)
    {
        if (destination.Length < WrittenCount)
        {
            throw new ArgumentException($"{WrittenCount} bytes do not fit into {destination.Length}.", nameof(destination));
        }

        WrittenSequence.CopyTo(destination);
    }

    /// <summary>Writes what has been written to another writer.</summary>
    /// <exception cref="ObjectDisposedException">The writer has been disposed of, or the heap.</exception>
    public void CopyTo(IBufferWriter<byte> destination)
    {
        ArgumentNullException.ThrowIfNull(destination);
        foreach (ReadOnlyMemory<byte> part in WrittenSequence)
        {
            destination.Write(part.Span);
        }
    }

    /// <summary>Writes what has been written to a stream.</summary>
    /// <exception cref="ObjectDisposedException">The writer has been disposed of, or the heap.</exception>
    public void CopyTo(Stream destination)
    {
        ArgumentNullException.ThrowIfNull(destination);
        foreach (ReadOnlyMemory<byte> part in WrittenSequence)
        {
            destination.Write(part.Span);
        }
    }

    /// <summary>Begins anew, and keeps blocks for what is written next, as many as the bound allows; what is beyond goes back to the heap.
    /// O(blocks).</summary>
    /// <exception cref="InvalidFreeException">The heap has debugging, and a block was written before its start or behind its end. It is
    /// kept; the others were given back.</exception>
    /// <exception cref="ObjectDisposedException">The writer has been disposed of.</exception>
    public void Reset() => BeginAnew(_mostKept);

    /// <summary>Begins anew, and gives the blocks back to the heap. O(blocks).</summary>
    /// <exception cref="InvalidFreeException">The heap has debugging, and a block was written before its start or behind its end. It is
    /// kept; the others were given back.</exception>
    /// <exception cref="ObjectDisposedException">The writer has been disposed of.</exception>
    public void Clear() => BeginAnew(kept: 0);

    /// <summary>Gives all blocks back to the heap, unless that is gone. Idempotent. O(blocks).</summary>
    /// <exception cref="InvalidFreeException">The heap has debugging, and a block was written before its start or behind its end. It is
    /// kept, and so is the writer; the others were given back.</exception>
    public void Dispose()
    {
        if (!_disposed)
        {
            Clear();
            _disposed = true;
        }
    }

    private void BeginAnew(long kept)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        for (WriterBlock? block = _first; block is not null; block = block.Following)
        {
            _spare.Add(block);
        }

        (_first, _beforeLast, _last) = (null, null, null);
        _next = null;
        _room = 0;
        long total = 0;
        for (int i = 0; i < _spare.Count; i++)
        {
            total += _spare[i].Length;
        }

        if (total > kept)
        {
            _growth = (int)Math.Clamp(kept, _blockSize, Math.Max(LargestGrowth, _blockSize));
            GiveBack(kept);
        }
    }

    /// <summary>Blocks go to the heap; as many as the bound allows stay.</summary>
    private void GiveBack(long kept)
    {
        ExceptionDispatchInfo? failure = null;
        _blocks -= _spare.RemoveAll(block =>
        {
            if (block.Length <= kept)
            {
                kept -= block.Length;
                return false;
            }

            try
            {
                block.Dispose();
                return true;
            }
            catch (Exception e)
            {
                failure ??= ExceptionDispatchInfo.Capture(e);
                return false;
            }
        });
        failure?.Throw();
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void MakeRoom(int sizeHint)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        ObjectDisposedException.ThrowIf(_heap.IsDisposed, _heap);
        ArgumentOutOfRangeException.ThrowIfNegative(sizeHint);
        if (_room >= Math.Max(sizeHint, 1))
        {
            return;
        }

        WriterBlock? last = _last;
        WriterBlock block = TakeSpare(sizeHint) ?? NewBlock(sizeHint);
        if (last is not null && WrittenInLast == 0)
        {
            _spare.Add(last);                     // too short for what is wanted, and empty: it makes way
            last = _beforeLast;
        }

        if (last is null)
        {
            block.BeginAt(0);
            _first = block;
        }
        else
        {
            last.EndAt(last == _last ? WrittenInLast : last.Memory.Length, block);
        }

        (_beforeLast, _last) = (last, block);
        _next = block.Start;
        _room = block.Length;
    }

    /// <summary>The spare block that was used first, of those that are long enough.</summary>
    private WriterBlock? TakeSpare(int sizeHint)
    {
        for (int i = 0; i < _spare.Count; i++)
        {
            WriterBlock spare = _spare[i];
            if (spare.Length >= sizeHint)
            {
                _spare.RemoveAt(i);
                return spare;
            }
        }

        return null;
    }

    private WriterBlock NewBlock(int sizeHint)
    {
        _ = _spare.EnsureCapacity(_blocks + 1);
        var block = new WriterBlock(_heap, Math.Max(sizeHint, _growth));
        _blocks++;
        _growth = Math.Max(_growth, Math.Min(LargestGrowth, 2 * _growth));
        return block;
    }

    private Exception TooFar(int count) => count < 0
        ? new ArgumentOutOfRangeException(nameof(count), count, "Nothing can be taken back.")
        : new InvalidOperationException($"{count} bytes cannot have been written: there was room for {_room}.");
}
