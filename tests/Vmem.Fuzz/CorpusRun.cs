using Vmem.Fuzz.Mutation;

namespace Vmem.Fuzz;

/// <summary>
/// The short run: every input of a target's corpus, and mutants of them. It needs neither afl-fuzz nor instrumented code, takes no time of
/// its own making, and does the same each time.
/// </summary>
internal static class CorpusRun
{
    /// <param name="target">What is run.</param>
    /// <param name="seeds">Its corpus.</param>
    /// <param name="mutants">How many, from number 0.</param>
    /// <exception cref="CorpusFindingException">An input is a finding; the run ends with the first.</exception>
    public static CorpusCounts Run(FuzzTarget target, IReadOnlyList<(string Name, byte[] Contents)> seeds, int mutants)
    {
        var counts = default(CorpusCounts);
        foreach ((string name, byte[] contents) in seeds)
        {
            bool accepted = Check(target, contents, $"seed {name}");
            counts = counts with { Seeds = counts.Seeds + 1, SeedsAccepted = counts.SeedsAccepted + (accepted ? 1 : 0) };
        }

        IReadOnlyList<byte[]> contentsOnly = [.. seeds.Select(seed => seed.Contents)];
        for (int number = 0; number < mutants; number++)
        {
            byte[] mutant = Mutator.Make(contentsOnly, target.Words, number);
            bool accepted = Check(target, mutant, $"mutant {number} (write it to a file with: {target.Name} mutant {number})");
            counts = counts with { Mutants = counts.Mutants + 1, MutantsAccepted = counts.MutantsAccepted + (accepted ? 1 : 0) };
        }

        return counts;
    }

    private static bool Check(FuzzTarget target, byte[] input, string what)
    {
        try
        {
            return target.Check(input);
        }
        catch (Exception fault)
        {
            throw new CorpusFindingException($"{target.Name}, {what}: {fault.GetType().Name}: {fault.Message}", fault);
        }
    }
}

/// <summary>How many inputs ran, and how many of them the reader accepted.</summary>
internal readonly record struct CorpusCounts(int Seeds, int SeedsAccepted, int Mutants, int MutantsAccepted);

/// <summary>Which input is a finding, and what it is.</summary>
internal sealed class CorpusFindingException(string message, Exception inner) : Exception(message, inner);
