using System.CommandLine;
using System.Data.Common;
using System.Globalization;
using System.Net.Sockets;
using Vmem.Leasing;
using Vmem.Tool.Files;
using Vmem.Tool.Leases;
using PostgreSqlSchema = Vmem.Leasing.PostgreSql.LeaseSchema;
using SqliteSchema = Vmem.Leasing.Sqlite.LeaseSchema;

namespace Vmem.Tool.Commands;

/// <summary><c>vmem lease …</c>: who leases what, had what, and whether all is in order, in a file or a database.</summary>
internal static class LeaseCommand
{
    private static readonly Argument<string> s_store = new("STORE")
    {
        Description = "A file of SQLite, or a connection string of PostgreSQL: \"Host=…;Database=…\", postgres://…",
    };

    private static readonly Argument<string> s_arena = new("ARENA") { Description = "The arena's name." };

    private static readonly Option<bool> s_json = new("--json") { Description = "Write JSON." };

    public static Command Create(ToolConsole console) =>
        new("lease", "Looks at leases that processes and machines share, and looks after them.")
        {
            Init(console),
            Reading(console, "list", "The arenas, and how much of each is free, leased and quarantined.", [s_store],
                static async (store, _, token) => LeaseText.Of(await LeaseQueries.ArenasAsync(store, token))),
            Reading(console, "show", "The extents of an arena: who holds what.", [s_store, s_arena],
                static async (store, parsed, token) =>
                    LeaseText.Of(await LeaseQueries.ExtentsAsync(store, parsed.GetValue(s_arena)!, token))),
            Reading(console, "sessions", "The sessions that live, or still hold something.", [s_store],
                static async (store, _, token) => LeaseText.Of(await LeaseQueries.SessionsAsync(store, token))),
            Audit(console),
            Validate(console),
            Doctors(console),
            Release(console),
            Prune(console),
            Migrate(console),
        };

    private static Command Init(ToolConsole console)
    {
        Option<string> start = new("--start") { Description = "The first value. [default: 0]", HelpName = "N" };
        Option<string> size = new("--size") { Description = "How many values there are.", HelpName = "N", Required = true };
        Option<string> quantum = new("--quantum")
        {
            Description = "Start and size of each lease are multiples of it. [default: 1]",
            HelpName = "N",
        };
        Option<string> type = new("--type")
        {
            Description = "The integer type that programs open it as.",
            DefaultValueFactory = static _ => nameof(UInt64),
        };
        type.AcceptOnlyFromAmong(nameof(Byte), nameof(UInt16), nameof(UInt32), nameof(UInt64), nameof(UInt128));
        Option<string> quarantine = new("--quarantine")
        {
            Description = "From the lapse of a holder to the reuse of what it held; no less than any session's TTL: 30s, 5m, 1h. [default: 30s]",
            HelpName = "TIME",
        };
        Command command = new("init", "Makes the tables, if need be, and an arena.")
        {
            s_store, s_arena, start, size, quantum, type, quarantine,
        };
        command.SetAction((parsed, token) => RunAsync(console, parsed, StoreUse.Make, async (address, cancellationToken) =>
        {
            LeaseDefinition definition = new()
            {
                Start = LeaseValues.Number(parsed.GetValue(start) ?? "0"),
                Size = LeaseValues.Number(parsed.GetValue(size)!),
                Quantum = LeaseValues.Number(parsed.GetValue(quantum) ?? "1"),
                Type = parsed.GetValue(type)!,
                Quarantine = LeaseValues.Time(parsed.GetValue(quarantine) ?? "30s"),
            };
            if (parsed.GetValue(s_arena) is not { Length: > 0 } name)
            {
                throw new UsageException("an arena needs a name");
            }

            definition.Check();
            LeaseArena arena = await address.Store.EnsureArenaAsync(name, definition, cancellationToken);
            await console.Output.WriteLineAsync(PlainText.Of($"arena '{arena.Name}': {arena.Definition}"));
            return ExitCodes.Success;
        }, token));
        return command;
    }

    private static Command Audit(ToolConsole console)
    {
        Option<string?> value = new("--value") { Description = "Only who had this value, when, and under which fence.", HelpName = "V" };
        Option<long?> after = new("--after") { Description = "The entries that follow this number, instead of the newest.", HelpName = "N" };
        Option<int> limit = new("--limit")
        {
            Description = "At most so many entries.",
            HelpName = "N",
            DefaultValueFactory = static _ => 1000,
        };
        Command command = Reading(console, "audit", "What happened to an arena and its holders.", [s_store, s_arena],
            async (store, parsed, token) =>
            {
                string arena = parsed.GetValue(s_arena)!;
                int most = parsed.GetValue(limit) is > 0 and var given ? given : throw new UsageException("--limit is at least 1");
                return parsed.GetValue(value) is { } wanted
                    ? LeaseText.Of(await LeaseQueries.TenuresAsync(store, arena, LeaseValues.Number(wanted), token))
                    : LeaseText.Of(await LeaseQueries.AuditAsync(store, arena, parsed.GetValue(after), most, token));
            });
        command.Add(value);
        command.Add(after);
        command.Add(limit);
        return command;
    }

    private static Command Validate(ToolConsole console)
    {
        Argument<string?> arena = new("ARENA") { Description = "The arena; all, unless given.", Arity = ArgumentArity.ZeroOrOne };
        return Reading(console, "validate", "Checks every invariant. Exit code 1 if one is broken.", [s_store, arena],
            async (store, parsed, token) =>
            {
                IReadOnlyList<FaultDocument> faults = await LeaseQueries.FaultsAsync(store, parsed.GetValue(arena), token);
                return LeaseText.Of(faults, isGood: faults.Count == 0);
            });
    }

    private static Command Doctors(ToolConsole console)
    {
        Command command = new("doctor",
            "Looks for what breaks promises though every lease is in order. Exit code 1 if it finds something.")
        {
            s_store, s_json,
        };
        command.SetAction((parsed, token) => RunAsync(console, parsed, StoreUse.Read, async (address, cancellationToken) =>
        {
            IReadOnlyList<FindingDocument> findings = await Doctor.ExamineAsync(address, cancellationToken);
            return await WriteAsync(console, parsed, LeaseText.Of(findings, findings.All(static finding => finding.IsGood)));
        }, token));
        return command;
    }

    private static Command Release(ToolConsole console)
    {
        Argument<string> value = new("VALUE") { Description = "A value of the lease." };
        Option<bool> force = new("--force") { Description = "Needed: the holder is not asked, and learns of it at its next renewal." };
        Command command = new("release", "Takes a lease from its holder. It is quarantined first, and never free at once.")
        {
            s_store, s_arena, value, force,
        };
        command.SetAction((parsed, token) => RunAsync(console, parsed, StoreUse.Change, async (address, cancellationToken) =>
        {
            if (!parsed.GetValue(force))
            {
                throw new UsageException("to take a lease from a holder that may live needs --force; whoever is dead loses it without");
            }

            LeaseExtent extent = await LeaseQueries.ReleaseAsync(address.Store, parsed.GetValue(s_arena)!,
                LeaseValues.Number(parsed.GetValue(value)!), cancellationToken);
            await console.Output.WriteLineAsync(PlainText.Of(string.Create(CultureInfo.InvariantCulture,
                $"{extent.Size} at {extent.Start}, fence {extent.Fence}, taken from {extent.Owner} ({extent.Session}): in quarantine now")));
            return ExitCodes.Success;
        }, token));
        return command;
    }

    private static Command Prune(ToolConsole console)
    {
        Option<string> before = new("--before")
        {
            Description = "A time, or how long ago: 2026-01-31T00:00Z, 90d, 12h.",
            HelpName = "TIME",
            Required = true,
        };
        Command command = new("prune", "Deletes what the audit says of the time before.") { s_store, before };
        command.SetAction((parsed, token) => RunAsync(console, parsed, StoreUse.Change, async (address, cancellationToken) =>
        {
            string text = parsed.GetValue(before)!;
            DateTimeOffset time = LeaseValues.TryDate(text, out DateTimeOffset exact)
                ? exact
                : (await address.Store.GetInfoAsync(cancellationToken)).Now - LeaseValues.Time(text, "; or a date, such as 2026-01-31");
            long deleted = await address.Store.PruneAsync(time, cancellationToken);
            await console.Output.WriteLineAsync(string.Create(CultureInfo.InvariantCulture,
                $"{deleted} entries before {time.UtcDateTime:yyyy-MM-dd HH:mm:ss}Z deleted"));
            return ExitCodes.Success;
        }, token));
        return command;
    }

    private static Command Migrate(ToolConsole console)
    {
        Option<bool> script = new("--script") { Description = "Only write the SQL, for whoever may run it." };
        Option<int?> from = new("--from")
        {
            Description = "Write it for a store of this version, and do not ask the store. 0: it has no tables. [default: the store's]",
            HelpName = "N",
        };
        Command command = new("migrate", "Brings the tables to this version, or makes them.") { s_store, script, from };
        command.SetAction((parsed, token) => RunAsync(console, parsed, StoreUse.Make, async (address, cancellationToken) =>
        {
            if (parsed.GetValue(script))
            {
                await console.Output.WriteAsync(await LeaseScripts.GetAsync(address, parsed.GetValue(from), cancellationToken));
                return ExitCodes.Success;
            }

            if (parsed.GetValue(from) is not null)
            {
                throw new UsageException("--from goes with --script: without it the store says which version it has");
            }

            int had = address.Database is { } database
                ? await PostgreSqlSchema.MigrateAsync(database, cancellationToken)
                : SqliteSchema.Migrate(address.File!);
            int has = address.Database is null ? SqliteSchema.Version : PostgreSqlSchema.Version;
            await console.Output.WriteLineAsync(had == 0 ? $"made, at version {has}"
                : had < has ? $"brought from version {had} to {has}" : $"up to date: version {had}");
            return ExitCodes.Success;
        }, token));
        return command;
    }

    private static Command Reading(ToolConsole console, string name, string description, Argument[] arguments,
        Func<LeaseStore, ParseResult, CancellationToken, Task<LeaseText>> read)
    {
        Command command = new(name, description) { s_json };
        Array.ForEach(arguments, command.Add);
        command.SetAction((parsed, token) => RunAsync(console, parsed, StoreUse.Read, async (address, cancellationToken) =>
            await WriteAsync(console, parsed, await read(address.Store, parsed, cancellationToken)), token));
        return command;
    }

    private static async Task<int> WriteAsync(ToolConsole console, ParseResult parsed, LeaseText text)
    {
        try
        {
            if (parsed.GetValue(s_json))
            {
                await console.Output.WriteAsync(text.Json);
            }
            else
            {
                text.WriteTable(Terminals.Create(console.Output, console.OutputIsTerminal));
            }
        }
        catch (ReaderGoneException) when (!text.IsGood)
        {
            // What was found counts, read or not.
        }

        return text.IsGood ? ExitCodes.Success : ExitCodes.BadInput;
    }

    private static async Task<int> RunAsync(ToolConsole console, ParseResult parsed, StoreUse use,
        Func<StoreAddress, CancellationToken, Task<int>> work, CancellationToken cancellationToken)
    {
        int code = ExitCodes.Success;
        int ended = await ToolCommand.RunAsync(console, () => code = DoAsync().GetAwaiter().GetResult(), cancellationToken,
            () => use == StoreUse.Read ? ToolCommand.NothingWritten
                : "what was asked for may have been done, as a whole, or not at all: look, and ask again");
        return ended == ExitCodes.Success ? code : ended;

        async Task<int> DoAsync()
        {
            try
            {
                await using StoreAddress address = new(parsed.GetValue(s_store)!, use);
                return await work(address, cancellationToken);
            }
            catch (Exception fault)
                when (fault is LeaseException or LeaseAddressException or DbException or TimeoutException or SocketException)
            {
                throw new IOException(fault.Message.TrimEnd('.'), fault);
            }
        }
    }
}
