namespace Vmem.Testing.Driving;

/// <summary>The arena under test and the model disagree.</summary>
public sealed class DivergenceException(string message) : Exception(message);
