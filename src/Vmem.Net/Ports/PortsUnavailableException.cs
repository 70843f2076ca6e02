namespace Vmem.Net;

/// <summary>So many ports side by side are not free. Nothing was changed, but for ports in use that were set aside.</summary>
public sealed class PortsUnavailableException : InvalidOperationException
{
    /// <summary>Says what is missing.</summary>
    /// <param name="message">The whole message.</param>
    public PortsUnavailableException(string message)
        : base(message)
    {
    }
}
