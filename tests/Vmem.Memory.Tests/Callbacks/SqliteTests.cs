using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Microsoft.Data.Sqlite;
using Xunit;

namespace Vmem.Memory.Tests.Callbacks;

/// <summary>SQLite with a client as its allocator (SQLITE_CONFIG_MALLOC): whatever it does, it stays within the quota, and is
/// checked.</summary>
public unsafe partial class SqliteTests
{
    private const int Ok = 0;
    private const int OutOfMemory = 7;
    private const int ConfigMalloc = 4;
    private const nuint Quota = 8 << 20;
    private static MemoryFunctions s_c;

    [Fact]
    public void Sqlite_lives_in_a_client()
    {
        using MemoryContext context = new(64 << 20, new MemoryContextOptions { Features = MemoryContextFeatures.Synchronized });
        using MemoryClient client = context.CreateClient("sqlite", Quota);
        s_c = client.Functions;
        Methods methods = new()
        {
            Malloc = &Malloc,
            Free = &Free,
            Realloc = &Realloc,
            Size = &Size,
            Roundup = &Roundup,
            Init = &Init,
            Shutdown = &Shutdown,
        };
        Assert.Equal(Ok, Configure(ConfigMalloc, &methods));
        Assert.Equal(333_383_335_000L, Work());

        MemoryClientStatistics busy = client.GetStatistics();
        Assert.True(busy.Allocations > 500, $"SQLite asked {busy.Allocations} times.");
        const string Long = "SELECT length(replace(hex(zeroblob(3000000)), '0', 'abcd'))";
        SqliteException refusal = Assert.Throws<SqliteException>(() => Execute(Long));
        Assert.Equal(OutOfMemory, refusal.SqliteErrorCode);
        Assert.True(client.GetStatistics().Failures > busy.Failures, "The client refused it.");

        SqliteConnection.ClearAllPools();
        Assert.Equal(Ok, ShutDown());
        MemoryClientStatistics end = client.GetStatistics();
        Assert.Equal((0, 0), (end.LiveBlocks, end.RefusedCallbacks));
        context.Validate();
    }

    /// <summary>Rows, an index, a sort that does not fit into the cache, a long text.</summary>
    private static long Work() => Execute(
        "CREATE TABLE numbers(n INTEGER, square INTEGER, name TEXT);" +
        "WITH RECURSIVE up(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM up WHERE n < 10000)" +
        "INSERT INTO numbers SELECT n, n * n, printf('number %d of ten thousand', n) FROM up;" +
        "CREATE INDEX by_name ON numbers(name);" +
        "SELECT sum(square) FROM (SELECT square FROM numbers ORDER BY name DESC);");

    private static long Execute(string sql)
    {
        using SqliteConnection connection = new("Data Source=:memory:");
        connection.Open();
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = sql;
        return (long)command.ExecuteScalar()!;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void* Malloc(int size) => s_c.Malloc(s_c.Context, (nuint)size);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Free(void* block) => s_c.Free(s_c.Context, block);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void* Realloc(void* block, int size) => s_c.Realloc(s_c.Context, block, (nuint)size);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Size(void* block) => (int)s_c.UsableSize(s_c.Context, block);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Roundup(int size) => (size + 7) & ~7;

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Init(void* data) => Ok;

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Shutdown(void* data)
    {
    }

    [LibraryImport("e_sqlite3", EntryPoint = "sqlite3_config")]
    private static partial int Configure(int what, Methods* methods);

    [LibraryImport("e_sqlite3", EntryPoint = "sqlite3_shutdown")]
    private static partial int ShutDown();

    /// <summary>sqlite3_mem_methods.</summary>
    private struct Methods
    {
        public delegate* unmanaged[Cdecl]<int, void*> Malloc;
        public delegate* unmanaged[Cdecl]<void*, void> Free;
        public delegate* unmanaged[Cdecl]<void*, int, void*> Realloc;
        public delegate* unmanaged[Cdecl]<void*, int> Size;
        public delegate* unmanaged[Cdecl]<int, int> Roundup;
        public delegate* unmanaged[Cdecl]<void*, int> Init;
        public delegate* unmanaged[Cdecl]<void*, void> Shutdown;
        public void* Data;
    }
}
