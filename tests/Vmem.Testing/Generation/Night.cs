using System.Globalization;

namespace Vmem.Testing.Generation;

/// <summary>What <c>eng/nightly.sh</c> asks of tests that draw from seeds: to go on where CI ends; and <c>eng/mutants.sh</c>: to be quick.
/// Nothing, unless their variables are set.</summary>
public static class Night
{
    /// <summary>Added to the seeds of these tests, so that each of a night's runs is another; 0 by default, so that CI repeats
    /// itself.</summary>
    public static ulong FirstSeed { get; } = Number("VMEM_SEED") ?? 0;

    /// <summary>How much the tests against models do, of what they do by day: 100, unless VMEM_SCALE says otherwise.</summary>
    public static int Percent { get; } = (int)(Number("VMEM_SCALE") ?? 100);

    /// <summary>How many schedules an exploration that may find nothing draws at random; null: as many as the test says.</summary>
    public static ulong? Schedules { get; } = Number("VMEM_SCHEDULES");

    /// <summary>How many there shall be of what there are so many of by day.</summary>
    public static int Scaled(int byDay) => Math.Max(1, (int)((long)byDay * Percent / 100));

    /// <summary>A text that is no number is a mistake of the night, and no reason to run as by day.</summary>
    private static ulong? Number(string variable) =>
        Environment.GetEnvironmentVariable(variable) is { Length: > 0 } text ? ulong.Parse(text, CultureInfo.InvariantCulture) : null;
}
