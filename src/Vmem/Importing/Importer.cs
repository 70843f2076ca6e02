using System.Numerics;
using Vmem.Checks;
using Vmem.Lending;
using Vmem.Listing;
using Vmem.Ranges;
using Vmem.Space;

namespace Vmem.Importing;

/// <summary>Asks the source for spans, and sees to it that what comes is what was asked for. Holds no lock while it asks.</summary>
/// <remarks>
/// A source may be slow, may itself be an arena, and may call back. What has changed meanwhile is looked at afterwards: if the request can
/// be met without the import, the import goes back.
/// </remarks>
internal sealed partial class Importer<T>
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    private readonly Space<T> _space;
    private readonly IArenaSource<T> _source;
    private readonly ILender<T>? _lender;
    private readonly SharedSource<T>? _shared;
    private readonly T _sourceQuantum;
    private readonly T _unit;                     // the least common multiple of the two quanta
    private readonly T _minImport;
    private readonly T _slabSize;

    /// <param name="space">What imports are added to.</param>
    /// <param name="source">The source.</param>
    /// <param name="sourceQuantum">Its quantum, checked.</param>
    /// <param name="minImport">The least that is imported at once.</param>
    /// <param name="slabSize">The size of the caches' slabs, whole ones of which are imported; 0: there are none.</param>
    public Importer(Space<T> space, IArenaSource<T> source, T sourceQuantum, T minImport, T slabSize)
    {
        _space = space;
        _source = source;
        _sourceQuantum = sourceQuantum;
        bool hasUnit = Multiples<T>.TryCommon(space.Quantum, sourceQuantum, out _unit);
        Invariant.Assert(hasUnit, "the quanta have a common multiple: that was checked");
        _lender = _unit == sourceQuantum || _unit == space.Quantum ? source as ILender<T> : null;
        _shared = source as SharedSource<T>;
        _minImport = minImport;
        _slabSize = slabSize;
    }

    /// <summary>Gives empty imports back: keeping them must not make a request fail. Then there may be a reason to ask the source once
    /// more: it has got something back, maybe already since it was asked, it is an arena that has not looked for all it could give, or
    /// others above it may keep something.</summary>
    /// <param name="releases">How many imports had gone back when it was asked.</param>
    public bool MayHaveMore(long releases) =>
        !T.IsZero(_space.DetachEmpty()) || _space.Releases != releases || _lender is not null || _space.MayOthersKeep;

    /// <exception cref="ArgumentException">The source's quantum is 0, or has no common multiple with the arena's.</exception>
    public static T CheckQuantum(T quantum, T own, string parameter) =>
        T.IsZero(quantum) ? throw new ArgumentException("The source's quantum must not be 0.", parameter) :
        Multiples<T>.TryCommon(quantum, own, out _) ? quantum :
        throw new ArgumentException($"Imports are multiples of the arena's quantum {own} and of the source's, {quantum}, and {typeof(T).Name} holds no such multiple: choose a quantum of which one divides the other.", parameter);

    /// <summary>The request did not fit. Imports what it needs and tries again; also if there was nothing to import, as something may have
    /// been freed meanwhile.</summary>
    public bool TryTakeImported(in Request<T> request, ImportPass pass, out Grant<T> grant)
    {
        Segment<T> import = Import(request, TermsOf(request, forSlab: false, pass), out bool gaveBack);
        grant = default;
        try
        {
            using Visit<T> visit = VisitWith(import, gaveBack);
            try
            {
                return _space.TryTakeOrAttach(request, ref import, out grant);
            }
            finally
            {
                ReleaseUnused(import);
            }
        }
        catch when (!grant.IsEmpty)
        {
            // The source would not have the import back: the caller will not learn of what it got.
            _space.Undo(ref grant);
            throw;
        }
    }

    /// <summary>Imports for a request of a cached size, if possible a whole slab.</summary>
    /// <returns>False if nothing could be imported.</returns>
    public bool TryAttachForSlab(in Request<T> request)
    {
        Segment<T> import = Import(request, TermsOf(request, forSlab: true, ImportPass.Gentle), out bool gaveBack);
        using Visit<T> visit = VisitWith(import, gaveBack);
        try
        {
            return _space.TryAttach(ref import);
        }
        finally
        {
            ReleaseUnused(import);
        }
    }

    /// <summary>Asks the source for a span in which the request would fit; the empty segment if it has none.</summary>
    public Segment<T> Import(in Request<T> request)
    {
        long releases = _space.Releases;
        Segment<T> import = Import(request, TermsOf(request, forSlab: false, ImportPass.Gentle), out _);
        return T.IsZero(import.Size) && MayHaveMore(releases)
            ? Import(request, TermsOf(request, forSlab: false, ImportPass.Thorough), out _) : import;
    }

    /// <summary>Why no import has met a request, for its exception.</summary>
    public string WhyRefused(in Placement<T> placement) => Outlook(placement, T.Zero, _space.Headroom) switch
    {
        ImportOutlook.Open => " Its source had nothing that would do.",
        ImportOutlook.Limited => $" Its source had nothing that would do within the arena's limit of {_space.Limit} (ArenaOptions.Limit).",
        ImportOutlook.Forbidden => $" An import would exceed the arena's limit of {_space.Limit} (ArenaOptions.Limit).",
        _ => " No import could hold such a place: its source was not asked.",
    };

    /// <summary>The longest import that a source could give that is an arena; null if it is none. A hint.</summary>
    public T? LongestImport => _lender?.LongestLoan;

    /// <summary>Whether the source would be asked for a request that does not fit, when the empty imports have gone back; and whether the
    /// limit forbids imports that might help.</summary>
    public FitReport<T> Complete(in FitReport<T> report, in Placement<T> placement)
    {
        ImportOutlook outlook = Outlook(placement, T.Zero, _space.CountHeadroomWithoutEmpty());
        bool isLimited = !report.Fits && outlook is ImportOutlook.Limited or ImportOutlook.Forbidden;
        return report with
        {
            CanImport = outlook is ImportOutlook.Open or ImportOutlook.Limited,
            Limit = isLimited ? _space.Limit : T.Zero,
        };
    }

    /// <summary>Whether a source that is no arena, or an arena were everything in it free, could give an import of at most so
    /// much.</summary>
    public bool CouldImport(in Placement<T> placement, T unitAbove, T headroom)
    {
        return
            !TryUnit(unitAbove, out T unit) ? false :
            _lender is null ? Outlook(placement, unitAbove, headroom) is ImportOutlook.Open or ImportOutlook.Limited
            : ExactNeed<T>.TryMake(placement, unit, _sourceQuantum, headroom, out Placement<T> need, out _) &&
                _lender.CouldLend(need, unit);
    }

    /// <summary>Whether the source would be asked for a request, with so much left under the limit.</summary>
    private ImportOutlook Outlook(in Placement<T> placement, T unitAbove, T headroom)
    {
        if (!placement.TryLowest(T.Zero, T.MaxValue, out _) || !TryUnit(unitAbove, out T unit))
        {
            return ImportOutlook.Pointless;
        }

        var terms = new ImportTerms<T>(unit, T.Zero, T.Zero, ImportPass.Both);

        if (_lender is not null)
        {
            bool any = ExactNeed<T>.TryMake(placement, terms.Unit, _sourceQuantum, headroom, out _, out bool isTight);
            return any ? isTight ? ImportOutlook.Limited : ImportOutlook.Open : ImportOutlook.Forbidden;
        }

        bool asks = false;
        bool exceeds = false;
        for (int step = 0; step < ImportAsk<T>.Steps; step++)
        {
            if (ImportAsk<T>.TryMake(step, placement, terms, _sourceQuantum, out ImportAsk<T> ask))
            {
                asks |= ask.Size <= headroom;
                exceeds |= ask.Size > headroom;
            }
        }

        return (asks, exceeds) switch
        {
            (true, false) => ImportOutlook.Open,
            (true, true) => ImportOutlook.Limited,
            (false, true) => ImportOutlook.Forbidden,
            _ => ImportOutlook.Pointless,
        };
    }

    /// <param name="request">The request.</param>
    /// <param name="terms">What is wanted beside it.</param>
    /// <param name="gaveBack">Whether something came that did not fit, and went back.</param>
    /// <returns>The import, and in its tag the number of the ask.</returns>
    private Segment<T> Import(in Request<T> request, in ImportTerms<T> terms, out bool gaveBack)
    {
        _space.AssertNotHeld();
        gaveBack = false;
        bool isAnywhere = !T.IsZero(terms.Unit) && request.Placement.TryLowest(T.Zero, T.MaxValue, out _);
        if (!isAnywhere)
        {
            return default;
        }

        ulong ask = _space.BeginAsk();
        Segment<T> import =
            _lender is not null ? Borrow(_lender, request.Placement, terms) :
            terms.Pass == ImportPass.Thorough && _shared is not null && _space.MayOthersKeep
            ? AskWithRecall(_shared, request.Placement, terms, ref gaveBack) : Ask(request.Placement, terms, ref gaveBack);
        if (!T.IsZero(import.Size) && VmemEvents.Log.Wants(VmemEvents.Keywords.Imports))
        {
            VmemEvents.Log.SpanImported(_space.Name, double.CreateChecked(import.Size), $"0x{import.Start:x}");
        }

        return import with { Tag = ask };
    }

    private Segment<T> Borrow(ILender<T> lender, in Placement<T> placement, in ImportTerms<T> wanted)
    {
        T headroom = _space.Headroom;
        ImportTerms<T> terms = wanted.Preferred <= headroom ? wanted : wanted with { Preferred = T.Zero };
        return ExactNeed<T>.TryMake(placement, terms.Unit, _sourceQuantum, headroom, out Placement<T> need, out _) &&
            lender.TryLend(need, terms, out Segment<T> loan) ? loan : default;
    }

    /// <summary>What is wanted beside the request: the minimum import; with quantum caches, whole slabs.</summary>
    private ImportTerms<T> TermsOf(in Request<T> request, bool forSlab, ImportPass pass)
    {
        if (!TryUnit(request.Terms.Unit, out T unit))
        {
            return default;
        }

        T exact = UpOrZero(request.Size, unit);
        T least = T.Max(_minImport, request.Terms.Preferred);
        T slabs = T.IsZero(_slabSize) ? T.Zero : UpOrZero(T.Max(request.Size, least), _slabSize);
        T preferred = UpOrZero(T.Max(least, slabs), unit);
        T align = T.Max(request.Terms.PreferredAlign, forSlab ? _slabSize : T.Zero);
        return new ImportTerms<T>(unit, preferred > exact ? preferred : T.Zero, align, pass);
    }

    /// <summary>The unit of imports for an arena above, which needs one of its own; 0: it does not.</summary>
    private bool TryUnit(T above, out T unit)
    {
        unit = _unit;
        return T.IsZero(above) || Multiples<T>.TryCommon(_unit, above, out unit);
    }

    private static T UpOrZero(T size, T unit) => Multiples<T>.TryUp(size, unit, out T whole) ? whole : T.Zero;

    /// <summary>Takes the lock with an import at hand, which goes back if the arena has been disposed meanwhile. What is attached may be
    /// more than is needed, and what went back may serve others.</summary>
    private Visit<T> VisitWith(in Segment<T> import, bool gaveBack)
    {
        try
        {
            Visit<T> visit = _space.Visit(isOwnRelease: true);
            if (gaveBack || !T.IsZero(import.Size))
            {
                _space.NoteRoom(mayImport: gaveBack);
            }

            return visit;
        }
        catch when (!T.IsZero(import.Size))
        {
            Conclusion.Undo((_source, import), static it => it._source.Release(it.import.Start, it.import.Size));
            throw;
        }
    }

    private void ReleaseUnused(in Segment<T> import)
    {
        if (!T.IsZero(import.Size))
        {
            _space.ReleaseLater(import);
        }
    }
}
