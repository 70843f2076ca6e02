namespace Vmem.Testing.Model;

public sealed partial class ArenaModel
{
    /// <summary>Where a request would go: the value of the outcome. Nothing is changed.</summary>
    public Outcome FindPlace(int size, in ModelConstraints constraints, FitPolicy policy)
    {
        if (IsBadSize(size) || !constraints.AreWellFormed(RoundUp(size), Quantum))
        {
            return Outcome.BadArgument;
        }

        int rounded = RoundUp(size);
        if (policy == FitPolicy.OldestFit && !IsFreeToChoose(size, constraints, policy))
        {
            return FindOldest();
        }

        PlacementChooser chooser = new(policy, IsPlain(constraints) && rounded == Quantum ? _rotor : _lead);
        foreach (ModelSegment span in _spans.Where(span => !IsDraining(span)))
        {
            for (int start = span.Start; start < span.End && !chooser.IsSettled;)
            {
                int end = EndOfSegment(start, span);
                if (OwnerOf(start) == Nobody)
                {
                    OfferPlaces(start, end, rounded, constraints, ref chooser);
                }

                start = end;
            }
        }

        return chooser.Start < 0 ? Outcome.Refused : Outcome.Done(chooser.Start);
    }

    /// <summary>Whether a request could be met exactly there.</summary>
    public bool IsValidPlace(int start, int size, in ModelConstraints constraints)
    {
        int rounded = RoundUp(size);
        ModelSegment home = _spans.Find(span => start >= span.Start && start < span.End);
        return home.Size > 0
            && !IsDraining(home)
            && start % Quantum == 0
            && start + rounded <= home.End
            && PlacementRule.Holds(start, rounded, constraints, Quantum)
            && !Cells(start, rounded).ContainsAnyExcept(Nobody);
    }

    /// <summary>Takes a place that <see cref="FindPlace"/> or the arena under test has chosen.</summary>
    public void Occupy(int start, int size, FitPolicy policy, int handle = -1, in ModelConstraints constraints = default)
    {
        int rounded = RoundUp(size);
        Cells(start, rounded).Fill(++_lastOwner);
        _live.Add(start, new ModelAllocation(start, rounded, handle));
        if (policy == FitPolicy.NextFit)
        {
            NoteNext(start, rounded, constraints);
        }
    }

    /// <summary>Whether a free is right, and if not, why. Nothing is changed.</summary>
    public Outcome JudgeFree(int start, int size)
    {
        if (IsBadSize(size))
        {
            return Outcome.BadArgument;
        }

        return OwnerOf(start) switch
        {
            Outside => Outcome.BadFree(InvalidFreeReason.NotAllocated),
            Nobody => Outcome.BadFree(InvalidFreeReason.AlreadyFree),
            _ when IsResting(start) => Outcome.BadFree(InvalidFreeReason.AlreadyFree),
            _ when !_live.ContainsKey(start) => Outcome.BadFree(InvalidFreeReason.InteriorAddress),
            _ when _live[start].Size != RoundUp(size) => Outcome.BadFree(InvalidFreeReason.WrongSize),
            _ => Outcome.Done(),
        };
    }

    /// <summary>Frees the allocation that starts there and returns it.</summary>
    public ModelAllocation Release(int start)
    {
        ModelAllocation allocation = _live[start];
        if (ReuseDelay > 0)
        {
            Rest(start, ReuseDelay);
            return allocation;
        }

        return Vacate(start);
    }

    /// <summary>Takes an allocation away, and nothing of it rests.</summary>
    public ModelAllocation Vacate(int start)
    {
        ModelAllocation allocation = _live[start];
        MakeFree(start, allocation.Size);
        _live.Remove(start);
        return allocation;
    }

    /// <summary>Grows or shrinks an allocation in place.</summary>
    public Outcome Extend(int start, int oldSize, int newSize)
    {
        Outcome judgement = IsBadSize(newSize) ? Outcome.BadArgument : JudgeFree(start, oldSize);
        if (judgement.Kind != OutcomeKind.Done)
        {
            return judgement;
        }

        ModelAllocation allocation = _live[start];
        int rounded = RoundUp(newSize);
        ModelSegment span = _spans.Find(candidate => start >= candidate.Start && start < candidate.End);
        if (start + rounded > span.End
            || (rounded > allocation.Size && IsDraining(span))
            || (rounded > allocation.Size && Cells(start + allocation.Size, rounded - allocation.Size).ContainsAnyExcept(Nobody)))
        {
            return Outcome.Refused;
        }

        if (ReuseDelay > 0 && rounded < allocation.Size)
        {
            Cells(start + rounded, allocation.Size - rounded).Fill(++_lastOwner);
            Rest(start + rounded, allocation.Size - rounded, ReuseDelay, -1);
        }
        else
        {
            MakeFree(start, allocation.Size);
        }

        _live.Remove(start);
        Occupy(start, rounded, FitPolicy.FirstFit, allocation.Handle);
        return Outcome.Done();
    }

    /// <summary>The ordinal of the handle that the allocation there was made by, or -1.</summary>
    public int HandleAt(int start) => _live[start].Handle;

    /// <summary>Where the live allocation of a handle starts.</summary>
    public int StartOfHandle(int handle) => _live.Values.First(allocation => allocation.Handle == handle).Start;

    /// <summary>After a snapshot has been restored: handles mean nothing to the new arena.</summary>
    public void ForgetHandles()
    {
        for (int i = 0; i < _live.Count; i++)
        {
            _live.SetValueAtIndex(i, _live.GetValueAtIndex(i) with { Handle = -1 });
        }
    }

    private void OfferPlaces(int start, int end, int size, in ModelConstraints constraints, ref PlacementChooser chooser)
    {
        for (int place = start; place + size <= end; place += Quantum)
        {
            if (PlacementRule.Holds(place, size, constraints, Quantum))
            {
                chooser.Offer(place, end - start);
            }
        }
    }
}
