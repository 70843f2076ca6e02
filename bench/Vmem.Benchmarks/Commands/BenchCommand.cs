using System.CommandLine;
using System.CommandLine.Parsing;
using BenchmarkDotNet.Running;
using Vmem.Benchmarks.Studies;
using Vmem.Benchmarks.Web;

namespace Vmem.Benchmarks.Commands;

/// <summary>The command line: <c>study</c> for the studies with their peers, <c>micro</c> for BenchmarkDotNet, and hidden ones
/// that studies run as child processes.</summary>
internal static class BenchCommand
{
    private const int WrongUsage = 2;

    private static readonly IStudy[] s_studies =
    [
        new GrowthStudy(),
        new VariationsStudy(),
        new ConstrainedStudy(),
        new ThreadsStudy(),
        new BookkeepingStudy(),
        new FragmentationStudy(),
        new PauseStudy(),
        new LatencyStudy(),
        new CachingStudy(),
        new WaitingStudy(),
        new PoolsStudy(),
        new WebStudy(),
        new SeenStudy(),
        new HandoverStudy(),
        new ProcessorsStudy(),
        new BuddyStudy(),
        new ClientsStudy(),
        new HeapStudy(),
        new CheckedStudy(),
        new SampledStudy(),
        new RunsStudy(),
        new PrefixesStudy(),
    ];

    public static int Run(string[] args)
    {
        var root = new RootCommand("Benchmarks and studies of Vmem. Build in Release; leave the machine alone while they run.") { MakeStudy(), MakeMicro(), MakeProbe(), MakeScatter(), MakeVisitors(), MakeLeaseClient() };
        ParseResult parsed = root.Parse(args);
        int code = parsed.Invoke();
        return parsed.Errors.Count > 0 ? WrongUsage : code;
    }

    private static Command MakeStudy()
    {
        var study = new Command("study", "Studies of growth, fragmentation, threads and memory, beside native peers and the linear baseline.");
        var options = new StudyOptions();
        foreach (IStudy one in s_studies)
        {
            var command = new Command(one.Name, one.Description);
            options.AddTo(command);
            command.SetAction(parsed => StudyRunner.Run([one], options.Read(parsed), options.ReadOut(parsed)));
            study.Add(command);
        }
        study.Add(MakeAlone(new LeasesStudy(), options));
        study.Add(MakeAlone(new GpuStudy(), options));
        study.Add(MakePeers(options));

        var all = new Command("all", "Every study, with sizes up to 10^6 unless --max-n says otherwise.");
        options.AddTo(all);
        all.SetAction(parsed => StudyRunner.Run(s_studies, options.ReadForAll(parsed), options.ReadOut(parsed)));
        study.Add(all);
        return study;
    }

    // Not one of all: leases need a disk, and a server for the half of it; device memory needs a device.
    private static Command MakeAlone(IStudy one, StudyOptions options)
    {
        var command = new Command(one.Name, one.Description);
        options.AddTo(command);
        command.SetAction(parsed => StudyRunner.Run([one], options.Read(parsed), options.ReadOut(parsed)));
        return command;
    }

    // Not one of all: it needs libraries that are built elsewhere.
    private static Command MakePeers(StudyOptions options)
    {
        var one = new PeersStudy();
        var peers = new Option<string[]>("--peer") { Description = "A library with a native range allocator (docs/benchmarks.md); may be repeated.", HelpName = "PATH", Required = true };
        var write = new Option<string?>("--write") { Description = "A Markdown page whose section between the study's markers is replaced.", HelpName = "PAGE" };
        var command = new Command(one.Name, one.Description) { peers, write };
        options.AddTo(command);
        command.SetAction(parsed => StudyRunner.Run(
            [one],
            options.ReadForAll(parsed) with { Peers = parsed.GetRequiredValue(peers) },
            options.ReadOut(parsed),
            parsed.GetValue(write)));
        return command;
    }

    private static Command MakeMicro()
    {
        var arguments = new Argument<string[]>("arguments") { Description = "BenchmarkDotNet's own, after --: for example -- --filter *Pair* --job short", Arity = ArgumentArity.ZeroOrMore };
        var micro = new Command("micro", "BenchmarkDotNet micro-benchmarks, with the bytes allocated per operation.") { arguments };
        micro.SetAction(parsed =>
        {
            BenchmarkSwitcher.FromAssembly(typeof(BenchCommand).Assembly).Run(parsed.GetValue(arguments));
            return 0;
        });
        return micro;
    }

    private static Command MakeProbe()
    {
        var subject = new Argument<string>("subject");
        var segments = new Argument<int>("segments");
        var probe = new Command("probe", "One measurement of the bookkeeping study, in a process of its own.") { subject, segments };
        probe.Hidden = true;
        probe.SetAction(parsed => BookkeepingProbe.Run(parsed.GetRequiredValue(subject), parsed.GetRequiredValue(segments)));
        return probe;
    }

    private static Command MakeScatter()
    {
        var subject = new Argument<string>("subject");
        var scatter = new Command(ScatterProbe.Verb, "One measurement of the heap study, in a process of its own.") { subject };
        scatter.Hidden = true;
        scatter.SetAction(parsed => ScatterProbe.Run(parsed.GetRequiredValue(subject)));
        return scatter;
    }

    private static Command MakeVisitors()
    {
        var port = new Argument<int>("port");
        var count = new Argument<int>("count");
        var visitors = new Command(Visitors.Verb, "Clients of the web study, in a process of their own.") { port, count };
        visitors.Hidden = true;
        visitors.SetAction(parsed => Visitors.Run(parsed.GetValue(port), parsed.GetValue(count)));
        return visitors;
    }

    private static Command MakeLeaseClient()
    {
        var arena = new Argument<string>("arena");
        var client = new Command(LeaseProcesses.Verb, "A client of the lease study, in a process of its own.") { arena };
        client.Hidden = true;
        client.SetAction(parsed => LeaseProcesses.RunChild(parsed.GetRequiredValue(arena)));
        return client;
    }
}
