namespace Vmem.Leasing.Tests.Arenas;

/// <summary>The same with a journal, in a folder of its own.</summary>
public abstract class JournaledFixture : HeirFixture, IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("vmem-exact-");

    public void Dispose()
    {
        _folder.Delete(recursive: true);
        GC.SuppressFinalize(this);
    }

    private protected string Journal => Path.Combine(_folder.FullName, "ids.journal");

    private protected Task<LeasedArena<ulong>> OpenJournaledAsync(LeaseSession session, int stock = 0, ulong limit = 0) =>
        OpenAsync(session, Options(stock, limit) with { JournalPath = Journal });

    /// <summary>What the next of the name adopts of these spans, and no more.</summary>
    private protected async Task<string> AdoptAsync(params (ulong Start, ulong Size)[] spans)
    {
        await using LeaseSession session = await OpenHeirAsync(spans);
        LeasedArena<ulong> arena = await OpenJournaledAsync(session);
        Assert.All(arena.Adopted, range => Assert.Equal(
            arena.Inherited.Single(span => range.Start - span.Start < span.Size).Fence, range.Fence));
        Assert.Equal(Text(arena.Adopted), Text(arena.Arena.GetSegments().Where(static part => part.Kind == SegmentKind.Allocated)
            .Select(static part => new LeasedRange<ulong>(part.Start, part.Size, 0))));
        arena.Arena.Validate();
        return Text(arena.Adopted);
    }
}
