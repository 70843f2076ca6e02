using Vmem.Testing.Sources;
using Xunit;

namespace Vmem.Tests.Importing;

/// <summary>The arena's lock is not held while its source is called: a source may use the arena, on its own thread or on another.</summary>
public class SourceCallbackTests
{
    // Only reached when the test fails: a deadlock would otherwise hang the run.
    private static readonly TimeSpan s_deadlock = TimeSpan.FromSeconds(60);

    [Fact]
    public void Another_thread_can_use_the_arena_while_its_source_is_asked()
    {
        Arena<uint>? arena = null;
        uint elsewhere = 0;
        ScriptedSource<uint> source = new(64, (size, _) =>
        {
            Task other = Task.Run(() =>
            {
                elsewhere = arena!.Allocate(16);
                arena.GetStatistics();
                arena.Validate();
                arena.Free(elsewhere, 16);
            });
            Assert.True(other.Wait(s_deadlock), "The arena is locked while its source is called.");
            return (4_096, size);
        });
        arena = new Arena<uint>("child", 16, new ArenaOptions<uint> { Source = source });
        arena.AddSpan(1_024, 64);
        Assert.Equal(4_096u, arena.Allocate(128));
        Assert.InRange(elsewhere, 1_024u, 1_087u);
        arena.Validate();
        arena.Dispose();
        Assert.Empty(source.Outstanding);
    }

    [Fact]
    public void Another_thread_can_use_the_arena_while_its_source_takes_a_span_back()
    {
        ScriptedSource<uint> source = TestSources.Ascending(64u, 4_096u);
        Arena<uint> arena = new("child", 16, new ArenaOptions<uint> { Source = source });
        arena.AddSpan(1_024, 64);
        bool answered = false;
        source.OnRelease = (_, _) =>
        {
            Task other = Task.Run(() => arena.Free(arena.Allocate(16), 16));
            answered = other.Wait(s_deadlock);
        };
        arena.Free(arena.Allocate(128), 128);
        arena.Reap();
        Assert.True(answered, "The arena is locked while its source is called.");
        arena.Validate();
    }

    /// <summary>If space appears while the source is asked, what was imported is not needed: whichever the arena uses, the other is not
    /// lost.</summary>
    [Fact]
    public void Space_that_appears_during_an_import_is_not_lost_and_neither_is_the_import()
    {
        Arena<uint>? arena = null;
        ScriptedSource<uint> source = new(64, (size, _) =>
        {
            arena!.Free(1_024, 64);
            return (4_096, size);
        });
        arena = new Arena<uint>("child", 16, new ArenaOptions<uint> { Source = source });
        arena.AddSpan(1_024, 64);
        Assert.Equal(1_024u, arena.Allocate(64));
        uint start = arena.Allocate(64);
        Assert.True(start is 1_024 or 4_096);
        arena.Validate();
        Assert.Equal(source.Outstanding.Sum(range => range.Size), arena.GetStatistics().Imported);
        arena.Free(start, 64);
        arena.Reap();
        Assert.Empty(source.Outstanding);
        arena.Dispose();
    }

    /// <summary>The source's own use of the arena may itself need an import.</summary>
    [Fact]
    public void A_source_may_allocate_from_the_arena_that_asks_it()
    {
        Arena<uint>? arena = null;
        uint next = 4_096;
        int depth = 0;
        uint inner = 0;
        ScriptedSource<uint> source = new(64, (size, _) =>
        {
            uint start = next;
            next += size;
            if (depth++ == 0)
            {
                inner = arena!.Allocate(32);
            }

            return (start, size);
        });
        arena = new Arena<uint>("child", 16, new ArenaOptions<uint> { Source = source });
        uint outer = arena.Allocate(256);
        Assert.True(outer + 256 <= inner || inner + 32 <= outer);
        arena.Validate();
        arena.Free(outer, 256);
        arena.Free(inner, 32);
        arena.Reap();
        Assert.Empty(source.Outstanding);
        arena.Dispose();
    }
}
