namespace Vmem.Samples.Language;

/// <summary>What scripts must keep to, so that none can harm its host by its mere text.</summary>
internal static class Limits
{
    /// <summary>Numbers have 63 bits: the lowest of a value's 64 tells numbers from references.</summary>
    public const long MostNumber = (1L << 62) - 1;

    public const long LeastNumber = -(1L << 62);

    /// <summary>How deep expressions and blocks may lie in each other. The parser calls itself for each level, and the host's stack is not
    /// the script's to use up. Arbitrary.</summary>
    public const int MostNesting = 100;

    /// <summary>The most levels of an expression's tree, which grows with each operator in a row: the compiler calls itself for each.
    /// Arbitrary.</summary>
    public const int MostDepth = 500;

    /// <summary>The most parameters of a function, and the most items of a list. Arbitrary.</summary>
    public const int MostItems = 255;
}
