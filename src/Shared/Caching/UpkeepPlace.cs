namespace Vmem.Caching;

/// <summary>An upkeep's place on the wheel. Only under the wheel's gate.</summary>
internal sealed class UpkeepPlace
{
    public Upkeep? Previous { get; set; }

    public Upkeep? Next { get; set; }

    /// <summary>−1: on none.</summary>
    public int Slot { get; set; } = -1;

    /// <summary>Whether it was woken since its last turn.</summary>
    public bool IsWoken { get; set; }

    public bool HasEnded { get; set; }
}
