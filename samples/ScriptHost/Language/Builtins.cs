namespace Vmem.Samples.Language;

/// <summary>The functions that every script has.</summary>
/// <param name="Operation">What it is compiled to.</param>
/// <param name="Parameters">How many values it takes.</param>
/// <param name="Gives">Whether it gives a value; the others give nil.</param>
internal readonly record struct Builtin(Operation Operation, int Parameters, bool Gives)
{
    /// <summary>Takes any number of values, and so is none of <see cref="All"/>.</summary>
    public const string Print = "print";

    public static IReadOnlyDictionary<string, Builtin> All { get; } = new Dictionary<string, Builtin>
    {
        ["array"] = new(Operation.MakeArray, 1, Gives: true),     // of so many items, all nil
        ["bytes"] = new(Operation.MakeBytes, 1, Gives: true),     // so many, as they are found in memory
        ["text"] = new(Operation.ToText, 1, Gives: true),         // a number's digits
        ["length"] = new(Operation.Length, 1, Gives: true),       // of an array, bytes or a text
        ["free"] = new(Operation.Free, 1, Gives: false),
        ["share"] = new(Operation.Share, 2, Gives: false),        // puts a value on the host's board, under a name
        ["shared"] = new(Operation.Shared, 1, Gives: true),       // what is there under a name, or nil
    };
}
