using System.Text;
using Vmem.Fuzz;
using Vmem.Fuzz.Targets;

namespace Vmem.Tool.Tests.Fuzzing;

/// <summary>
/// The short run of every fuzzer: its corpus, the inputs that once were findings among it, and mutants of them. The long run is
/// <c>eng/fuzz.sh</c>.
/// </summary>
public sealed class CorpusTests
{
    // All targets together take some ten seconds on one core; arbitrary.
    private const int Mutants = 300;

    public static TheoryData<string> Targets => [.. FuzzTargets.All.Select(target => target.Name)];

    [Theory]
    [MemberData(nameof(Targets))]
    public void Neither_the_corpus_nor_a_mutant_of_it_is_a_finding(string name)
    {
        FuzzTarget target = FuzzTargets.Find(name)!;
        CorpusCounts counts = CorpusRun.Run(target, Corpus.Read(target), Mutants);
        Assert.Equal(Mutants, counts.Mutants);
        Assert.InRange(counts.SeedsAccepted, 1, counts.Seeds);
        Assert.InRange(counts.MutantsAccepted, 1, Mutants - 1);
    }

    [Fact]
    public void Every_folder_of_the_corpus_has_a_target() =>
        Assert.Equal(FuzzTargets.All.Select(target => target.Name).Order(StringComparer.Ordinal), Corpus.FolderNames());

    [Fact]
    public void A_mutant_is_the_same_each_time()
    {
        FuzzTarget target = FuzzTargets.Find("text")!;
        byte[][] seeds = [.. Corpus.Read(target).Select(seed => seed.Contents)];
        Assert.Equal(Fuzz.Mutation.Mutator.Make(seeds, target.Words, 17), Fuzz.Mutation.Mutator.Make(seeds, target.Words, 17));
    }

    [Fact]
    public void A_reader_that_throws_what_it_does_not_declare_is_a_finding_and_names_its_input()
    {
        CorpusFindingException finding = Find(_ => throw new InvalidOperationException("too far"));
        Assert.Equal("broken, seed one: InvalidOperationException: too far", finding.Message);
    }

    [Fact]
    public void A_reader_that_keeps_more_than_its_bound_is_a_finding()
    {
        CorpusFindingException finding = Find(input =>
        {
            AllocationBound bound = AllocationBound.Begin(fixedBytes: 100_000, perByte: 1, input.Length);
            GC.KeepAlive(new byte[200_000]);
            bound.Check("The reader");
            return true;
        });
        Assert.Contains("and 100003 are allowed", finding.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_reader_that_does_not_stop_at_the_end_is_a_finding()
    {
        CorpusFindingException finding = Find(input =>
        {
            using var stream = new DribblingStream(input, 1);
            var buffer = new byte[1];
            while (stream.Read(buffer) >= 0)
            {
            }

            return true;
        });
        Assert.Contains("does not stop at the end", finding.Message, StringComparison.Ordinal);
    }

    private static CorpusFindingException Find(Func<byte[], bool> reader) =>
        Assert.Throws<CorpusFindingException>(() => CorpusRun.Run(
            new BrokenTarget(reader),
            [("one", Encoding.ASCII.GetBytes("abc"))],
            mutants: 0));

    private sealed class BrokenTarget(Func<byte[], bool> reader) : FuzzTarget
    {
        public override string Name => "broken";

        public override IReadOnlyList<string> Words => ["word"];

        public override bool Check(byte[] input) => reader(input);
    }
}
