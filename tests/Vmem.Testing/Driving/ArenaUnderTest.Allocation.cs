using Vmem.Testing.Model;

namespace Vmem.Testing.Driving;

public sealed partial class ArenaUnderTest<T>
{
    public Outcome Allocate(int size, FitPolicy policy, int flavor)
    {
        T amount = Amount(size);
        bool isDefault = policy == _options.Policy;
        switch (flavor % 6)
        {
            case 0 when isDefault:
                Journal?.Line($"arena.TryAllocate({size}, out _);");
                return Guard(() => _arena.TryAllocate(amount, out T start) ? Outcome.Done(Local(start)) : Outcome.Refused);
            case 1 when isDefault:
                Journal?.Line($"arena.Allocate({size});");
                return Guard(() => Outcome.Done(Local(_arena.Allocate(amount))));
            case 2:
                Journal?.Line($"arena.Allocate({size}, FitPolicy.{policy});");
                return Guard(() => Outcome.Done(Local(_arena.Allocate(amount, policy))));
            default:
                Journal?.Line($"arena.TryAllocate({size}, FitPolicy.{policy}, out _);");
                return Guard(() => _arena.TryAllocate(amount, policy, out T start) ? Outcome.Done(Local(start)) : Outcome.Refused);
        }
    }

    public Outcome AllocateConstrained(int size, in ModelConstraints constraints, FitPolicy policy, int flavor)
    {
        Outcome outcome = AllocateConstrainedUnnoted(size, constraints, policy, flavor);
        if (outcome.Kind == OutcomeKind.Done)
        {
            _calls?.NoteConstrained(Address(outcome.Value));
        }

        return outcome;
    }

    private Outcome AllocateConstrainedUnnoted(int size, in ModelConstraints constraints, FitPolicy policy, int flavor)
    {
        T amount = Amount(size);
        RangeConstraints<T> shifted = Shift(constraints);
        switch (flavor % 6)
        {
            case 0 when policy == _options.Policy:
                Journal?.Line($"arena.TryAllocateConstrained({size}, {Text(constraints)}, out _);");
                return Guard(() => _arena.TryAllocateConstrained(amount, shifted, out T start)
                    ? Outcome.Done(Local(start))
                    : Outcome.Refused);
            case 1 when policy == _options.Policy:
                Journal?.Line($"arena.AllocateConstrained({size}, {Text(constraints)});");
                return Guard(() => Outcome.Done(Local(_arena.AllocateConstrained(amount, shifted))));
            case 2:
                Journal?.Line($"arena.AllocateConstrained({size}, {Text(constraints)}, FitPolicy.{policy});");
                return Guard(() => Outcome.Done(Local(_arena.AllocateConstrained(amount, shifted, policy))));
            default:
                Journal?.Line($"arena.TryAllocateConstrained({size}, {Text(constraints)}, FitPolicy.{policy}, out _);");
                return Guard(() => _arena.TryAllocateConstrained(amount, shifted, policy, out T start)
                    ? Outcome.Done(Local(start))
                    : Outcome.Refused);
        }
    }

    public Outcome AllocateHandle(int size, FitPolicy policy, int flavor)
    {
        T amount = Amount(size);
        bool asDefault = flavor % 2 == 0 && policy == _options.Policy;
        Journal?.Line($"arena.TryAllocateHandle({size}, {(asDefault ? "" : $"FitPolicy.{policy}, ")}out RangeHandle<{typeof(T).Name}> handle{_handles.Count});");
        return Guard(() =>
        {
            bool done = asDefault
                ? _arena.TryAllocateHandle(amount, out RangeHandle<T> handle)
                : _arena.TryAllocateHandle(amount, policy, out handle);
            if (!done)
            {
                return handle == default ? Outcome.Refused : throw new DivergenceException($"A refused request left the handle {handle}.");
            }

            _handles.Add(handle);
            _calls?.NoteHandle(handle.Start);
            return handle.Size - amount < _arena.Quantum ? Outcome.Done(Local(handle.Start)) : throw new DivergenceException($"The handle is of size {handle.Size}.");
        });
    }

    public Outcome AllocateMany(int size, Span<int> starts, bool allOrNothing)
    {
        T[] found = new T[starts.Length];
        Journal?.Line($"arena.TryAllocateMany({size}, new {typeof(T).Name}[{starts.Length}]{(allOrNothing ? ", allOrNothing: true" : "")});");
        Outcome outcome = Guard(() => Outcome.Done(
            allOrNothing ? _arena.TryAllocateMany(Amount(size), found, allOrNothing: true) : _arena.TryAllocateMany(Amount(size), found)));
        for (int i = 0; i < outcome.Value; i++)
        {
            starts[i] = Local(found[i]);
        }

        return outcome;
    }

    public Outcome AllocatePieces(int total, int least, Span<ModelSegment> pieces)
    {
        Segment<T>[] found = new Segment<T>[pieces.Length];
        Journal?.Line($"arena.TryAllocatePieces({total}, new Segment<{typeof(T).Name}>[{pieces.Length}], {least}, out _);");
        Outcome outcome = Guard(() => _arena.TryAllocatePieces(Amount(total), found, Amount(least), out int count) ? Outcome.Done(count)
            : count == 0 ? Outcome.Refused : throw new DivergenceException($"A refused request has {count} pieces."));
        for (int i = 0; outcome.Kind == OutcomeKind.Done && i < outcome.Value; i++)
        {
            pieces[i] = Local(found[i]);
        }

        return outcome;
    }

    public Outcome Free(int start, int size, int flavor)
    {
        bool constrained = _calls is null ? flavor % 2 == 1 : _calls.WantsConstrained(Address(start), flavor % 2 == 1);
        Journal?.Line($"arena.{(constrained ? "FreeConstrained" : "Free")}({Address(start)}, {size});");
        return Guard(() =>
        {
            if (constrained)
            {
                _arena.FreeConstrained(Address(start), Amount(size));
            }
            else
            {
                _arena.Free(Address(start), Amount(size));
            }

            _calls?.NoteFreed(Address(start));
            return Outcome.Done();
        });
    }

    public Outcome FreeHandle(int ordinal)
    {
        RangeHandle<T> handle = ordinal < 0 ? default : _handles[ordinal];
        Journal?.Line($"arena.Free({(ordinal < 0 ? $"default(RangeHandle<{typeof(T).Name}>)" : $"handle{ordinal}")});");
        return Guard(() =>
        {
            _arena.Free(handle);
            _calls?.NoteFreed(handle.Start);
            return Outcome.Done();
        });
    }

    public Outcome FreeMany(ReadOnlySpan<int> starts, int size)
    {
        T[] addresses = new T[starts.Length];
        for (int i = 0; i < starts.Length; i++)
        {
            addresses[i] = Address(starts[i]);
        }

        Journal?.Line($"arena.FreeMany([{string.Join(", ", addresses)}], {size});");
        return Guard(() =>
        {
            if (_calls is null)
            {
                _arena.FreeMany(addresses, Amount(size));
            }
            else
            {
                _calls.FreeMany(_arena, addresses, Amount(size));
            }

            return Outcome.Done();
        });
    }

    public Outcome Extend(int start, int oldSize, int newSize)
    {
        Journal?.Line($"arena.TryExtend({Address(start)}, {oldSize}, {newSize});");
        return Guard(() => Outcome.When(_arena.TryExtend(Address(start), Amount(oldSize), Amount(newSize))));
    }
}
