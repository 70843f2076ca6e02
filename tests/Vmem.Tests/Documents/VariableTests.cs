using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using Xunit;

namespace Vmem.Tests.Documents;

/// <summary>CONTRIBUTING.md has a line for every environment variable and every switch that the sources ask for, and for no other.</summary>
public partial class VariableTests
{
    private static readonly string[] s_folders = [".ci", "bench", "eng", "samples", "src", "tests"];

    private static readonly string s_root = Path.GetFullPath(Path.Combine(ThisFolder(), "../../.."));

    [Fact]
    public void Every_variable_and_switch_of_the_sources_stands_in_the_contribution_guide()
    {
        string[] asked = [.. s_folders.Select(folder => Path.Combine(s_root, folder)).Where(Directory.Exists).SelectMany(Sources).SelectMany(Asked).Distinct().Order()];
        Assert.Contains("VMEM_DEBUG", asked);
        Assert.Contains("Vmem.CountSteps", asked);
        string[] documented = [.. Row().Matches(File.ReadAllText(Path.Combine(s_root, "CONTRIBUTING.md"))).Select(match => match.Groups[1].Value).Order()];
        Assert.Equal(asked, documented);
    }

    private static IEnumerable<string> Sources(string folder) =>
        Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories)
            .Where(file => Path.GetExtension(file) is ".cs" or ".csproj" or ".props" or ".targets" or ".sh" or "")
            .Where(file => !file.Replace('\\', '/').Contains("/obj/", StringComparison.Ordinal) && !file.Replace('\\', '/').Contains("/bin/", StringComparison.Ordinal));

    private static IEnumerable<string> Asked(string file)
    {
        string text = File.ReadAllText(file);
        // A script names a variable as it is; C# asks for it by a text. Comments may speak of other people's.
        Regex variable = Path.GetExtension(file) is ".sh" or "" ? InScript() : InSource();
        return variable.Matches(text).Concat(Switch().Matches(text)).Select(match => match.Groups[1].Value);
    }

    [GeneratedRegex("""(?:GetEnvironmentVariable\("|")(VMEM_[A-Z_]+)["=]|GetEnvironmentVariable\("(?<1>[A-Z_]+)"\)""")]
    private static partial Regex InSource();

    [GeneratedRegex(@"\$\{?(VMEM_[A-Z_]+)")]
    private static partial Regex InScript();

    [GeneratedRegex("""(?:TryGetSwitch\(|RuntimeHostConfigurationOption Include=)"(Vmem\.[A-Za-z.]+)"?""")]
    private static partial Regex Switch();

    [GeneratedRegex(@"^\| `([A-Za-z_.]+)", RegexOptions.Multiline)]
    private static partial Regex Row();

    private static string ThisFolder([CallerFilePath] string path = "") => Path.GetDirectoryName(path)!;
}
