using System.Globalization;

namespace Vmem.Benchmarks.Reports;

/// <summary>
/// A figure that the project promised to reach, and what was measured. A bar in nanoseconds of another machine carries the calibration that
/// carries it over to this one; a bar that is a ratio of two measurements of the same run, a percentage or a number of bytes needs none.
/// </summary>
/// <param name="What">What is measured.</param>
/// <param name="Derivation">The bar before calibration, as it was promised: "0.6 × 557 ns".</param>
/// <param name="Limit">The same, as a number.</param>
/// <param name="Calibration">The factor for this machine; 1 where none applies.</param>
/// <param name="Measured">The figure of this run.</param>
/// <param name="Unit">Of <paramref name="Limit"/> and <paramref name="Measured"/>.</param>
/// <param name="AtLeast">Whether more is better.</param>
internal sealed record Bar(
    string What,
    string Derivation,
    double Limit,
    double Calibration,
    double Measured,
    string Unit,
    bool AtLeast = false)
{
    public double Adjusted => Limit * Calibration;

    public bool Met => AtLeast ? Measured >= Adjusted : Measured <= Adjusted;

    public string Sentence => string.Create(
        CultureInfo.InvariantCulture,
        $"{What}: bar {(AtLeast ? "≥" : "≤")} {Derivation}{Scale}; measured {Format(Measured)} {Unit}: {(Met ? "met" : "MISSED")}");

    private string Scale => Calibration == 1
        ? ""
        : string.Create(CultureInfo.InvariantCulture, $" × calibration {Calibration:0.00} = {Format(Adjusted)} {Unit}");

    private static string Format(double value) => value.ToString(Math.Abs(value) >= 100 ? "N0" : "0.##", CultureInfo.InvariantCulture);
}
