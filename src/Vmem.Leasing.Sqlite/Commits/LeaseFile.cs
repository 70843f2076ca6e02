using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using Vmem.Leasing.Sqlite.Machine;
using Vmem.Leasing.Sqlite.Processes;
using Vmem.Leasing.Sqlite.Sql;

namespace Vmem.Leasing.Sqlite.Commits;

/// <summary>The open file: the connection, the machine, this process's lock and the witness. One thread at a time uses it.</summary>
internal sealed class LeaseFile(string path, SqliteLeaseStoreOptions options) : IDisposable
{
    private static readonly ConcurrentBag<LifeLock> s_kept = [];

    private Database? _database;
    private LeaseMachine? _machine;
    private LifeLock? _life;
    private Witness? _witness;
    private bool _isClosed;

    /// <summary>What lies beside the file: the witness, and the locks of living processes.</summary>
    private string Folder => path + "-leases";

    /// <summary>Runs operations in one transaction, and answers each. If it fails, each is run in one of its own.</summary>
    public void Run(List<Operation> group)
    {
        if (_isClosed)
        {
            group.ForEach(operation => operation.Fail(new ObjectDisposedException(path)));
            return;
        }

        if (TryRun(group, out Exception? fault))
        {
            group.ForEach(static operation => operation.Complete());
        }
        else if (group.Count == 1 || _database is null)
        {
            group.ForEach(operation => operation.Fail(fault));
        }
        else
        {
            foreach (Operation operation in group)
            {
                Run([operation]);
            }
        }
    }

    /// <summary>Closes it. If the file cannot be told, the lock stays for as long as the process: its sessions may still be used.</summary>
    public void Close()
    {
        _isClosed = true;
        if (_life is { } life && !TryLetGo())
        {
            s_kept.Add(life);
            _life = null;
        }

        Dispose();
    }

    public void Dispose()
    {
        _database?.Dispose();
        _witness?.Dispose();
        _life?.Dispose();
        (_database, _machine, _witness, _life) = (null, null, null, null);
    }

    private bool TryRun(List<Operation> group, [NotNullWhen(false)] out Exception? fault)
    {
        try
        {
            Open();
            bool writes = group.Exists(static operation => operation.Writes);
            Transact(_database, writes, machine => group.ForEach(operation => operation.Run(machine)));
            fault = null;
            return true;
        }
        catch (Exception thrown)
        {
            fault = thrown;
            return false;
        }
    }

    private bool TryLetGo()
    {
        try
        {
            Transact(_database!, writes: true, static machine => machine.LetGo());
            return true;
        }
        catch (Exception)
        {
            return false;                                  // whatever it is: the file was not told
        }
    }

    private void Transact(Database database, bool writes, Action<LeaseMachine> work)
    {
        database.Run(writes ? "BEGIN IMMEDIATE" : "BEGIN");
        try
        {
            (long number, int incarnation) = writes && _witness is { } witness ? (witness.Number, witness.Incarnation) : (0, 0);
            _machine!.Begin(number, incarnation);
            work(_machine);
            _machine.End();
            database.Run("COMMIT");
        }
        catch
        {
            if (database.IsInTransaction)
            {
                database.Run("ROLLBACK");
            }

            throw;
        }

        _witness?.Raise(_machine.Sequence, _machine.Incarnation);
    }

    [MemberNotNull(nameof(_database))]
    private void Open()
    {
        if (_database is not null)
        {
            return;
        }

        Database database = new(path, options);
        try
        {
            CheckSchema(database);
            if (!options.IsReadOnly)
            {
                Directory.CreateDirectory(Folder);
                _witness = new Witness(Folder);
                _life = LifeLock.TryTake(Folder);
                if (_life is not null)                     // else every lock looks free
                {
                    RemoveDead(database);
                }
            }

            _machine = new LeaseMachine(database, options.TimeProvider, Folder, _life?.Id);
            _database = database;
        }
        catch
        {
            database.Dispose();
            Dispose();
            throw;
        }
    }

    private void CheckSchema(Database database)
    {
        int version = LeaseSchema.ReadVersion(database);
        if (version >= LeaseSchema.Version)
        {
            return;
        }

        if (!options.Migrates || options.IsReadOnly)
        {
            throw LeaseSchema.Outdated(path, version);
        }

        LeaseSchema.Migrate(database);
    }

    /// <summary>Removes the lock files of dead processes that no session names any more.</summary>
    private void RemoveDead(Database database)
    {
        foreach (Guid id in LifeLock.All(Folder))
        {
            if (database.Number("SELECT count(*) FROM session WHERE process = ?1 AND state < 2", id) == 0 && LifeLock.IsDead(Folder, id))
            {
                LifeLock.Remove(Folder, id);
            }
        }
    }
}
