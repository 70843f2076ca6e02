using System.CommandLine;
using System.CommandLine.Parsing;
using Vmem.Benchmarks.Studies;
using Vmem.Benchmarks.Subjects;

namespace Vmem.Benchmarks.Commands;

/// <summary>The options that every study takes; one that does not concern a study is ignored by it.</summary>
internal sealed class StudyOptions
{
    private const int MaxSegmentsOfAll = 1_000_000;
    private const int MostSegments = 10_000_000;
    private const string Both = "both";

    private readonly Option<FitPolicy[]> _policies = new("--policies")
    {
        Description = "Policies, separated by commas: instant, best, next, first, last, oldest, random; all (the default) or none (the baseline alone).",
        CustomParser = ParsePolicies,
        HelpName = "LIST",
    };

    private readonly Option<string> _by = new("--by") { Description = "Free by address, by handle, or both. Default: both." };
    private readonly Option<string> _locking = new("--locking") { Description = "Single-threaded arenas, locked ones, or both. Default: both." };
    private readonly Option<int?> _minSegments = new("--min-n") { Description = "The smallest number of live segments." };
    private readonly Option<int?> _maxSegments = new("--max-n") { Description = "The largest number of live segments (10^7 at most)." };
    private readonly Option<int?> _runs = new("--runs") { Description = "Runs, of which the median counts. Default: the study's own." };
    private readonly Option<int?> _baselineMaxSegments = new("--baseline-max-n") { Description = "Up to how many live segments the linear list takes part; 0: not at all. Default: 10000." };
    private readonly Option<double?> _seconds = new("--seconds") { Description = "How long one throughput measurement lasts. Default: 1." };
    private readonly Option<int?> _rampSteps = new("--ramp-steps") { Description = "Steps at each occupancy of the fragmentation ramp. Default: 200000." };
    private readonly Option<string?> _out = new("--out") { Description = "Write the report as PATH.md and PATH.json.", HelpName = "PATH" };

    public StudyOptions()
    {
        _by.AcceptOnlyFromAmong("address", "handle", Both);
        _locking.AcceptOnlyFromAmong("single", "locked", Both);
        RequireAtLeast(_minSegments, 1);
        RequireAtLeast(_maxSegments, 1);
        RequireAtLeast(_runs, 1);
        RequireAtLeast(_baselineMaxSegments, 0);
        RequireAtLeast(_rampSteps, 1);
        _maxSegments.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int?>() > MostSegments)
            {
                result.AddError($"{_maxSegments.Name} must be at most {MostSegments}.");
            }
        });
        _seconds.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<double?>() is not > 0)
            {
                result.AddError($"{_seconds.Name} must be more than 0.");
            }
        });
    }

    public void AddTo(Command command)
    {
        foreach (Option option in new Option[]
        {
            _policies, _by, _locking, _minSegments, _maxSegments, _runs, _baselineMaxSegments, _seconds, _rampSteps, _out
        })
        {
            command.Add(option);
        }
    }

    public string? ReadOut(ParseResult parsed) => parsed.GetValue(_out);

    public StudySettings Read(ParseResult parsed) => Read(parsed, new StudySettings());

    public StudySettings ReadForAll(ParseResult parsed) => Read(parsed, new StudySettings { MaxSegments = MaxSegmentsOfAll });

    private StudySettings Read(ParseResult parsed, StudySettings defaults) => defaults with
    {
        Policies = parsed.GetResult(_policies) is null ? defaults.Policies : parsed.GetRequiredValue(_policies),
        By = parsed.GetValue(_by) is { } by and not Both ? [Enum.Parse<FreeBy>(by, ignoreCase: true)] : defaults.By,
        Locking = parsed.GetValue(_locking) is { } locking and not Both
            ? [Enum.Parse<Locking>(locking, ignoreCase: true)]
            : defaults.Locking,
        MinSegments = parsed.GetValue(_minSegments) ?? defaults.MinSegments,
        MaxSegments = parsed.GetValue(_maxSegments) ?? defaults.MaxSegments,
        Runs = parsed.GetValue(_runs) ?? defaults.Runs,
        BaselineMaxSegments = parsed.GetValue(_baselineMaxSegments) ?? defaults.BaselineMaxSegments,
        Seconds = parsed.GetValue(_seconds) ?? defaults.Seconds,
        RampSteps = parsed.GetValue(_rampSteps) ?? defaults.RampSteps,
    };

    private static void RequireAtLeast(Option<int?> option, int least) => option.Validators.Add(result =>
    {
        if (result.GetValueOrDefault<int?>() < least)
        {
            result.AddError($"{option.Name} must be at least {least}.");
        }
    });

    private static FitPolicy[]? ParsePolicies(ArgumentResult result)
    {
        var policies = new List<FitPolicy>();
        foreach (string name in result.Tokens.SelectMany(token => token.Value.Split(',', StringSplitOptions.RemoveEmptyEntries)))
        {
            if (name.Equals("all", StringComparison.OrdinalIgnoreCase))
            {
                policies.AddRange(Enum.GetValues<FitPolicy>());
            }
            else if (name.Equals("none", StringComparison.OrdinalIgnoreCase))
            {
                policies.Clear();
            }
            else if (Subject.TryParsePolicy(name, out FitPolicy policy))
            {
                policies.Add(policy);
            }
            else
            {
                result.AddError($"--policies: '{name}' is no policy; there are instant, best, next, first, last, all and none.");
                return null;
            }
        }
        return [.. policies.Distinct()];
    }
}
