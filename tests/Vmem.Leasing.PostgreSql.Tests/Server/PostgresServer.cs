using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Npgsql;

namespace Vmem.Leasing.PostgreSql.Tests.Server;

/// <summary>A PostgreSQL server of the tests' own: on a free loopback port, in a temporary folder, ended by its process number.</summary>
/// <remarks>PostgreSQL refuses to run as root, so there it runs as its own user.</remarks>
public class PostgresServer : IAsyncLifetime
{
    private const int Attempts = 20;

    /// <summary>In seconds: only what hangs takes so long. By default it is a minute, which a busy machine may need.</summary>
    private const int Patience = 600;

    // Below those that systems give to whoever asks for any port: a server that was killed finds its own free again. Otherwise arbitrary;
    // a sample has those from 21,000 on.
    private const int LowestPort = 11_000;
    private const int HighestPort = 19_999;

    private readonly string _folder = Directory.CreateTempSubdirectory("vmem-postgres-").FullName;
    private int _port;
    private int _databases;

    /// <summary>Where the programs are; null: they are not installed.</summary>
    public static string? Programs { get; } = Directory.Exists("/usr/lib/postgresql")
        ? Directory.GetDirectories("/usr/lib/postgresql").Select(version => Path.Combine(version, "bin"))
            .Where(bin => File.Exists(Path.Combine(bin, "postgres"))).Order(StringComparer.Ordinal).LastOrDefault()
        : null;

    public int Port => _port;

    /// <summary>What its processes find in their environment, as <c>NAME=VALUE</c>.</summary>
    protected virtual IReadOnlyList<string> Variables => [];

    protected string Folder => _folder;

    private string Data => Path.Combine(_folder, "data");

    public virtual async ValueTask InitializeAsync()
    {
        Assert.SkipWhen(Programs is null, "needs PostgreSQL: apt-get install postgresql");
        await InitializeAsync("initdb", "-A", "trust", "-U", "postgres", "--no-sync");
    }

    /// <summary>A replica that follows this server asynchronously: what is committed here is acknowledged before it is there.</summary>
    public async Task<PostgresServer> CreateReplicaAsync()
    {
        PostgresServer replica = new();
        try
        {
            await replica.InitializeAsync("pg_basebackup", "-h", "127.0.0.1", "-p", $"{_port}", "-U", "postgres", "-R", "-c", "fast", "--no-sync");
            return replica;
        }
        catch
        {
            await replica.DisposeAsync();
            throw;
        }
    }

    /// <summary>A replica becomes a server of its own, under another timeline.</summary>
    public Task PromoteAsync() => RunAsync([.. AsItsUser("pg_ctl"), "-D", Data, "-w", "-t", $"{Patience}", "promote"]);

    /// <summary>The replicas hear nothing any more, and nobody is told: the network between them is cut.</summary>
    public async Task StopSendingAsync()
    {
        await using NpgsqlDataSource source = Connect();
        string senders = (string)(await ExecuteAsync(source, "SELECT string_agg(pid::text, ' ') FROM pg_stat_replication"))!;
        await RunAsync(["kill", "-STOP", .. senders.Split(' ')]);
    }

    private async Task InitializeAsync(string program, params string[] arguments)
    {
        if (Environment.IsPrivilegedProcess)
        {
            await RunAsync("chown", "postgres", _folder);
        }

        await RunAsync([.. AsItsUser(program), "-D", Data, .. arguments]);

        // The port is found as late as can be. Another program may still take it first: then another is tried.
        for (int attempt = 1; _port == 0; attempt++)
        {
            _port = FreePort();
            try
            {
                await StartAsync();
            }
            catch (Xunit.Sdk.XunitException) when (attempt < Attempts)
            {
                _port = 0;
            }
        }
    }

    /// <summary>Connects to a database as a role.</summary>
    public NpgsqlDataSource Connect(string database = "postgres", string role = "postgres", string more = "") => NpgsqlDataSource.Create(
        $"Host=127.0.0.1;Port={_port};Database={database};Username={role};Timeout=30;Command Timeout=120;Include Error Detail=true;{more}");

    /// <summary>The address of a database, perhaps by way of a proxy.</summary>
    /// <param name="database">The database.</param>
    /// <param name="proxy">The proxy's port.</param>
    /// <param name="seconds">How long an answer is waited for. A busy machine may need some: so little is for those who ask again.</param>
    public string AddressOf(string database, int? proxy = null, int seconds = 5) =>
        $"Host=127.0.0.1;Port={proxy ?? _port};Database={database};Username=postgres;Timeout={seconds};Command Timeout={seconds}";

    /// <summary>A new, empty database.</summary>
    public async Task<string> CreateDatabaseAsync(string owner = "postgres")
    {
        string name = $"test{Interlocked.Increment(ref _databases)}";
        await using NpgsqlDataSource source = Connect();
        await ExecuteAsync(source, $"CREATE DATABASE {name} OWNER {owner}");
        return name;
    }

    public static async Task<object?> ExecuteAsync(NpgsqlDataSource source, string sql)
    {
        await using NpgsqlCommand command = source.CreateCommand(sql);
        return await command.ExecuteScalarAsync();
    }

    /// <summary>Nobody vacuums: it would come now and then, wait for locks that tests count, and make other plans than they did.</summary>
    public async Task StartAsync()
    {
        await RunAsync([
            .. AsItsUser("pg_ctl"), "-D", Data, "-w", "-t", $"{Patience}", "-l", Path.Combine(_folder, "log"), "-o",
            $"-p {_port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={_folder} -c max_connections=60 -c autovacuum=off", "start",
        ]);
    }

    /// <summary>As a power switch does it, but for the disk.</summary>
    public async Task KillAsync()
    {
        string id = ProcessId();
        await RunAsync("kill", "-STOP", id);      // it starts no other process, which would hold its memory after the list was made
        string[] children = (await OutputAsync("ps", "-o", "pid=", "--ppid", id))
            .Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        await RunAsync("kill", "-KILL", id);
        foreach (string child in children)
        {
            await OutputAsync("kill", "-KILL", child);             // most end by themselves when they see it
        }

        while (Directory.Exists($"/proc/{id}") || children.Any(child => Directory.Exists($"/proc/{child}")))
        {
            await Task.Delay(10);
        }

        File.Delete(Path.Combine(Data, "postmaster.pid"));
    }

    public async ValueTask DisposeAsync()
    {
        NpgsqlConnection.ClearAllPools();
        if (File.Exists(Path.Combine(Data, "postmaster.pid")))
        {
            string id = ProcessId();
            await RunAsync("kill", "-QUIT", id);
            while (Directory.Exists($"/proc/{id}"))
            {
                await Task.Delay(10);
            }
        }

        Directory.Delete(_folder, recursive: true);
        GC.SuppressFinalize(this);
    }

    private string ProcessId() => File.ReadLines(Path.Combine(Data, "postmaster.pid")).First();

    private string[] AsItsUser(string program) =>
        [.. Environment.IsPrivilegedProcess ? (string[])["runuser", "-u", "postgres", "--"] : [], "env", .. Variables, Path.Combine(Programs!, program)];

    /// <summary>One on which nobody listens at present.</summary>
    private static int FreePort()
    {
        while (true)
        {
            int port = Random.Shared.Next(LowestPort, HighestPort + 1);
            try
            {
                using var listener = new TcpListener(IPAddress.Loopback, port);
                listener.Start();
                return port;
            }
            catch (SocketException)
            {
                // It is taken: another.
            }
        }
    }

    private static async Task RunAsync(params string[] command)
    {
        // No output is redirected: the server would inherit the pipe, and keep it open.
        using Process process = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", "exec \"$@\" >/dev/null 2>&1", "sh", .. command]))!;
        await process.WaitForExitAsync();
        string end = string.Create(CultureInfo.InvariantCulture, $"{string.Join(' ', command)} ended with {process.ExitCode}.");
        Assert.True(process.ExitCode == 0, end);
    }

    public static async Task<string> OutputAsync(params string[] command)
    {
        ProcessStartInfo start = new(command[0], command[1..]) { RedirectStandardOutput = true, RedirectStandardError = true };
        using Process process = Process.Start(start)!;
        string output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return output;
    }
}
