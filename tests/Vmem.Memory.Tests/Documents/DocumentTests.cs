using System.Runtime.CompilerServices;
using Vmem.Testing.Documents;
using Xunit;

namespace Vmem.Memory.Tests.Documents;

/// <summary>The C# of the documents is compiled and run by the tests in this folder. See <see cref="DocumentedExamples"/>.</summary>
public class DocumentTests
{
    [Theory]
    [InlineData("memory.md")]
    public void Every_csharp_block_is_a_region_that_runs_as_a_test(string document) =>
        DocumentedExamples.Check(Path.Combine(ThisFolder(), "../../../docs", document), ThisFolder());

    private static string ThisFolder([CallerFilePath] string path = "") => Path.GetDirectoryName(path)!;
}
