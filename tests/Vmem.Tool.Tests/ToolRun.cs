using System.Text;
using Vmem.Tool.Commands;

namespace Vmem.Tool.Tests;

/// <summary>The whole tool, run inside the test's process.</summary>
internal sealed record ToolRun(int ExitCode, string Output, string Error)
{
    // The test's own process is another program.
    public static string[] Self { get; } = ["dotnet", Path.Combine(AppContext.BaseDirectory, "Vmem.Tool.dll")];

    /// <summary>The output as running text: where its lines were broken does not matter.</summary>
    public string Prose => string.Join(' ', Output.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));

    public static Task<ToolRun> Of(params string[] args) => WithInput(new MemoryStream(), args);

    public static async Task<ToolRun> WithInput(Stream input, params string[] args) =>
        await WithInput(input, TestContext.Current.CancellationToken, args);

    public static async Task<ToolRun> WithInput(Stream input, CancellationToken cancellationToken, params string[] args) =>
        await In(input, static console => console, args, cancellationToken);

    /// <summary>With other surroundings than usual.</summary>
    public static async Task<ToolRun> In(Func<ToolConsole, ToolConsole> change, params string[] args) =>
        await In(new MemoryStream(), change, args, TestContext.Current.CancellationToken);

    private static async Task<ToolRun> In(
        Stream input, Func<ToolConsole, ToolConsole> change, string[] args, CancellationToken cancellationToken)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        int exitCode = await ToolCommand.InvokeAsync(
            args, change(new ToolConsole(() => input, output, error) { WarmUpRounds = 1, Self = Self }), cancellationToken);
        return new ToolRun(exitCode, output.ToString(), error.ToString());
    }

    public static Task<ToolRun> WithInput(string input, params string[] args) =>
        WithInput(new MemoryStream(Encoding.ASCII.GetBytes(input)), args);
}
