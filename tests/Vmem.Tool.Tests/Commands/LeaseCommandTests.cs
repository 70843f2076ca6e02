using System.Text.Json;
using Vmem.Leasing;
using Vmem.Tool.Leases;

namespace Vmem.Tool.Tests.Commands;

/// <summary>vmem lease, on a file.</summary>
public sealed class LeaseCommandTests : IDisposable
{
    /// <summary>Nobody renews here.</summary>
    private static readonly TimeSpan s_term = TimeSpan.FromHours(1);

    private readonly TempFolder _folder = new();
    private readonly string _file;

    public LeaseCommandTests() => _file = _folder.PathOf("ports.db");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Init_makes_an_arena_and_list_and_show_tell_of_it()
    {
        ToolRun made = await ToolRun.Of(
            "lease", "init", _file, "ports", "--start", "20000", "--size", "0x400", "--type", "UInt16", "--quarantine", "5m");
        Assert.Equal((0, ""), (made.ExitCode, made.Error));
        Assert.Contains("arena 'ports': [20000, 21024) of UInt16, quantum 1, quarantine 00:05:00", made.Output, StringComparison.Ordinal);
        Assert.Contains("ports", (await OkAsync("list")).Prose, StringComparison.Ordinal);
        JsonElement arena = Assert.Single((await JsonAsync("list")).EnumerateArray());
        Assert.Equal(("ports", "1024", "0"), (Text(arena, "name"), Text(arena, "free"), Text(arena, "leased")));
        JsonElement extent = Assert.Single((await JsonAsync("show", "ports")).EnumerateArray());
        Assert.Equal(("20000", "1024", "Free"), (Text(extent, "start"), Text(extent, "size"), Text(extent, "state")));
    }

    [Fact]
    public async Task Sessions_names_the_living()
    {
        await using SqliteLeaseStore store = await LeaseAsync();
        JsonElement session = Assert.Single((await JsonAsync("sessions")).EnumerateArray());
        Assert.Equal(("web", "Live", 1), (Text(session, "owner"), Text(session, "state"), session.GetProperty("held").GetInt32()));
        Assert.Contains("web", (await OkAsync("sessions")).Prose, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Audit_tells_who_had_a_value_when_and_under_which_fence()
    {
        await using SqliteLeaseStore store = await LeaseAsync();
        LeaseExtent first = (await store.ListAsync(1, Token))[0];
        LeaseClaim claim = new(1, first.Session, first.Start, first.Size, first.Fence, Guid.Empty);
        Assert.True(await store.ReleaseAsync(claim, clean: true, null, Token));
        var next = Guid.NewGuid();
        await store.OpenSessionAsync(next, "api", s_term, 0, Token);
        await store.GrantAsync(new LeaseRequest(1, next, Guid.NewGuid(), 4), Token);
        JsonElement[] tenures = [.. (await JsonAsync("audit", "ports", "--value", "20001")).EnumerateArray()];
        Assert.Equal([("web", 1, "released, clean"), ("api", 2, "held")],
            tenures.Select(tenure => (Text(tenure, "owner"), tenure.GetProperty("fence").GetInt32(), Text(tenure, "end"))));
        Assert.Equal(JsonValueKind.Null, tenures[1].GetProperty("until").ValueKind);
        string table = (await OkAsync("audit", "ports", "--value", "0x4E21")).Prose;
        Assert.Contains("│ web │ 1 │ 2", table, StringComparison.Ordinal);
        Assert.Equal(["Open", "Grant", "Release", "Free", "Open", "Grant"],
            (await JsonAsync("audit", "ports")).EnumerateArray().Select(entry => Text(entry, "event")));
        Assert.Equal(["Release", "Free"],
            (await JsonAsync("audit", "ports", "--after", "2", "--limit", "2")).EnumerateArray().Select(entry => Text(entry, "event")));
        JsonElement newest = Assert.Single((await JsonAsync("audit", "ports", "--limit", "1")).EnumerateArray());
        Assert.Equal(("Grant", "api", 2), (Text(newest, "event"), Text(newest, "owner"), newest.GetProperty("fence").GetInt32()));
        Assert.Contains("nobody has had it", (await OkAsync("audit", "ports", "--value", "20100")).Output, StringComparison.Ordinal);
        ToolRun outside = await ToolRun.Of("lease", "audit", _file, "ports", "--value", "80");
        Assert.Equal(1, outside.ExitCode);
        Assert.Contains("80 is no value of arena 'ports'", outside.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Validate_and_doctor_find_nothing_where_all_is_well_and_fail_where_not()
    {
        await using (await LeaseAsync())
        {
            Assert.Contains("every invariant holds", (await OkAsync("validate")).Output, StringComparison.Ordinal);
            Assert.DoesNotContain("WARNING", (await OkAsync("doctor")).Output, StringComparison.Ordinal);
        }

        Directory.Delete(_file + "-leases", recursive: true);
        ToolRun ill = await ToolRun.Of("lease", "doctor", _file, "--json");
        Assert.Equal(1, ill.ExitCode);
        using var findings = JsonDocument.Parse(ill.Output);
        Assert.Equal(["witness"], findings.RootElement.EnumerateArray().Where(finding => !finding.GetProperty("isGood").GetBoolean())
            .Select(finding => Text(finding, "check")));
    }

    [Fact]
    public async Task Release_takes_a_lease_into_quarantine_and_only_with_force()
    {
        await using SqliteLeaseStore store = await LeaseAsync();
        ToolRun asked = await ToolRun.Of("lease", "release", _file, "ports", "20002");
        Assert.Equal(2, asked.ExitCode);
        Assert.Contains("--force", asked.Error, StringComparison.Ordinal);
        Assert.Contains("taken from web", (await OkAsync("release", "ports", "20002", "--force")).Output, StringComparison.Ordinal);
        IReadOnlyList<LeaseExtent> extents = await store.ListAsync(1, Token);
        Assert.Equal([LeaseExtentState.Quarantined, LeaseExtentState.Free], extents.Select(extent => extent.State));
        Assert.NotNull(extents[0].Watermark);                  // the holder was not asked which times it has used
        ToolRun again = await ToolRun.Of("lease", "release", _file, "ports", "20002", "--force");
        Assert.Equal(1, again.ExitCode);
        Assert.Contains("is not leased", again.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Prune_deletes_the_past()
    {
        await using SqliteLeaseStore store = await LeaseAsync();
        Assert.Contains("1 entries before", (await OkAsync("prune", "--before", "2999-01-01T00:00Z")).Output, StringComparison.Ordinal);
        Assert.Contains("0 entries before", (await OkAsync("prune", "--before", "90d")).Output, StringComparison.Ordinal);
        Assert.Single(await store.ReadAuditAsync(1, 0, 1000, Token));
    }

    [Theory]
    [InlineData("2026-01-31", "2026-01-31 00:00:00Z")]
    [InlineData("2026-01-31T10:30Z", "2026-01-31 10:30:00Z")]
    [InlineData("2026-01-31T10:30", "2026-01-31 10:30:00Z")]
    [InlineData("2026-01-31T10:30:15.25+02:00", "2026-01-31 08:30:15Z")]
    [InlineData("2026-01-31 10:30:15", "2026-01-31 10:30:15Z")]
    public async Task Prune_knows_the_times_of_ISO_8601(string before, string shown)
    {
        await using SqliteLeaseStore store = await LeaseAsync();
        Assert.Contains($"0 entries before {shown} deleted", (await OkAsync("prune", "--before", before)).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Migrate_makes_the_tables_or_writes_the_script()
    {
        Assert.Contains("made, at version", (await OkAsync("migrate")).Output, StringComparison.Ordinal);
        Assert.Contains("up to date", (await OkAsync("migrate")).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_script_begins_at_the_stores_version_or_at_the_one_that_is_given()
    {
        string whole = (await OkAsync("migrate", "--script")).Output;
        Assert.Contains("CREATE TABLE extent", whole, StringComparison.Ordinal);
        Assert.False(File.Exists(_file));
        await OkAsync("migrate");
        Assert.Contains("-- Nothing to do", (await OkAsync("migrate", "--script")).Output, StringComparison.Ordinal);
        Assert.Equal(whole, (await OkAsync("migrate", "--script", "--from", "0")).Output);
        string last = (await OkAsync("migrate", "--script", "--from", "1")).Output;
        Assert.Contains("CREATE TRIGGER", last, StringComparison.Ordinal);
        Assert.DoesNotContain("CREATE TABLE", last, StringComparison.Ordinal);

        // Nobody is asked where the version is given.
        ToolRun server = await ToolRun.Of("lease", "migrate", "Host=nowhere.invalid;Database=x", "--script", "--from", "2");
        Assert.Contains("CREATE FUNCTION vmem.list_arenas", server.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("CREATE FUNCTION vmem.grant_lease", server.Output, StringComparison.Ordinal);
        ToolRun asked = await ToolRun.Of("lease", "migrate", "Host=nowhere.invalid;Database=x", "--script");
        Assert.Equal((1, ""), (asked.ExitCode, asked.Output));
    }

    [Theory]
    [InlineData("may have been done", "prune", "STORE", "--before", "1d")]
    [InlineData("may have been done", "release", "STORE", "ports", "20000", "--force")]
    [InlineData("may have been done", "init", "STORE", "more", "--size", "8")]
    [InlineData("nothing was written", "show", "STORE", "ports")]
    public async Task Who_is_interrupted_is_told_what_is_left(string text, params string[] args)
    {
        await using (await LeaseAsync())
        {
        }

        string[] given = [.. args.Select(arg => arg == "STORE" ? _file : arg)];
        ToolRun run = await ToolRun.WithInput(Stream.Null, new CancellationToken(canceled: true), ["lease", .. given]);
        Assert.Equal(130, run.ExitCode);
        Assert.Contains(text, run.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("there is no such file", 1, "list", "FILE")]
    [InlineData("there is no arena 'none': \"vmem lease list\" shows what there is, and \"vmem lease init\" makes one", 1, "show", "STORE", "none")]
    [InlineData("there is no arena ''", 1, "validate", "STORE", "")]
    [InlineData("needs a name", 2, "init", "STORE", "", "--size", "8")]
    [InlineData("--limit is at least 1", 2, "audit", "STORE", "ports", "--limit", "0")]
    [InlineData("--limit is at least 1", 2, "audit", "STORE", "ports", "--value", "20001", "--limit", "-1")]
    [InlineData("36500d at most", 2, "prune", "STORE", "--before", "99999999999999d")]
    [InlineData("36500d at most", 2, "prune", "STORE", "--before", "9999999d")]
    [InlineData("36500d at most", 2, "prune", "STORE", "--before", "NaNd")]
    [InlineData("36500d at most", 2, "init", "STORE", "more", "--size", "8", "--quarantine", "99999999999999d")]
    [InlineData("longer than a year", 1, "init", "STORE", "more", "--size", "8", "--quarantine", "36500d")]
    [InlineData("is no number", 2, "audit", "STORE", "ports", "--value", "many")]
    [InlineData("is no time", 2, "prune", "STORE", "--before", "soon")]
    [InlineData("is no time", 2, "prune", "STORE", "--before", "1.5")]
    [InlineData("is no time", 2, "prune", "STORE", "--before", "1/2/2999")]
    [InlineData("is no time", 2, "prune", "STORE", "--before", "12:00")]
    [InlineData("empty address", 1, "list", "")]
    [InlineData("version 99 is not known here", 1, "migrate", "STORE", "--script", "--from", "99")]
    [InlineData("--from goes with --script", 2, "migrate", "STORE", "--from", "1")]
    [InlineData("connection string is wrong", 1, "list", "Host=x;Colour=red")]
    [InlineData("is a folder", 1, "list", "FOLDER")]
    [InlineData("reaches past 255, the last value of Byte", 1, "init", "STORE", "slots", "--size", "300", "--type", "Byte")]
    [InlineData("is no number from 0 to 2^128 - 1", 2, "audit", "STORE", "ports", "--value", "-1")]
    [InlineData("or a date, such as 2026-01-31", 2, "prune", "STORE", "--before", "yesterday")]
    [InlineData("size 10 are not both multiples", 1, "init", "STORE", "odd", "--size", "10", "--quantum", "4")]
    public async Task What_is_wrong_is_said(string text, int exitCode, params string[] args)
    {
        await using (await LeaseAsync())
        {
        }

        string[] given = [.. args.Select(arg => arg switch
        {
            "STORE" => _file,
            "FILE" => _folder.PathOf("none.db"),
            "FOLDER" => Path.GetDirectoryName(_file)!,
            _ => arg,
        })];
        ToolRun run = await ToolRun.Of(["lease", .. given]);
        Assert.Equal(exitCode, run.ExitCode);
        Assert.Contains(text, run.Error, StringComparison.Ordinal);
        Assert.Single(run.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.False(File.Exists(_folder.PathOf("none.db")));
    }

    /// <summary>A mistyped name is no wish for a new store.</summary>
    [Theory]
    [InlineData("there is no such file", "prune", "FILE", "--before", "1d")]
    [InlineData("there is no such file", "release", "FILE", "a", "1", "--force")]
    [InlineData("there is no such file", "show", "FILE", "a")]
    [InlineData("its size is 0", "init", "FILE", "a", "--size", "0")]
    [InlineData("its quantum is 0", "init", "FILE", "a", "--size", "1", "--quantum", "0")]
    [InlineData("is not positive", "init", "FILE", "a", "--size", "1", "--quarantine", "0s")]
    public async Task What_is_refused_makes_no_store(string text, params string[] args)
    {
        string[] given = [.. args.Select(arg => arg == "FILE" ? _file : arg)];
        ToolRun run = await ToolRun.Of(["lease", .. given]);
        Assert.Equal((1, ""), (run.ExitCode, run.Output));
        Assert.Contains(text, run.Error, StringComparison.Ordinal);
        Assert.Single(run.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.Empty(_folder.FileNames());
        Assert.False(Directory.Exists(_file + "-leases"));
    }

    /// <summary>What nobody knows to be local is not taken for it.</summary>
    [Theory]
    [InlineData(true, "ext4", "xfs", "btrfs", "zfs", "overlay", "tmpfs", "NTFS", "apfs", "fuseblk")]
    [InlineData(false, "nfs", "nfs4", "cifs", "smb2", "smb3", "9p", "v9fs", "ceph", "virtiofs", "fuse", "fuse.sshfs", "fuse.glusterfs",
        "lustre", "drvfs", "vboxsf", "new", "unknown", "")]
    public void A_drive_is_this_machines_own_only_if_that_is_known(bool isLocal, params string[] kinds) =>
        Assert.All(kinds, kind => Assert.Equal(isLocal, DriveKind.IsLocal(kind)));

    [Fact]
    public async Task A_file_that_is_no_database_is_said_to_be_none()
    {
        string other = _folder.Write("text.db", new string('x', 5000));
        ToolRun run = await ToolRun.Of("lease", "list", other);
        Assert.Equal(1, run.ExitCode);
        Assert.Contains("is no SQLite database", run.Error, StringComparison.Ordinal);
    }

    private static string Text(JsonElement parent, string name) => parent.GetProperty(name).GetString()!;

    /// <summary>A store in which "web" holds [20000, 20004).</summary>
    private async Task<SqliteLeaseStore> LeaseAsync()
    {
        SqliteLeaseStore store = new(_file);
        LeaseDefinition definition = new() { Start = 20000, Size = 1024, Type = "UInt16", Quarantine = s_term };
        LeaseArena arena = await store.EnsureArenaAsync("ports", definition, Token);
        var session = Guid.NewGuid();
        await store.OpenSessionAsync(session, "web", s_term, 0, Token);
        await store.GrantAsync(new LeaseRequest(arena.Id, session, Guid.NewGuid(), 4), Token);
        return store;
    }

    private async Task<ToolRun> OkAsync(string command, params string[] more)
    {
        ToolRun run = await ToolRun.Of(["lease", command, _file, .. more]);
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        return run;
    }

    private async Task<JsonElement> JsonAsync(string command, params string[] more)
    {
        using var document = JsonDocument.Parse((await OkAsync(command, [.. more, "--json"])).Output);
        return document.RootElement.Clone();
    }
}
