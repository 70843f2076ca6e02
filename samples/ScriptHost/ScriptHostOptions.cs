namespace Vmem.Samples;

/// <summary>What each script of a host gets.</summary>
internal sealed record ScriptHostOptions
{
    /// <summary>The memory that all scripts share, in bytes.</summary>
    public nuint Memory { get; init; } = 1024 * 1024;

    /// <summary>The most of it that one script may use.</summary>
    public nuint Quota { get; init; } = 64 * 1024;

    /// <summary>The most lines that a script may run.</summary>
    public long StepLimit { get; init; } = 1_000_000;

    /// <summary>Whether a script's memory is zeroed before another gets it. Only a demonstration of what would happen leaves this
    /// out.</summary>
    public bool Isolated { get; init; } = true;
}
