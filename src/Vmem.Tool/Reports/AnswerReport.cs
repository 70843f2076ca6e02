using System.Text.Json.Serialization;

namespace Vmem.Tool.Reports;

/// <summary>
/// The answer to one of the two questions that a recording can be asked: which allocator of real memory suits its program, and how should
/// an arena place its ranges? Figures of the one are no answer to the other: an arena's range is addresses, and nobody was given memory.
/// </summary>
internal sealed record AnswerReport
{
    public const string Memory = "memory";
    public const string Addresses = "addresses";

    /// <summary><see cref="Memory"/> or <see cref="Addresses"/>.</summary>
    public required string Kind { get; init; }

    /// <summary>The name of the column recommended.</summary>
    public required string Best { get; init; }

    /// <summary>Why, in a few sentences.</summary>
    public required string Verdict { get; init; }

    /// <summary>What to set, and what that saves; null where there is nothing to compare with.</summary>
    public string? Consequence { get; init; }

    /// <summary>As a heading.</summary>
    [JsonIgnore]
    public string Title => Kind == Memory ? "Memory allocators" : "Address policies";

    /// <summary>Whether a column is of this question.</summary>
    public bool Has(PolicyReport policy) => policy.IsMemory == (Kind == Memory);
}

/// <summary>The live blocks of one class of sizes when the program had most asked for.</summary>
/// <param name="LeastBytes">The least size of the class.</param>
/// <param name="MostBytes">The largest size of the class.</param>
/// <param name="Blocks">How many there were.</param>
/// <param name="RequestedBytes">What was asked for.</param>
/// <param name="WasteBytes">What rounding added.</param>
internal sealed record SizeWasteReport(ulong LeastBytes, ulong MostBytes, long Blocks, ulong RequestedBytes, ulong WasteBytes);
