namespace Vmem.Tests.Objects;

/// <summary>An object that knows what has been done to it.</summary>
internal sealed class Widget(int number)
{
    public int Number => number;

    public bool IsDestructed { get; set; }

    /// <summary>Who has it; 0: nobody.</summary>
    public int Holder;
}
