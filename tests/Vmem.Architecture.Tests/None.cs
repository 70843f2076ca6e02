namespace Vmem.Architecture.Tests;

internal static class None
{
    /// <summary>Fails with a line for each item; xunit's own message stops at the fifth.</summary>
    public static void Of<TItem>(IEnumerable<TItem> items)
    {
        string lines = string.Join('\n', items);
        Assert.True(lines.Length == 0, lines);
    }
}
