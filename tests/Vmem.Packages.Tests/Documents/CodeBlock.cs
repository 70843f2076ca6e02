namespace Vmem.Packages.Tests.Documents;

/// <summary>
/// A block of C# in a document: everything between <c>```csharp</c> and <c>```</c>. Each is a whole program, so that a reader can paste it
/// into a new console app; the rare one that can't be is marked <c>```csharp no-run</c>, and only its reader checks it.
/// </summary>
internal sealed record CodeBlock(string Document, int Line, string Text)
{
    public override string ToString() => $"{Document}:{Line}";

    /// <summary>True if the block tells its reader to allow unsafe code.</summary>
    public bool AllowsUnsafe => Text.Contains("AllowUnsafeBlocks", StringComparison.Ordinal);

    /// <summary>The blocks of the document that are to be run, <paramref name="document"/> being relative to
    /// <paramref name="root"/>.</summary>
    public static IEnumerable<CodeBlock> Of(string root, string document)
    {
        string[] lines = File.ReadAllLines(Path.Combine(root, document));
        for (int index = 0; index < lines.Length; index++)
        {
            if (!lines[index].StartsWith("```csharp", StringComparison.Ordinal))
            {
                continue;
            }

            int end = Array.IndexOf(lines, "```", index);
            if (end < 0)
            {
                throw new InvalidDataException($"{document}:{index + 1}: this block does not end.");
            }

            if (lines[index] == "```csharp")
            {
                yield return new CodeBlock(document, index + 1, string.Join('\n', lines[(index + 1)..end]) + '\n');
            }

            index = end;
        }
    }
}
