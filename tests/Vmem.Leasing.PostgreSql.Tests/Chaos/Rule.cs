namespace Vmem.Leasing.PostgreSql.Tests.Chaos;

/// <summary>A rule of the holder that can be left out.</summary>
internal enum Rule
{
    None,

    /// <summary>Its time counts from the answer, and not from before the question.</summary>
    R1,

    /// <summary>Past its deadline it goes on when the store answers, though that has failed over.</summary>
    R5,

    /// <summary>Its number is made from a name, so what it finds under that number it takes for its own.</summary>
    R7,
}
