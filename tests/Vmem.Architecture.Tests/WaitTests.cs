using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Vmem.Architecture.Tests;

/// <summary>A thread of the library waits where an interrupt cannot break off what it is in the middle of: at a gate, in a spin, or in a
/// deferred wait.</summary>
public class WaitTests
{
    private static readonly string[] s_mayWait =
    [
        "Shared/Checks/Gate.cs",                  // the wait for its lock
        "Shared/Checks/DeferredInterrupt.cs",     // a sleep
        "Shared/Checks/Exploration.cs",           // names locks, and enters none
        "Vmem/Waiting/Sleeper.cs",                // a call that waits for room: an interrupt ends it
        "Vmem/Recording/Recorder.cs",             // for its own thread to end, deferred
        "Vmem/Recording/RecordRing.cs",           // its own thread, for records
        "Vmem/Listing/Rundowns.cs",               // its own thread, between two events: it holds nothing
        "Vmem.Leasing/Arenas/LeasedArena.Allocating.cs",   // a task, awaited: no thread waits
        "Vmem.Leasing/Arenas/WakeSignal.cs",               // the same
        "Vmem.Leasing/Sessions/StoreCalls.cs",             // the same
        "Vmem.Leasing.Hosting/LeaseHealthCheck.cs",        // the same
        "Vmem.Leasing.PostgreSql/PostgreSqlLeaseStore.Calls.cs",   // the same
        "Vmem.Leasing.PostgreSql/GrantQueue.cs",           // for some instructions: who is interrupted has not asked yet
        "Vmem.Leasing.PostgreSql/KeptConnection.cs",       // for some instructions, on threads of the pool
    ];

    private static readonly string[] s_waits =
    [
        "Sleep", "Join", "SpinOnce", "SpinUntil", "WaitOne", "WaitAny", "WaitAll", "SignalAndWait", "Wait", "WaitAsync",
    ];

    private static readonly string[] s_locks =
    [
        "Lock", "Monitor", "Mutex", "SpinLock", "SpinWait", "Semaphore", "SemaphoreSlim", "Barrier", "CountdownEvent", "ReaderWriterLockSlim",
        "ManualResetEvent", "ManualResetEventSlim", "AutoResetEvent", "EventWaitHandle",
    ];

    [Theory]
    [InlineData("Vmem")]
    [InlineData("Vmem.Memory")]
    [InlineData("Vmem.Leasing")]
    [InlineData("Vmem.Leasing.Hosting")]
    [InlineData("Vmem.Leasing.PostgreSql")]
    [InlineData("Vmem.Leasing.Sqlite")]
    [InlineData("Vmem.Extensions.ObjectPool")]
    [InlineData("Vmem.Net")]
    [InlineData("Vmem.Vulkan")]
    [InlineData("Vmem.AspNetCore")]
    [InlineData("Vmem.Extensions.Hosting")]
    public void Nothing_waits_but_at_a_gate_in_a_spin_or_deferred(string project) =>
        None.Of(Found(Projects.Of(project)).Where(found => !s_mayWait.Contains(found.Path)).Select(found => $"{found.Path}: {found.What}"));

    /// <summary>The rule can fail.</summary>
    [Fact]
    public void Each_kind_of_wait_is_found()
    {
        const string Source = """
            namespace Vmem.Made;
            internal sealed class Made
            {
                private readonly Lock _lock = new();
                public void Wait(Thread other)
                {
                    lock (_lock) { }
                    lock (this) { other.Join(); }
                    new SpinWait().SpinOnce();
                }
            }
            """;
        Assert.Equal(6, Found(new SourceProject("Made", [("Made/Made.cs", Source)])).Count);
    }

    private static List<(string Path, string What)> Found(SourceProject project)
    {
        var found = new List<(string, string)>();
        foreach (SyntaxTree file in project.Files)
        {
            SemanticModel model = project.Compilation.GetSemanticModel(file);
            foreach (SyntaxNode node in file.GetRoot().DescendantNodes().Where(node => IsWait(node, model)))
            {
                found.Add((file.FilePath, node.ToString().Split('\n')[0]));
            }
        }

        return found;
    }

    private static bool IsWait(SyntaxNode node, SemanticModel model) => node switch
    {
        LockStatementSyntax => true,
        IdentifierNameSyntax name when s_locks.Contains(name.Identifier.ValueText) =>
            model.GetSymbolInfo(name).Symbol is INamedTypeSymbol type && IsOfRuntime(type),
        MemberAccessExpressionSyntax call when s_waits.Contains(call.Name.Identifier.ValueText) =>
            model.GetSymbolInfo(call).Symbol is IMethodSymbol method && IsOfRuntime(method.ContainingType),
        _ => false,
    };

    private static bool IsOfRuntime(INamedTypeSymbol type) =>
        type.ContainingNamespace?.ToString() is "System.Threading" or "System.Threading.Tasks";
}
