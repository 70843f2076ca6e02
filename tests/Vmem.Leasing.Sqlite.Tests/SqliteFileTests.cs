using Microsoft.Data.Sqlite;

namespace Vmem.Leasing.Sqlite.Tests;

/// <summary>What may be wrong with the file: full, read-only, missing, somebody else's, older or newer.</summary>
public sealed class SqliteFileTests : IDisposable
{
    private readonly TempFile _file = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static LeaseDefinition Definition { get; } =
        new() { Start = 1000, Size = 64, Type = "UInt64", Quarantine = TimeSpan.FromMinutes(5) };

    public void Dispose() => _file.Dispose();

    [Fact]
    public async Task A_full_disk_changes_nothing_and_says_so()
    {
        var session = Guid.NewGuid();
        LeaseClaim first;
        await using (var store = new SqliteLeaseStore(_file.Path))
        {
            first = await GrantAsync(store, session, 1);
        }

        List<LeaseClaim> granted = [first];
        await using (var full = new SqliteLeaseStore(_file.Path, new SqliteLeaseStoreOptions { MaxPages = 1 }))
        {
            IOException fault = await Assert.ThrowsAsync<IOException>(() => GrantUntilFullAsync(full, first, granted));
            Assert.Contains("disk of", fault.Message, StringComparison.Ordinal);
            Assert.Equal(granted.Count, (await full.GetHeldAsync(session, Token)).Count);
            Assert.NotNull(await full.RenewAsync(session, 0, Token));                  // who lives goes on
        }

        await using var again = new SqliteLeaseStore(_file.Path);
        Assert.Equal(granted, await again.GetHeldAsync(session, Token));
        Assert.Empty(await again.ValidateAsync(first.Arena, Token));
    }

    [Fact]
    public async Task Who_only_reads_writes_nothing()
    {
        LeaseClaim claim;
        await using (var store = new SqliteLeaseStore(_file.Path))
        {
            claim = await GrantAsync(store, Guid.NewGuid(), 8);
        }

        await using var reader = new SqliteLeaseStore(_file.Path, new SqliteLeaseStoreOptions { IsReadOnly = true });
        Assert.Equal(2, (await reader.ListAsync(claim.Arena, Token)).Count);
        Assert.Empty(await reader.ValidateAsync(claim.Arena, Token));
        UnauthorizedAccessException fault = await Assert.ThrowsAsync<UnauthorizedAccessException>(
            async () => await reader.ReleaseAsync(claim, clean: true, null, Token));
        Assert.Contains("cannot be written", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_that_cannot_be_written_says_so()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows() || Environment.IsPrivilegedProcess, "a superuser writes everywhere");
        await using (var store = new SqliteLeaseStore(_file.Path))
        {
            await GrantAsync(store, Guid.NewGuid(), 8);
        }

        File.SetAttributes(_file.Path, FileAttributes.ReadOnly);
        await using var again = new SqliteLeaseStore(_file.Path);
        await Assert.ThrowsAsync<UnauthorizedAccessException>(async () => await again.SweepAsync(1, Token));
    }

    [Fact]
    public async Task Without_a_folder_the_error_says_what_is_missing()
    {
        await using var store = new SqliteLeaseStore(Path.Combine(_file.Folder, "none", "leases.db"));
        IOException fault = await Assert.ThrowsAsync<IOException>(async () => await store.GetInfoAsync(Token));
        Assert.Contains("folder must exist", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_no_database_is_refused_and_left_as_it_is()
    {
        await File.WriteAllTextAsync(_file.Path, new string('x', 5000), Token);
        await using var store = new SqliteLeaseStore(_file.Path);
        await Assert.ThrowsAsync<LeaseSchemaException>(async () => await store.GetInfoAsync(Token));
        Assert.Equal(new string('x', 5000), await File.ReadAllTextAsync(_file.Path, Token));
    }

    [Fact]
    public async Task Another_programs_database_is_refused()
    {
        _file.Execute("CREATE TABLE customers (name TEXT)");
        await using var store = new SqliteLeaseStore(_file.Path);
        LeaseSchemaException fault = await Assert.ThrowsAsync<LeaseSchemaException>(async () => await store.GetInfoAsync(Token));
        Assert.Contains("another program", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_newer_file_is_refused_unless_it_says_that_older_libraries_may_use_it()
    {
        Assert.Equal(0, LeaseSchema.Migrate(_file.Path));
        int newer = LeaseSchema.Version + 7;
        _file.Execute($"INSERT INTO schema_version VALUES ({newer}, {LeaseSchema.Version})");
        await using (var store = new SqliteLeaseStore(_file.Path))
        {
            await GrantAsync(store, Guid.NewGuid(), 8);
        }

        _file.Execute($"UPDATE schema_version SET oldest = {newer} WHERE version = {newer}");
        await using var refused = new SqliteLeaseStore(_file.Path);
        LeaseSchemaException fault = await Assert.ThrowsAsync<LeaseSchemaException>(async () => await refused.GetInfoAsync(Token));
        Assert.Contains("update the program", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_older_file_is_brought_up_to_date_if_that_is_wanted()
    {
        _file.Execute(OldScript());
        await using (var store = new SqliteLeaseStore(_file.Path, new SqliteLeaseStoreOptions { Migrates = false }))
        {
            LeaseSchemaException fault = await Assert.ThrowsAsync<LeaseSchemaException>(async () => await store.GetInfoAsync(Token));
            Assert.Contains("vmem lease migrate", fault.Message, StringComparison.Ordinal);
        }

        await using (var store = new SqliteLeaseStore(_file.Path))
        {
            await GrantAsync(store, Guid.NewGuid(), 8);
        }

        Assert.Equal((long)LeaseSchema.Version, _file.Execute("SELECT max(version) FROM schema_version"));
        Assert.Throws<SqliteException>(() => _file.Execute("UPDATE arena SET fence = 0"));
        Assert.Equal(LeaseSchema.Version, LeaseSchema.Migrate(_file.Path));
        Assert.DoesNotContain("CREATE", LeaseSchema.GetScript(LeaseSchema.Version), StringComparison.Ordinal);

        // The file as the first version made it.
        static string OldScript()
        {
            string all = LeaseSchema.GetScript();
            return all[..all.IndexOf("-- The proof", StringComparison.Ordinal)] + "COMMIT;";
        }
    }

    private static async Task<LeaseClaim> GrantAsync(SqliteLeaseStore store, Guid session, int size)
    {
        LeaseArena arena = await store.EnsureArenaAsync("ids", Definition, Token);
        await store.OpenSessionAsync(session, "tests", TimeSpan.FromMinutes(5), 0, Token);
        return (await store.GrantAsync(new LeaseRequest(arena.Id, session, Guid.NewGuid(), (UInt128)size), Token)).Claim!;
    }

    private static async Task GrantUntilFullAsync(SqliteLeaseStore store, LeaseClaim like, List<LeaseClaim> granted)
    {
        LeaseArena arena = await store.EnsureArenaAsync("many", Definition with { Size = 1 << 20 }, Token);
        for (int i = 0; i < 1 << 16; i++)
        {
            granted.Add((await store.GrantAsync(new LeaseRequest(arena.Id, like.Session, Guid.NewGuid(), 1), Token)).Claim!);
        }
    }
}
