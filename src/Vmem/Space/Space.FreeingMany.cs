using System.Buffers;
using Vmem.Diagnostics;
using Vmem.Resting;

namespace Vmem.Space;

// Freeing many segments: all of them, or, if one cannot be right, none.
internal sealed partial class Space<T>
{
    /// <summary>Frees many segments of one size: all of them, or, if one of them cannot be right, none.</summary>
    /// <param name="starts">Where they start.</param>
    /// <param name="size">The size of each.</param>
    /// <param name="isTakenBack">Whether no caller has had them: then they do not rest.</param>
    public void FreeMany(ReadOnlySpan<T> starts, T size, bool isTakenBack = false)
    {
        AuditSite? site = Auditor?.Sign(AuditCall.FreeMany);
        RestUntil until = isTakenBack ? default : UntilReuse;
        while (!TryFreeMany(starts, size, until, site, out T mistake))
        {
            Approach(mistake);
        }

        SetRestTimer();
    }

    /// <summary>False, and nothing is changed, if there is a mistake, and what is there is not near.</summary>
    private bool TryFreeMany(ReadOnlySpan<T> starts, T size, RestUntil until, AuditSite? site, out T mistake)
    {
        using Visit<T> visit = Visit();
        ReserveRests(until, starts.Length);
        foreach (T start in site is null ? [] : starts)
        {
            Check.CheckCall(start, size, site!);
        }

        if (!TryDelistAll(starts, size, site, out uint chain, out mistake))
        {
            return false;
        }

        FreeChain(chain, until, site);
        return true;
    }

    /// <summary>Frees segments that are in no table any more. The lock is held.</summary>
    private void FreeChain(uint chain, RestUntil until, AuditSite? site)
    {
        chain = until.IsNow && !Map.KeepsFreedOrder ? chain : Reverse(chain);
        while (chain != 0)
        {
            uint tag = chain;
            chain = Map.ChainedTo(tag);
            FreeHeld(tag, until, site);
        }
    }

    /// <summary>Frees many ranges by their handles: all of them, or, if one of them holds nothing, none.</summary>
    public void FreeMany(ReadOnlySpan<RangeHandle<T>> handles)
    {
        AuditSite? site = Auditor?.Sign(AuditCall.FreeHandle);
        RestUntil until = UntilReuse;
        RangeHandle<T>[] mine = ArrayPool<RangeHandle<T>>.Shared.Rent(handles.Length);
        try
        {
            handles.CopyTo(mine);                 // undoing reads them again, and the caller's memory may change under us
            while (!TryFreeMany(mine.AsSpan(0, handles.Length), until, site))
            {
            }
        }
        finally
        {
            ArrayPool<RangeHandle<T>>.Shared.Return(mine);
        }

        SetRestTimer();
    }

    private bool TryFreeMany(ReadOnlySpan<RangeHandle<T>> handles, RestUntil until, AuditSite? site)
    {
        using Visit<T> visit = Visit();
        ReserveRests(until, handles.Length);
        uint chain = 0;
        for (int i = 0; i < handles.Length; i++)
        {
            RangeHandle<T> handle = handles[i];
            bool isNear = Map.TryFind(handle, out uint tag);
            if (tag == 0)
            {
                Rebind(handles[..i], chain);
                return isNear ? throw Check.ExplainHandles(handle, i, handles.Length, site) : false;
            }

            Map.Unbind(tag);
            Map.Chain(tag, chain);
            chain = tag;
        }

        FreeChain(chain, until, site);
        return true;
    }

    private void Rebind(ReadOnlySpan<RangeHandle<T>> handles, uint chain)
    {
        for (int i = handles.Length - 1; i >= 0; i--)
        {
            uint tag = chain;
            chain = Map.ChainedTo(tag);
            Map.Rebind(tag, handles[i].Generation);
        }
    }

    /// <summary>Takes every range out of the table of live segments and chains their tags; on a mistake puts them all back, and throws if
    /// what is there is near.</summary>
    private bool TryDelistAll(ReadOnlySpan<T> starts, T size, AuditSite? site, out uint chain, out T mistake)
    {
        chain = 0;
        mistake = default;
        for (int i = 0; i < starts.Length; i++)
        {
            T start = starts[i];                  // once: the caller's memory may change under us
            uint tag = Map.Delist(start, size);
            if (tag == 0)
            {
                Relist(chain);
                mistake = start;
                if (!Map.TryApproach(mistake))
                {
                    return false;
                }

                throw Check.ExplainBatch(start, i, starts.Length, size, site);
            }

            Map.Chain(tag, chain);
            chain = tag;
        }

        return true;
    }

    /// <summary>The same chain from its other end: what was named first rests first, or was freed first.</summary>
    private uint Reverse(uint chain)
    {
        uint reversed = 0;
        while (chain != 0)
        {
            uint tag = chain;
            chain = Map.ChainedTo(tag);
            Map.Chain(tag, reversed);
            reversed = tag;
        }

        return reversed;
    }

    private void Relist(uint chain)
    {
        while (chain != 0)
        {
            uint tag = chain;
            chain = Map.ChainedTo(tag);
            Map.Enlist(tag);
        }
    }
}
