using Vmem.Net.Ports;

namespace Vmem.Net;

// Searching: ports are allocated one after the other until some are not in use on this machine.
public sealed partial class PortPool
{
    private PortsInUse NoneInUse() => new(Arena, _options.RecheckAfter);

    /// <summary>Allocates the preferred run, or else the next free one above it, and round.</summary>
    /// <param name="preferred">The first port of the preferred run.</param>
    /// <param name="count">How many ports.</param>
    /// <param name="isWaiting">Whether the caller would wait: then a search in vain is no failure.</param>
    /// <param name="inUse">What the call has found in use.</param>
    /// <param name="first">The first port.</param>
    private bool TryFindFrom(int preferred, int count, bool isWaiting, PortsInUse inUse, out int first)
    {
        // Above a source, first fit would take what is at hand above, though the source has the preferred run.
        bool goesRound = preferred > First;
        return (_options.Source is not null
                && TryFind(count, Window(preferred, preferred + count), FitPolicy.InstantFit, isLast: false, inUse, out first))
            || TryFind(count, Window(preferred, End), FitPolicy.FirstFit, isLast: !isWaiting && !goesRound, inUse, out first)
            || (goesRound
                && TryFind(count, Window(First, Math.Min(preferred + count - 1, End)), FitPolicy.FirstFit, !isWaiting, inUse, out first));
    }

    /// <summary>Allocates a run that is not in use.</summary>
    /// <param name="count">How many ports.</param>
    /// <param name="where">Where it may lie.</param>
    /// <param name="policy">Which place is taken.</param>
    /// <param name="isLast">Whether the request fails if there is none. Else the arena is only asked while there may be one: it counts each
    /// request that it cannot meet.</param>
    /// <param name="inUse">What the call has found in use.</param>
    /// <param name="first">The first port.</param>
    private bool TryFind(int count, in RangeConstraints<ushort> where, FitPolicy policy, bool isLast, PortsInUse inUse, out int first)
    {
        while ((isLast || MayFit(count, where)) && Arena.TryAllocateConstrained((ushort)count, where, policy, out ushort found))
        {
            if (IsFree(found, (ushort)count, inUse))
            {
                first = found;
                return true;
            }
        }

        first = 0;
        return false;
    }

    // A source need not be asked for a place that is here, and taken.
    private bool MayFit(int count, in RangeConstraints<ushort> where)
    {
        FitReport<ushort> report = Arena.Explain((ushort)count, where);
        return report.Fits || (report.CanImport && report.Holder is null);
    }

    /// <summary>Tries allocated ports. If one is in use, it is noted, and the others are free again. If none is, what was noted is set
    /// aside.</summary>
    private bool IsFree(ushort first, ushort count, PortsInUse inUse)
    {
        int port = first;
        try
        {
            while (port < first + count && !(_isInUse?.Invoke(port) ?? false))
            {
                port++;
            }

            if (port == first + count)
            {
                inUse.SetAside();
                return true;
            }
        }
        catch
        {
            Arena.FreeAfter(first, count, TimeSpan.Zero);
            throw;
        }

        var used = (ushort)port;
        var before = (ushort)(used - first);
        if (before > 0)
        {
            Arena.Split(first, count, used);
            Arena.FreeAfter(first, before, TimeSpan.Zero);
        }

        var after = (ushort)(count - before - 1);
        if (after > 0)
        {
            Arena.Split(used, (ushort)(after + 1), (ushort)(used + 1));
            Arena.FreeAfter((ushort)(used + 1), after, TimeSpan.Zero);
        }

        inUse.Add(used);
        return false;
    }
}
