using System.Globalization;

namespace Vmem.Benchmarks.Reports;

/// <summary>
/// A figure that the project promised to reach, and what was measured. It is a ratio of two measurements of the
/// same run, a percentage or a number of bytes: what another machine took in nanoseconds says nothing here.
/// </summary>
/// <param name="What">What is measured.</param>
/// <param name="Derivation">The bar, as it was promised: "0.6×".</param>
/// <param name="Limit">The same, as a number.</param>
/// <param name="Measured">The figure of this run.</param>
/// <param name="Unit">Of <paramref name="Limit"/> and <paramref name="Measured"/>.</param>
/// <param name="AtLeast">Whether more is better.</param>
internal sealed record Bar(
    string What,
    string Derivation,
    double Limit,
    double Measured,
    string Unit,
    bool AtLeast = false)
{
    public bool Met => AtLeast ? Measured >= Limit : Measured <= Limit;

    public string Sentence => string.Create(
        CultureInfo.InvariantCulture,
        $"{What}: bar {(AtLeast ? "≥" : "≤")} {Derivation}; measured {Format(Measured)} {Unit}: {(Met ? "met" : "MISSED")}");

    private static string Format(double value) => value.ToString(Math.Abs(value) >= 100 ? "N0" : "0.##", CultureInfo.InvariantCulture);
}
