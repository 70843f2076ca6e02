using System.Diagnostics;
using System.Text.Json;

namespace Vmem.Samples.Tests.Documents;

/// <summary>The web application answers, shows its leak on the live page, and logs it when it ends.</summary>
public sealed class LiveWebTests
{
    [Fact]
    public async Task It_shows_the_ticket_that_is_lost_and_logs_it_at_the_end()
    {
        using Process process = SampleProgram.Start("LiveWeb", "--urls", "http://127.0.0.1:0", "--visitor", "none");
        try
        {
            string line = await process.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken) ?? "";
            Assert.StartsWith("The live page: http://127.0.0.1:", line, StringComparison.Ordinal);
            Uri page = new(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[3]);
            using HttpClient client = new() { BaseAddress = page };
            for (int i = 0; i < 10; i++)                         // the tenth is lost
            {
                Assert.InRange(int.Parse(await GetAsync(client, "/take")), 1, 1000);
            }

            Assert.Equal("Healthy", await GetAsync(client, "/health"));
            using JsonDocument json = JsonDocument.Parse(await GetAsync(client, "/vmem/json"));
            Assert.Equal(process.Id, json.RootElement.GetProperty("pid").GetInt32());
            Assert.Equal(1, Named(json, "arenas", "tickets").GetProperty("live").GetInt32());
            Assert.Equal(10, Named(json, "pools", "buffers").GetProperty("rents").GetInt32());
            Assert.InRange(Named(json, "pools", "kestrel").GetProperty("rents").GetInt32(), 1, int.MaxValue);

            Assert.SkipUnless(OperatingSystem.IsLinux() || OperatingSystem.IsMacOS(), "Needs SIGTERM.");
            using Process kill = Process.Start("kill", ["-TERM", $"{process.Id}"]);
            string rest = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
            await process.WaitForExitAsync(TestContext.Current.CancellationToken);
            Assert.True(process.ExitCode == 0, $"LiveWeb ended with {process.ExitCode}:\n{rest}");
            Assert.Contains("Arena tickets was disposed of while 1 ranges of 1 in all were allocated.", rest, StringComparison.Ordinal);
        }
        finally
        {
            process.Kill();                                      // nothing, if it has ended
        }
    }

    private static Task<string> GetAsync(HttpClient client, string path) =>
        client.GetStringAsync(new Uri(path, UriKind.Relative), TestContext.Current.CancellationToken);

    private static JsonElement Named(JsonDocument json, string kind, string name) =>
        json.RootElement.GetProperty(kind).EnumerateArray().Single(element => element.GetProperty("name").GetString() == name);
}
