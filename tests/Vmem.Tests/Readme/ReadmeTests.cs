using System.Runtime.CompilerServices;
using Vmem.Testing.Documents;
using Xunit;

namespace Vmem.Tests.Readme;

/// <summary>The README's C# is compiled and run by the tests in this folder and in Vmem.Memory's documents' examples. See <see cref="DocumentedExamples"/>.</summary>
public class ReadmeTests
{
    [Fact]
    public void Every_csharp_block_of_the_readme_is_a_region_that_runs_as_a_test() =>
        DocumentedExamples.Check(Path.Combine(ThisFolder(), "../../../README.md"), ThisFolder(), Path.Combine(ThisFolder(), "../../Vmem.Memory.Tests/Documents"));

    private static string ThisFolder([CallerFilePath] string path = "") => Path.GetDirectoryName(path)!;
}
