namespace Vmem.Fuzz;

/// <summary>
/// One reader of untrusted input, as a function of bytes. <see cref="Check"/> reads the input and returns, whatever the input is: what a
/// reader documents as its refusal is caught there, and nothing else is. So any exception that leaves it is a finding. There are three
/// kinds: a reader that throws what it does not declare, a <see cref="FindingException"/> of an oracle, and an
/// <see cref="OutOfMemoryException"/> under the heap's hard limit. A hang is found by afl-fuzz's timeout; the corpus run reads through
/// <see cref="Targets.DribblingStream"/>, which counts reads past the end.
/// <para>
/// What is accepted is used: a recording is replayed, a snapshot is restored. A reader that accepts nonsense is found by what the
/// nonsense does later.
/// </para>
/// <para>Targets keep no state: an input does the same whatever ran before, so that each finding can be repeated alone.</para>
/// </summary>
internal abstract class FuzzTarget
{
    /// <summary>As the command line and the corpus folder name it.</summary>
    public abstract string Name { get; }

    /// <summary>Words of the format: for afl-fuzz's dictionary and for the mutations of the corpus run.</summary>
    public abstract IReadOnlyList<string> Words { get; }

    /// <summary>Reads the input and checks what follows from it.</summary>
    /// <returns>Whether the reader accepted it.</returns>
    /// <exception cref="FindingException">An oracle does not hold.</exception>
    public abstract bool Check(byte[] input);
}
