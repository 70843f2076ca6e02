using System.Numerics;

namespace Vmem.Tool.Reports;

/// <summary>Where a bar of addresses is labelled: at its ends, and at round addresses between, as many as do not touch.</summary>
internal static class AddressTicks
{
    // A bar looks measured with so many, and not crowded; arbitrary.
    private const uint Most = 6;

    // Of the labels' font of fixed width, and what is free between two of them at least.
    private const double LetterWidth = 7.3;
    private const double Gap = 12;

    /// <param name="span">What the bar stands for.</param>
    /// <param name="width">How wide the bar is.</param>
    /// <param name="text">How an address is written.</param>
    /// <returns>The addresses in their order, and where each is.</returns>
    public static IEnumerable<(UInt128 Address, double Position)> Of(SpanPicture span, double width, AddressText text)
    {
        UInt128 last = span.Start + (span.Size - 1);
        double free = LengthOf(span.Start, text) + Gap;
        double end = width - LengthOf(last, text) - Gap;
        yield return (span.Start, 0);
        foreach (UInt128 address in Round(span, text.IsDecimal))
        {
            double position = (double)(address - span.Start) / (double)span.Size * width;
            double half = LengthOf(address, text) / 2;
            if (position - half >= free && position + half <= end)
            {
                yield return (address, position);
                free = position + half + Gap;
            }
        }

        // The last rather than one past it: one past the top of the type has no name.
        if (last != span.Start)
        {
            yield return (last, width);
        }
    }

    // Multiples of a power of two, or in decimal of 1, 2 or 5 of a power of ten, above the first address and below the last.
    private static IEnumerable<UInt128> Round(SpanPicture span, bool isDecimal)
    {
        UInt128 least = UInt128.Max(1, span.Size / Most);
        UInt128 step = isDecimal ? RoundDecimal(least) : least == UInt128.One ? least : UInt128.One << (int)(UInt128.Log2(least - 1) + 1);
        UInt128 last = span.Start + (span.Size - 1);
        UInt128 next = span.Start - (span.Start % step);
        while (last - next > step)
        {
            next += step;
            yield return next;
        }
    }

    private static UInt128 RoundDecimal(UInt128 least)
    {
        UInt128 power = 1;
        while (power <= least / 10)
        {
            power *= 10;
        }

        return least <= power ? power : least <= 2 * power ? 2 * power : least <= 5 * power ? 5 * power : 10 * power;
    }

    private static double LengthOf(UInt128 address, AddressText text) => text.Of(address).Length * LetterWidth;
}
