using System.Numerics;
using Vmem.Checks;
using Vmem.Listing;

namespace Vmem.Space;

/// <summary>What is left to do when the lock has been given back: a request is told of its range, spans go to the source, and requests that
/// wait are tried again.</summary>
internal struct Aftermath<T>
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    private Segment<T> _span;                     // the first, so that one needs no list
    private List<Segment<T>>? _spans;

    /// <summary>A request that was handed what a caller freed.</summary>
    public IGranted? Granted { get; set; }

    /// <summary>Whether there may be room for requests that wait.</summary>
    public bool HasRoomCome { get; set; }

    /// <summary>Whether that is also room to import: an import has become empty, or there is more headroom under the limit.</summary>
    public bool MayImport { get; set; }

    /// <summary>Whether something has gone that a waiting request may have counted on.</summary>
    public bool HasRoomGone { get; set; }

    /// <summary>Whether spans go back.</summary>
    public readonly bool HasSpans => !T.IsZero(_span.Size);

    /// <summary>Whether nothing is left to do.</summary>
    public readonly bool IsNothing => !HasSpans && !HasRoomCome && !HasRoomGone && Granted is null;

    public void Release(in Segment<T> span)
    {
        if (T.IsZero(_span.Size))
        {
            _span = span;
        }
        else
        {
            GrowthFault.ThrowIfDue();             // a list may be about to grow
            (_spans ??= []).Add(span);
        }
    }

    /// <summary>Gives every span back, also when the source throws at one of them.</summary>
    /// <param name="arena">The arena's name, for events.</param>
    /// <param name="source">Where to.</param>
    /// <param name="end">Takes what is thrown.</param>
    /// <returns>How much went back.</returns>
    public readonly T ReleaseSpans(string arena, IArenaSource<T>? source, ref Conclusion end)
    {
        T total = T.Zero;
        if (HasSpans)
        {
            Release(arena, source!, _span, ref total, ref end);
            for (int i = 0; i < _spans?.Count; i++)
            {
                Release(arena, source!, _spans[i], ref total, ref end);
            }
        }

        return total;
    }

    private static void Release(string arena, IArenaSource<T> source, in Segment<T> span, ref T total, ref Conclusion end)
    {
        total += span.Size;
        end.Take((source, span), static it => it.source.Release(it.span.Start, it.span.Size));
        if (VmemEvents.Log.Wants(VmemEvents.Keywords.Imports))
        {
            VmemEvents.Log.SpanReleased(arena, double.CreateChecked(span.Size), $"0x{span.Start:x}");
        }
    }
}
