using System.Text.Json.Serialization;
using Vmem.Tool.Blocks;
using Vmem.Tool.Replay;
using Vmem.Tool.Traces;

namespace Vmem.Tool.Reports;

/// <summary>
/// What <c>vmem replay</c> found, in the shape of its JSON: docs/replay.md describes every field. Fields are added, never renamed.
/// </summary>
internal sealed record ReplayReport
{
    public const int CurrentVersion = 1;

    public int VmemReplay { get; init; } = CurrentVersion;

    public required ulong Quantum { get; init; }

    /// <summary>Null without <c>--limit</c>.</summary>
    public required ulong? Limit { get; init; }

    public required IReadOnlyList<TraceReport> Traces { get; init; }

    /// <summary>Null without clients.</summary>
    public ContextReport? Context { get; init; }
}

internal sealed record TraceReport
{
    public required string Name { get; init; }

    public required string Format { get; init; }

    public required long Events { get; init; }

    public required long Allocations { get; init; }

    public required long Frees { get; init; }

    public required long UnknownFrees { get; init; }

    public required long ImpliedFrees { get; init; }

    /// <summary>Events that the recording says are missing from it.</summary>
    public ulong MissingEvents { get; init; }

    /// <summary>The recorded arena's quantum, if sizes were rounded up to it; null if to <see cref="ReplayReport.Quantum"/>.</summary>
    public ulong? RecordedQuantum { get; init; }

    public required long GuessedFrees { get; init; }

    public required long LiveAtEnd { get; init; }

    public required long PeakLiveObjects { get; init; }

    public required double ReadSeconds { get; init; }

    /// <summary>See <see cref="TraceReplay.CountsBytes"/>: if not, what is called bytes here are values of the recorded arena.</summary>
    [JsonIgnore]
    public bool CountsBytes { get; init; } = true;

    /// <summary>From the start of the recording to its last time stamp; null without time stamps.</summary>
    public double? DurationSeconds { get; init; }

    /// <summary>The most bytes that the program asked for and had not yet freed.</summary>
    public required ulong PeakRequestedBytes { get; init; }

    /// <summary>How many events led to that.</summary>
    public required long PeakEvents { get; init; }

    /// <summary>Who held the most at the peak; null where the recording does not say who allocates.</summary>
    public IReadOnlyList<SiteGroup>? Holders { get; init; }

    /// <summary>When each event came: for the page and the map.</summary>
    [JsonIgnore]
    public EventTimes Times { get; init; } = new();

    /// <summary>The column recommended by the first of <see cref="Answers"/>.</summary>
    public string Best => Answers[0].Best;

    /// <summary>Why, in a few sentences.</summary>
    public string Verdict => Answers[0].Verdict;

    /// <summary>Of memory, of addresses, or of both.</summary>
    public required IReadOnlyList<AnswerReport> Answers { get; init; }

    public required IReadOnlyList<PolicyReport> Policies { get; init; }

    public required IReadOnlyList<SizeBinReport> Sizes { get; init; }

    /// <summary>The last line that was read, if the recording breaks off there; null if it is whole.</summary>
    public long? CutOffAfterLine { get; init; }

    /// <summary>What was left out of this recording's columns, and why: sentences.</summary>
    [JsonIgnore]
    public IReadOnlyList<string> LeftOut { get; init; } = [];

    /// <summary>The columns of a question: the winner first, then as they were asked for.</summary>
    public IReadOnlyList<PolicyReport> ColumnsOf(AnswerReport answer) =>
        [.. Policies.Where(answer.Has).OrderBy(policy => policy.Policy == answer.Best ? 0 : 1)];

    /// <summary>Whether a column is the best of several.</summary>
    public bool IsBest(PolicyReport policy) => Answers.Any(answer => answer.Best == policy.Policy && ColumnsOf(answer).Count > 1);

    /// <summary>All columns, the winners first.</summary>
    public IEnumerable<PolicyReport> BestFirst() => Policies.OrderBy(policy => IsBest(policy) ? 0 : 1);
}

internal sealed record PolicyReport
{
    /// <summary>The lane's name: the arena's policy, or the other allocator.</summary>
    public required string Policy { get; init; }

    public required string Allocator { get; init; }

    /// <summary>As a sentence has it.</summary>
    [JsonIgnore]
    public string Title =>
        AllocatorNames.TryParse(Allocator, out AllocatorKind allocator) ? AllocatorNames.TitleOf(allocator, Policy) : Policy;

    [JsonIgnore]
    public bool IsArena => Allocator == AllocatorNames.NameOf(AllocatorKind.Arena);

    /// <summary>Whether it is memory, and the range is what was resident.</summary>
    [JsonIgnore]
    public bool IsMemory => AllocatorNames.TryParse(Allocator, out AllocatorKind allocator) && AllocatorNames.IsMemory(allocator);

    /// <summary>Whether it tells what it holds and nobody uses.</summary>
    [JsonIgnore]
    public bool KnowsHoles => !(AllocatorNames.TryParse(Allocator, out AllocatorKind allocator) && AllocatorNames.IsMalloc(allocator));

    public required long Events { get; init; }

    /// <summary>Whether sizes and addresses are bytes: not of a recorded arena, unless it is replayed through real memory.</summary>
    [JsonIgnore]
    public bool CountsBytes { get; init; } = true;

    /// <summary>What the program asked for, before any rounding.</summary>
    public required ulong PeakRequestedBytes { get; init; }

    public required ulong PeakLiveBytes { get; init; }

    public required ulong RangeBytes { get; init; }

    public required double RangeOverhead { get; init; }

    /// <summary>(Range + bookkeeping) ÷ what the program asked for - 1; null where it asked for nothing. Of a recorded arena without the
    /// bookkeeping: its ranges need not be memory.</summary>
    public required double? Overhead { get; init; }

    /// <summary>Range and bookkeeping, or of a recorded arena the range alone.</summary>
    [JsonIgnore]
    public ulong CostBytes { get; init; }

    public required ulong PeakInternalWasteBytes { get; init; }

    public required ulong FinalInternalWasteBytes { get; init; }

    public required double WorstFragmentation { get; init; }

    public required double PeakFragmentation { get; init; }

    public required double FinalFragmentation { get; init; }

    public required long Failures { get; init; }

    public required long MedianNanoseconds { get; init; }

    public required long Percentile999Nanoseconds { get; init; }

    public required double EventsPerSecond { get; init; }

    public required long BookkeepingBytes { get; init; }

    /// <summary>Null where it was not measured: of ranges, of standard input, not on Linux.</summary>
    public ulong? PeakResidentBytes { get; init; }

    /// <summary>Null likewise.</summary>
    public double? MeanNanoseconds { get; init; }

    public required CurveReport Curve { get; init; }

    /// <summary>What rounding cost when the program had most asked for, from the smallest sizes.</summary>
    public required IReadOnlyList<SizeWasteReport> Waste { get; init; }

    /// <summary>Null where no site can be named, or there is no one range.</summary>
    public HolesReport? Holes { get; init; }

    /// <summary>For the page only: as data for machines it would be ten times all the rest.</summary>
    [JsonIgnore]
    public AddressTimeMap? Map { get; init; }

    /// <summary>The highest address on that map. More than the range, where others had addresses between.</summary>
    [JsonIgnore]
    public ulong MapTop { get; init; }
}

/// <summary>
/// Live bytes, extent (live bytes and holes), and what was asked for over time, one value for each stretch of
/// <see cref="EventsPerPoint"/> events.
/// </summary>
internal sealed record CurveReport
{
    public required long EventsPerPoint { get; init; }

    /// <summary>When each stretch begins; null without time stamps.</summary>
    public IReadOnlyList<double>? Seconds { get; init; }

    public required IReadOnlyList<long> LiveBytes { get; init; }

    public required IReadOnlyList<long> ExtentBytes { get; init; }

    /// <summary>What the program had asked for of what was live.</summary>
    public required IReadOnlyList<long> RequestedBytes { get; init; }

    /// <summary>The most that was resident in each stretch; null where it was not measured.</summary>
    public IReadOnlyList<long>? ResidentBytes { get; init; }
}

/// <summary>The holes of a lane about when they took the most bytes, and the sites of the objects that keep them open.</summary>
internal sealed record HolesReport
{
    public required ulong Bytes { get; init; }

    public required long Count { get; init; }

    /// <summary>How many events had been replayed then.</summary>
    public required long Events { get; init; }

    /// <summary>Null without time stamps.</summary>
    public required double? Seconds { get; init; }

    public required IReadOnlyList<SiteGroup> Pins { get; init; }
}

internal sealed record SizeBinReport(ulong LeastBytes, ulong MostBytes, long Count, UInt128 TotalBytes);
