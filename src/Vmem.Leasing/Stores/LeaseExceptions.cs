namespace Vmem.Leasing;

/// <summary>What went wrong with leases. The text says what to do.</summary>
/// <param name="message">What is wrong.</param>
/// <param name="inner">The cause, if there is one.</param>
public abstract class LeaseException(string message, Exception? inner = null) : InvalidOperationException(message, inner);

/// <summary>The session has not heard from its store in time: nothing that it leases may be used now. It may resume.</summary>
/// <param name="message">What is wrong.</param>
/// <param name="inner">What the store threw last.</param>
public sealed class LeaseSuspendedException(string message, Exception? inner = null) : LeaseException(message, inner);

/// <summary>What was leased is lost, for ever.</summary>
/// <param name="message">What is wrong.</param>
public sealed class LeaseLostException(string message) : LeaseException(message);

/// <summary>A session cannot be begun.</summary>
/// <param name="message">What is wrong.</param>
public sealed class LeaseSessionException(string message) : LeaseException(message);

/// <summary>An arena is not what the caller takes it for, or cannot be what is asked.</summary>
/// <param name="message">What is wrong.</param>
public sealed class LeaseDefinitionException(string message) : LeaseException(message);

/// <summary>The store is of another version than this library, or lacks what it needs.</summary>
/// <param name="message">What is wrong.</param>
/// <param name="inner">The cause, if there is one.</param>
public sealed class LeaseSchemaException(string message, Exception? inner = null) : LeaseException(message, inner);

/// <summary>The journal of a durable arena cannot be used, or cannot be written.</summary>
/// <param name="message">What is wrong.</param>
/// <param name="inner">The cause, if there is one.</param>
public sealed class LeaseJournalException(string message, Exception? inner = null) : LeaseException(message, inner);

/// <summary>Nothing is left to lease.</summary>
/// <param name="arena">The arena's name.</param>
/// <param name="usage">What of it is free, leased and quarantined.</param>
/// <param name="advice">What to do.</param>
public sealed class LeaseExhaustedException(string arena, LeaseUsage usage, string advice)
    : LeaseException($"Arena '{arena}' has nothing left to lease: {usage}. {advice}")
{
    /// <summary>The arena's name.</summary>
    public string ArenaName { get; } = arena;

    /// <summary>What of it is free, leased and quarantined.</summary>
    public LeaseUsage Usage { get; } = usage;
}
