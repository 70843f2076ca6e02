using System.Runtime.CompilerServices;
using Vmem.Checks;

namespace Vmem.Caching;

/// <summary>A cache's stock of magazines, full and empty. Not safe for threads: the cache's gate is.</summary>
/// <remarks>
/// <para>
/// Full magazines are never filled here on request; they come from threads whose frees filled them (the paper, §3.3). What comes in less
/// than full, because a thread has ended or gone idle, is poured into one <em>partial</em> magazine, so that nothing is lost with a thread,
/// and the lists stay uniform.
/// </para>
/// <para>Lists are stacks: the magazine that came last is the one most likely still in a processor's cache.</para>
/// </remarks>
internal sealed class Depot<TItem>
{
    private readonly Stack<Magazine<TItem>> _full = new();
    private readonly Stack<Magazine<TItem>> _empty = new();
    private WorkingSet _fullSet;
    private WorkingSet _emptySet;
    private Magazine<TItem> _partial = Magazine<TItem>.None;
    private bool _partialUsed;                    // in this interval
    private long _fullRounds;

    /// <summary>Items in all magazines here.</summary>
    public long Rounds => _fullRounds + _partial.Rounds;

    /// <summary>Whether any magazine is here. Of some moment, without the gate.</summary>
    public bool HoldsAnything => _full.Count + _empty.Count + _partial.Rounds > 0;

    public int FullMagazines => _full.Count;

    public int EmptyMagazines => _empty.Count;

    /// <summary>A full magazine, or the partial one if there is no full one.</summary>
    public bool TryTakeFull(out Magazine<TItem> magazine)
    {
        if (_full.TryPop(out magazine))
        {
            _fullRounds -= magazine.Rounds;
            _fullSet.Note(_full.Count);
            Invariant.Assert(magazine.IsFull && magazine.Rounds > 0 && _fullRounds >= 0, "what comes out of the full list is full");
            return true;
        }

        magazine = _partial;
        _partial = Magazine<TItem>.None;
        _partialUsed = true;
        return magazine.Rounds > 0;
    }

    /// <summary>Makes sure that so many magazines can be put here without memory. Throws <see cref="OutOfMemoryException"/>, having changed
    /// nothing.</summary>
    public void Reserve(int magazines)
    {
        GrowthFault.ThrowIfDue();
        _ = _full.EnsureCapacity(_full.Count + magazines);
        _ = _empty.EnsureCapacity(_empty.Count + magazines);
    }

    public void PutFull(Magazine<TItem> magazine)
    {
        Invariant.Assert(magazine.IsFull && magazine.Rounds > 0, "what goes into the full list is full");
        _full.Push(magazine);
        _fullRounds += magazine.Rounds;
    }

    /// <summary>An empty magazine of this capacity; those of another, of which no more are made, are dropped.</summary>
    public bool TryTakeEmpty(int capacity, out Magazine<TItem> magazine)
    {
        while (_empty.TryPop(out magazine))
        {
            _emptySet.Note(_empty.Count);
            Invariant.Assert(magazine.Rounds == 0, "what comes out of the empty list is empty");
            if (magazine.Items.Length == capacity)
            {
                return true;
            }
        }

        magazine = Magazine<TItem>.None;
        return false;
    }

    /// <summary>Keeps an empty magazine, unless no more of its capacity are made.</summary>
    public void PutEmpty(Magazine<TItem> magazine, int capacity)
    {
        Invariant.Assert(magazine.Rounds == 0, "what goes into the empty list is empty");
        if (magazine.Items.Length == capacity)
        {
            _empty.Push(magazine);
        }
    }

    /// <summary>Takes over a magazine, however full it is. The partial magazine is filled up from it, or takes its place. Needs
    /// <see cref="Reserve"/> before.</summary>
    public void Pour(Magazine<TItem> magazine, int capacity)
    {
        long expected = Rounds + magazine.Rounds;
        if (magazine.Rounds > 0 && !magazine.IsFull && _partial.Rounds > 0)
        {
            int count = Math.Min(magazine.Rounds, _partial.Items.Length - _partial.Rounds);
            int rest = magazine.Rounds - count;
            Array.Copy(magazine.Items, rest, _partial.Items, _partial.Rounds, count);
            if (RuntimeHelpers.IsReferenceOrContainsReferences<TItem>())
            {
                Array.Clear(magazine.Items, rest, count);              // else they stay: a closed cache still knows them
            }

            magazine = magazine with { Rounds = rest };
            _partial = _partial with { Rounds = _partial.Rounds + count };
            if (_partial.IsFull)
            {
                PutFull(_partial);
                _partial = Magazine<TItem>.None;
            }
        }

        if (magazine.Rounds == 0)
        {
            PutEmpty(magazine, capacity);
        }
        else if (magazine.IsFull)
        {
            PutFull(magazine);
        }
        else
        {
            Invariant.Assert(_partial.Rounds == 0, "there is one partial magazine");
            _partial = magazine;
            _partialUsed = true;
        }

        Invariant.Assert(Rounds == expected, "what is poured in is there");
    }

    /// <summary>Ends an interval, and takes out the magazines that were not needed during the one before: the full ones into
    /// <paramref name="spilled"/>, the empty ones for good.</summary>
    public void Tick(List<Magazine<TItem>> spilled)
    {
        GrowthFault.ThrowIfDue();
        _ = spilled.EnsureCapacity(spilled.Count + _full.Count + 1);
        for (int surplus = _fullSet.Reapable; surplus > 0 && _full.TryPop(out Magazine<TItem> full); surplus--)
        {
            spilled.Add(full);
            _fullRounds -= full.Rounds;
        }

        if (!_partialUsed && _partial.Rounds > 0)
        {
            spilled.Add(_partial);
            _partial = Magazine<TItem>.None;
        }

        _partialUsed = false;
        for (int surplus = _emptySet.Reapable; surplus > 0; surplus--)
        {
            _ = _empty.TryPop(out _);
        }

        Invariant.Assert(_fullRounds >= 0 && (_full.Count > 0 || _fullRounds == 0), "the full magazines' items are counted");
        _fullSet.Tick(_full.Count);
        _emptySet.Tick(_empty.Count);
    }

    /// <summary>Takes out every magazine with something in it.</summary>
    public void Drain(List<Magazine<TItem>> spilled)
    {
        _ = spilled.EnsureCapacity(spilled.Count + _full.Count + 1);
        while (TryTakeFull(out Magazine<TItem> magazine))
        {
            spilled.Add(magazine);
        }

        Invariant.Assert(Rounds == 0, "a drained depot has nothing");
        _fullSet = default;
    }

    /// <summary>Forgets the empty magazines.</summary>
    public void DropEmpty()
    {
        _empty.Clear();
        _emptySet = default;
    }

    /// <summary>Forgets all magazines.</summary>
    public void Clear()
    {
        _full.Clear();
        (_fullRounds, _fullSet, _partial) = (0, default, Magazine<TItem>.None);
        DropEmpty();
    }

    public bool Contains(TItem item)
    {
        bool found = _partial.Contains(item);
        foreach (Magazine<TItem> magazine in _full)
        {
            found = found || magazine.Contains(item);
        }

        return found;
    }

    /// <summary>Adds copies of all magazines with something in them.</summary>
    public void CopyTo(List<TItem> items)
    {
        foreach (Magazine<TItem> magazine in _full)
        {
            items.AddRange(magazine.Contents);
        }

        items.AddRange(_partial.Contents);
    }

    /// <summary>Every invariant of the stock.</summary>
    public void Validate()
    {
        long rounds = 0;
        foreach (Magazine<TItem> magazine in _full)
        {
            Invariant.Hold(magazine.Rounds > 0 && magazine.IsFull, "a magazine in the full list is full", $"one has {magazine.Rounds} of {magazine.Items.Length}");
            rounds += magazine.Rounds;
        }

        foreach (Magazine<TItem> magazine in _empty)
        {
            Invariant.Hold(magazine.Rounds == 0 && magazine.Items.Length > 0, "a magazine in the empty list is empty", $"one has {magazine.Rounds} of {magazine.Items.Length}");
        }

        Invariant.Hold(rounds == _fullRounds, "the depot counts the items of its full magazines", $"{rounds} are there, {_fullRounds} are counted");
        Invariant.Hold(_partial.Items.Length == 0 || !_partial.IsFull, "the partial magazine is not full", $"it has {_partial.Rounds}");
    }
}
