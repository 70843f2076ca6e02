namespace Vmem.Leasing.Sqlite.Machine;

/// <summary>An arena as the file has it.</summary>
internal sealed class ArenaRow(LeaseArena arena, long fence)
{
    public LeaseArena Arena { get; } = arena;

    public int Id => Arena.Id;

    public long Quarantine { get; } = arena.Definition.Quarantine.Ticks;

    /// <summary>The last fence that was given. It is written when the transaction ends.</summary>
    public long Fence { get; set; } = fence;

    /// <summary>As it stands in the file.</summary>
    public long WrittenFence { get; set; } = fence;
}
