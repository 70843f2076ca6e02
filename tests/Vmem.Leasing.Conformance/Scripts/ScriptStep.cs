namespace Vmem.Leasing.Conformance.Scripts;

/// <summary>A turn of a client: one call of the store, and the same of the model.</summary>
/// <param name="Name">For the text of a fault.</param>
/// <param name="TakeAsync">Takes it.</param>
public sealed record ScriptStep(string Name, Func<InterleavingRun, ScriptClient, ValueTask<Answers>> TakeAsync);

/// <summary>What the store answered to a call, and what the model did.</summary>
public readonly record struct Answers(object? Store, object? Model)
{
    /// <summary>Of a turn in which nothing is asked.</summary>
    public static Answers None { get; }

    public bool Agree => Equals(Store, Model);

    public override string ToString() => Agree ? $"{Store}" : $"{Store}, and the model {Model}";
}
