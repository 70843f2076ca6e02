using PostgreSqlSchema = Vmem.Leasing.PostgreSql.LeaseSchema;
using SqliteSchema = Vmem.Leasing.Sqlite.LeaseSchema;

namespace Vmem.Tool.Leases;

/// <summary>The SQL that brings a store to this version, for whoever may run it.</summary>
internal static class LeaseScripts
{
    /// <param name="address">The store.</param>
    /// <param name="from">The version that it has; null: it is asked.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <exception cref="LeaseAddressException">There is no such version.</exception>
    public static async Task<string> GetAsync(StoreAddress address, int? from, CancellationToken cancellationToken)
    {
        int newest = address.Database is null ? SqliteSchema.Version : PostgreSqlSchema.Version;
        int version = from
            ?? (address.Database is { } database
                ? await PostgreSqlSchema.ReadVersionAsync(database, cancellationToken)
                : SqliteSchema.ReadVersion(address.File!));
        if (version < 0 || version > newest)
        {
            throw new LeaseAddressException($"version {version} is not known here: this program knows 0 to {newest}");
        }

        return version == newest ? $"-- Nothing to do: the store has version {newest}.\n"
            : address.Database is null ? SqliteSchema.GetScript(version) : PostgreSqlSchema.GetScript(version);
    }
}
