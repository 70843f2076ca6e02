using System.Globalization;

namespace Vmem.Leasing.PostgreSql.Tests.Server;

/// <summary>A server whose own clock can be set: libfaketime stands between it and the system. Time that is measured, not told, goes on as
/// it does.</summary>
public sealed class FakedClockServer : PostgresServer
{
    private static readonly string? s_library = Directory.Exists("/usr/lib")
        ? Directory.EnumerateFiles("/usr/lib", "libfaketime.so.1",
            new EnumerationOptions { RecurseSubdirectories = true, MaxRecursionDepth = 2, IgnoreInaccessible = true }).FirstOrDefault()
        : null;

    protected override IReadOnlyList<string> Variables =>
        [$"LD_PRELOAD={s_library}", $"FAKETIME_TIMESTAMP_FILE={ClockFile}", "FAKETIME_NO_CACHE=1", "FAKETIME_DONT_FAKE_MONOTONIC=1"];

    private string ClockFile => Path.Combine(Folder, "clock");

    public override ValueTask InitializeAsync()
    {
        Assert.SkipWhen(s_library is null, "needs libfaketime: apt-get install libfaketime");
        SetAhead(TimeSpan.Zero);
        return base.InitializeAsync();
    }

    /// <summary>How far its clock is ahead of the machine's.</summary>
    public void SetAhead(TimeSpan time)
    {
        // As a whole, or not at all: it is read whenever the server asks for the time.
        string fresh = ClockFile + ".new";
        File.WriteAllText(fresh, time.TotalSeconds.ToString("+0;-0", CultureInfo.InvariantCulture));
        File.Move(fresh, ClockFile, overwrite: true);
    }
}
