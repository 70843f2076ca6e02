using Vmem.Checks;
using Vmem.Lending;
using Vmem.Ranges;
using Vmem.Space;

namespace Vmem.Importing;

// How a source is asked that is no arena: in steps, as it may not honour constraints.
internal sealed partial class Importer<T>
{
    /// <summary>Asks a source that does not ask for what it lent: that is done for it.</summary>
    private Segment<T> AskWithRecall(SharedSource<T> source, in Placement<T> placement, in ImportTerms<T> terms, ref bool gaveBack)
    {
        Segment<T> import = default;
        Conclusion end = default;
        var recall = Recall.Begin();
        try
        {
            source.TakeBack(recall);
            import = Ask(placement, terms, ref gaveBack);
        }
        finally
        {
            end.Take(recall.End);
        }

        try
        {
            end.Throw();
        }
        catch when (!T.IsZero(import.Size))
        {
            Conclusion.Undo((source, import), static it => it.source.Release(it.import.Start, it.import.Size));
            throw;
        }

        return import;
    }

    private Segment<T> Ask(in Placement<T> placement, in ImportTerms<T> terms, ref bool gaveBack)
    {
        for (int step = 0; step < ImportAsk<T>.Steps; step++)
        {
            long refusals = _shared?.Refusals ?? 0;
            if (ImportAsk<T>.TryMake(step, placement, terms, _sourceQuantum, out ImportAsk<T> ask) && !_space.ExceedsLimit(ask.Size) &&
                _source.TryImport(ask.Size, ask.Constraints, out T start, out T size))
            {
                CheckImport(ask.Size, start, size);
                if (placement.TryLowest(start, start + (size - T.One), out _) && !_space.ExceedsLimit(size))
                {
                    return new Segment<T>(start, size, SegmentKind.Span);
                }

                PutBack(start, size, refusals);
                gaveBack = true;
            }
        }

        return default;
    }

    private void PutBack(T start, T size, long refusals)
    {
        if (_shared is not null)
        {
            _shared.PutBack(start, size, refusals);
        }
        else
        {
            _source.Release(start, size);
        }
    }

    /// <summary>A range that breaks the source's own contract goes back, and is an error: to go on asking would be to hide it.</summary>
    private void CheckImport(T asked, T start, T size)
    {
        string? fault =
            size < asked ? "less" :
            !Multiples<T>.Has(start, _space.Quantum) || !Multiples<T>.Has(size, _space.Quantum) ? $"not a multiple of the quantum {_space.Quantum}" :
            start + (size - T.One) < start ? "past the top of the type" : null;
        if (fault is not null)
        {
            string told = $"The source of arena '{_space.Name}' gave {size} at {start} when asked for {asked}: {fault}.";
            try
            {
                _source.Release(start, size);
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"{told} Nor did it take that back.", e);
            }

            throw new InvalidOperationException(told);
        }
    }
}
