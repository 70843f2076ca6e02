using Vmem.Benchmarks.Reports;
using Vmem.Benchmarks.Subjects;

namespace Vmem.Benchmarks.Studies;

/// <summary>One study: a verb under <c>study</c>, and a chapter of the report.</summary>
internal interface IStudy
{
    /// <summary>The verb.</summary>
    string Name { get; }

    /// <summary>One line of help.</summary>
    string Description { get; }

    StudyReport Run(StudyContext context);
}

/// <summary>What a study is run with.</summary>
/// <param name="Settings">The choices of the command line.</param>
/// <param name="Progress">Told a line whenever something was measured.</param>
internal sealed record StudyContext(StudySettings Settings, Action<string> Progress);

/// <summary>The choices of the command line. A null leaves the choice to the study.</summary>
internal sealed record StudySettings
{
    public IReadOnlyList<FitPolicy> Policies { get; init; } = Enum.GetValues<FitPolicy>();

    public IReadOnlyList<FreeBy> By { get; init; } = [FreeBy.Address, FreeBy.Handle];

    public IReadOnlyList<Locking> Locking { get; init; } = [Subjects.Locking.Single, Subjects.Locking.Locked];

    public int MinSegments { get; init; } = 1_000;

    public int MaxSegments { get; init; } = 10_000_000;

    public int? Runs { get; init; }

    /// <summary>Up to how many live segments the linear baseline takes part; 0: not at all.</summary>
    public int BaselineMaxSegments { get; init; } = 10_000;

    /// <summary>How long one throughput measurement lasts.</summary>
    public double Seconds { get; init; } = 1;

    /// <summary>Steps at each occupancy of the fragmentation ramp.</summary>
    public int RampSteps { get; init; } = 200_000;

    /// <summary>Libraries with native range allocators, for <see cref="PeersStudy"/>.</summary>
    public IReadOnlyList<string> Peers { get; init; } = [];

    /// <summary>The sizes of a growing study: powers of ten.</summary>
    public IEnumerable<int> Sizes(int least, int most)
    {
        for (long size = 1_000; size <= Math.Min(most, MaxSegments); size *= 10)
        {
            if (size >= Math.Max(least, MinSegments))
            {
                yield return (int)size;
            }
        }
    }

    /// <summary>Every chosen arena: policy by policy, by address before by handle, without a lock before with one.</summary>
    public IEnumerable<Subject> Arenas()
        => Policies.SelectMany(policy => By.SelectMany(by => Locking.Select(locking => new Subject(policy, by, locking))));

    /// <summary>Every chosen policy once, freed by address and without a lock.</summary>
    public IEnumerable<Subject> PlainArenas() => Policies.Select(policy => new Subject(policy));

    /// <summary>The baseline, where it can finish.</summary>
    public IEnumerable<Subject> Baseline(long segments) => segments <= BaselineMaxSegments ? [Subject.Baseline] : [];
}
