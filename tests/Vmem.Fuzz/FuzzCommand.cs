using System.Globalization;
using System.Text;
using SharpFuzz;
using Vmem.Fuzz.Mutation;

namespace Vmem.Fuzz;

/// <summary>The command line: <c>eng/fuzz.sh</c> calls it, and a person repeats a finding with it.</summary>
internal static class FuzzCommand
{
    private const int DefaultMutants = 2000;

    private const string Usage =
        """
        Vmem.Fuzz list                     the targets
        Vmem.Fuzz TARGET corpus [N]        runs the target's corpus and N mutants of it
        Vmem.Fuzz all corpus [N]           the same for every target
        Vmem.Fuzz TARGET run FILE…         runs the files
        Vmem.Fuzz TARGET mutant N          writes mutant N to standard output
        Vmem.Fuzz TARGET words             writes the target's words as a dictionary for afl-fuzz
        Vmem.Fuzz TARGET afl               under afl-fuzz only; eng/fuzz.sh does that
        """;

    public static int Run(string[] args, TextWriter output, TextWriter error)
    {
        if (args is ["list"])
        {
            output.Write(string.Concat(FuzzTargets.All.Select(target => target.Name + "\n")));
            return 0;
        }

        if (args is ["all", "corpus", ..])
        {
            return FuzzTargets.All.Max(target => Run([target.Name, .. args[1..]], output, error));
        }

        if (args.Length < 2 || FuzzTargets.Find(args[0]) is not FuzzTarget target)
        {
            error.WriteLine(Usage);
            return 2;
        }

        switch (args[1..])
        {
            case ["corpus", .. string[] count] when TryCount(count, DefaultMutants, out int mutants):
                return RunCorpus(target, mutants, output, error);
            case ["mutant", string number] when TryCount([number], 0, out int index):
                using (Stream standardOutput = Console.OpenStandardOutput())
                {
                    standardOutput.Write(Mutator.Make([.. Corpus.Read(target).Select(seed => seed.Contents)], target.Words, index));
                }

                return 0;
            case ["run", _, ..]:
                return RunFiles(target, args[2..], output);
            case ["words"]:
                output.Write(Dictionary(target));
                return 0;
            case ["afl"]:
                Fuzzer.OutOfProcess.Run(stream => target.Check(ReadAll(stream)));
                return 0;
            default:
                error.WriteLine(Usage);
                return 2;
        }
    }

    private static int RunCorpus(FuzzTarget target, int mutants, TextWriter output, TextWriter error)
    {
        try
        {
            CorpusCounts counts = CorpusRun.Run(target, Corpus.Read(target), mutants);
            string seeds = $"{counts.Seeds} seeds, {counts.SeedsAccepted} accepted";
            output.WriteLine($"{target.Name}: {seeds}; {counts.Mutants} mutants, {counts.MutantsAccepted} accepted; no finding");
            return 0;
        }
        catch (CorpusFindingException finding)
        {
            error.WriteLine(finding);
            return 1;
        }
    }

    // An exception ends it, with its stack: that is what a finding is repeated for.
    private static int RunFiles(FuzzTarget target, string[] files, TextWriter output)
    {
        foreach (string file in files)
        {
            output.WriteLine($"{file}: {(target.Check(File.ReadAllBytes(file)) ? "accepted" : "refused")}");
        }

        return 0;
    }

    private static string Dictionary(FuzzTarget target)
    {
        var text = new StringBuilder();
        foreach (string word in target.Words)
        {
            text.Append('"');
            foreach (byte value in Mutator.Bytes(word))
            {
                text.Append(CultureInfo.InvariantCulture, $"\\x{value:x2}");
            }

            text.Append("\"\n");
        }

        return text.ToString();
    }

    private static byte[] ReadAll(Stream stream)
    {
        using var contents = new MemoryStream();
        stream.CopyTo(contents);
        return contents.ToArray();
    }

    private static bool TryCount(string[] args, int otherwise, out int count)
    {
        count = otherwise;
        return args.Length == 0 || (args.Length == 1 && int.TryParse(args[0], NumberStyles.None, CultureInfo.InvariantCulture, out count));
    }
}
