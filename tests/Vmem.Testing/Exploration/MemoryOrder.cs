namespace Vmem.Testing.Exploration;

/// <summary>What the simulated processors do to the order of loads and stores.</summary>
public enum MemoryOrder
{
    /// <summary>Nothing: each store is seen by all at once.</summary>
    Sequential,

    /// <summary>x86 (TSO): stores wait in a first in, first out buffer. Their own thread sees them, the others do not yet.</summary>
    X86,

    /// <summary>Arm: stores to different places leave the buffer in any order, unless one is a release or stores a reference. A load may
    /// return what the place held before, back to the thread's last acquire, barrier or lock.</summary>
    Arm,
}
