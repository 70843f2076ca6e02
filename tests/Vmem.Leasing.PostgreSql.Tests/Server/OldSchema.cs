namespace Vmem.Leasing.PostgreSql.Tests.Server;

/// <summary>The schema as older libraries made it.</summary>
internal static class OldSchema
{
    /// <summary>The script that makes a version: the newest one without what came later.</summary>
    public static string GetScript(int version)
    {
        string later = LeaseSchema.GetScript(version);
        later = later[later.IndexOf("\n\n", StringComparison.Ordinal)..later.LastIndexOf("COMMIT", StringComparison.Ordinal)];
        return LeaseSchema.GetScript().Replace(later, "\n\n", StringComparison.Ordinal);
    }
}
