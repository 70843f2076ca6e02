namespace Vmem.Memory.Heap.Debugging;

// What a sampler asks: here are the records of samples only, and their padded blocks are large blocks of the plain heap.
internal sealed partial class HeapDebugger
{
    /// <summary>True if a sample starts at an address, or the padded block of one does, which is no user's.</summary>
    public bool Holds(nuint address)
    {
        using (_gate.EnterScope())
        {
            return _live.ContainsKey(address) || _padded.IsSample(address);
        }
    }

    /// <summary>True if more is known of an address that is no block than the plain heap knows. O(samples).</summary>
    public bool Explains(nuint address)
    {
        using (_gate.EnterScope())
        {
            return !_ended && (_live.Values.Any(block => block.HoldsPadded(address)) || _quarantine.FindHolder(address) is not null);
        }
    }

    /// <summary>What is wrong with an address that is no block.</summary>
    public InvalidFreeException Refuse(nuint address, string verb) => WrongAddress(address, verb, Capture(AuditCall.Free));

    /// <summary>A sample, for which the one freed first leaves if there are too many. 0 if there can be none.</summary>
    /// <inheritdoc cref="Take"/>
    public nuint TakeSample(nuint size, nuint alignment, int most, out bool isZero)
    {
        isZero = false;
        using (_gate.EnterScope())
        {
            if (_live.Count + _quarantine.Count >= most && !TryLetLeave() && _unreported is null)
            {
                return 0;
            }
        }

        return Take(size, alignment, clear: false, out isZero);
    }

    /// <summary>Gives the place of all freed samples back, as far as they were not written. False if that was none.</summary>
    public bool TryForget()
    {
        using (_gate.EnterScope())
        {
            int before = _quarantine.Count;
            _ = !_ended && TryShrinkQuarantine(all: true);
            return _quarantine.Count < before;
        }
    }

    /// <summary>Makes the plain heap's figures those of its users, to whom a sample is one block.</summary>
    public void Correct(ref NativeHeapStatistics figures)
    {
        using (_gate.EnterScope())
        {
            long places = _live.Count + _quarantine.Count;
            nuint bytes = _livePadded + _quarantine.Bytes;
            figures = figures with
            {
                InUse = figures.InUse - nuint.Min(bytes, figures.InUse) + _liveBytes,
                LiveBlocks = Math.Max(figures.LiveBlocks - places, 0) + _live.Count,
                LargeBlocks = Math.Max(figures.LargeBlocks - places, 0) + _largeBlocks,
                Quarantined = _quarantine.Bytes,
            };
        }
    }
}
