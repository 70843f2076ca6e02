namespace Vmem.Fuzz.Targets;

/// <summary>The words of a snapshot's JSON.</summary>
internal static class SnapshotWords
{
    public static IReadOnlyList<string> All { get; } =
    [
        "{\"vmemSnapshot\":1,", "\"type\":\"Byte\"", "\"type\":\"UInt16\"", "\"type\":\"UInt32\"", "\"type\":\"UInt64\"",
        "\"type\":\"UIntPtr\"",
        "\"type\":\"UInt128\"", "\"name\":\"n\"", "\"quantum\":\"1\"", "\"policy\":\"NextFit\"", "\"rotor\":\"16\"", "\"rotorLead\":\"8\"",
        "\"policy\":\"7\"", "\"spans\":[",
        "{\"start\":\"0\",\"size\":\"16\",\"allocated\":[]},", "\"imported\":true", "\"allocated\":[[\"0\",\"1\"]]", "[\"1\",\"2\"],",
        "\"128\"", "\"255\"", "\"256\"", "\"65536\"", "\"4294967296\"", "\"9223372036854775808\"", "\"18446744073709551615\"",
        "\"18446744073709551616\"", "\"170141183460469231731687303715884105728\"", "\"340282366920938463463374607431768211455\"",
        "\"\\ud800\"", "\"\\u0000\"", "null", "1e9", "\u00ff",
    ];
}
